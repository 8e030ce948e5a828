// The chat side of the played models.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/answers.hpp"
#include "daemon/sandbox/chat_request.hpp"
#include "daemon/sandbox/summary.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace enrichd::sandbox {

namespace {

using nlohmann::ordered_json;

constexpr std::size_t sentences = 2;

struct completion {
    std::string text;
    std::string refusal;
    std::string finish = "stop";
    std::size_t tokens = 0;    ///< of the text or refusal
    std::size_t reasoning = 0; ///< before it
};

// A model would not repeat the title, where there is something below it.
std::string_view below_title(std::string_view data) {
    const auto from = data.find_first_not_of(" \n");
    if (from == std::string_view::npos || !data.substr(from).starts_with("Title: ")) return data;
    const auto body = data.find_first_not_of(" \n", std::min(data.find('\n', from), data.size()));
    return body == std::string_view::npos ? data : data.substr(body);
}

// What the model says within its cap.
completion complete(const chat_request& request, model_fault fault, token_bench& bench) {
    const auto counted_by = table_of(*request.model);
    completion c;
    c.reasoning = std::min(request.reasoning_tokens, request.cap);
    std::string_view prompt;
    for (const auto& message : request.messages)
        if (message.role == "user") prompt = message.text;
    std::string text = summarise(below_title(fenced_text(prompt)), sentences);
    std::size_t room = request.cap - c.reasoning;
    if (fault == model_fault::refusal) text = "I'm sorry, but I can't help with that.";
    if (fault == model_fault::empty || fault == model_fault::content_filter) text.clear();
    if (fault == model_fault::content_filter) c.finish = "content_filter";
    const auto whole = bench.count(counted_by, text);
    if (fault == model_fault::length) room = std::min(room, whole / 2);
    if (whole > room || fault == model_fault::length) {
        text = bench.cut(counted_by, text, room);
        c.finish = "length";
    }
    c.tokens = bench.count(counted_by, text);
    (fault == model_fault::refusal ? c.refusal : c.text) = std::move(text);
    return c;
}

ordered_json choice_of(const completion& c, std::size_t index, model_fault fault) {
    const bool no_content = fault == model_fault::refusal || fault == model_fault::nulls;
    ordered_json message;
    message["role"] = "assistant";
    message["content"] = no_content ? ordered_json(nullptr) : ordered_json(c.text);
    message["refusal"] = c.refusal.empty() ? ordered_json(nullptr) : ordered_json(c.refusal);
    message["annotations"] = ordered_json::array();
    ordered_json choice;
    choice["index"] = index;
    choice["message"] = std::move(message);
    choice["logprobs"] = nullptr;
    choice["finish_reason"] = c.finish;
    return choice;
}

ordered_json chat_usage_of(const bill& b) {
    ordered_json usage;
    usage["prompt_tokens"] = b.input;
    usage["completion_tokens"] = b.output;
    usage["total_tokens"] = b.input + b.output;
    usage["prompt_tokens_details"] = {{"cached_tokens", 0}, {"audio_tokens", 0}};
    usage["completion_tokens_details"] = {{"reasoning_tokens", b.reasoning},
                                          {"audio_tokens", 0},
                                          {"accepted_prediction_tokens", 0},
                                          {"rejected_prediction_tokens", 0}};
    return usage;
}

answer failure(const api_error& e) {
    return {e.status, body_of(e), {}};
}

} // namespace

token_table table_of(const played_model& m) {
    return m.o200k ? token_table::o200k_base : token_table::cl100k_base;
}

std::size_t prompt_tokens(const chat_request& request, token_bench& bench) {
    std::size_t sum = 3;
    for (const auto& message : request.messages)
        sum += 3 + bench.count(table_of(*request.model), message.role) +
               bench.count(table_of(*request.model), message.text);
    return sum;
}

std::string hex_id(std::uint64_t id) {
    // Two rounds of a linear generator (Knuth's MMIX) give the other half.
    return fmt::format("{:016x}{:016x}", id, id * 6364136223846793005u + 1442695040888963407u);
}

answer answer_chat(const answer_order& order, token_bench& bench) {
    const auto request = read_chat_request(order.body, order.in_batch);
    if (!request) return failure(request.error());
    const auto prompt = prompt_tokens(*request, bench);
    const auto limit = request->model->context_tokens;
    if (prompt > limit)
        return failure(
            {400,
             fmt::format("This model's maximum context length is {} tokens. However, your messages resulted "
                         "in {} tokens. Please reduce the length of the messages.",
                         limit, prompt),
             "messages", "context_length_exceeded"});
    const auto c = complete(*request, order.fault, bench);
    bill billed;
    billed.input = static_cast<std::int64_t>(prompt);
    billed.output = static_cast<std::int64_t>((c.tokens + c.reasoning) * request->answers);
    billed.reasoning = static_cast<std::int64_t>(c.reasoning * request->answers);

    ordered_json body;
    body["id"] = "chatcmpl-" + hex_id(order.id).substr(0, 29);
    body["object"] = "chat.completion";
    body["created"] = order.created;
    body["model"] = request->model->snapshot;
    body["choices"] = ordered_json::array();
    for (std::size_t i = 0; i < request->answers; ++i)
        body["choices"].push_back(choice_of(c, i, order.fault));
    body["usage"] = chat_usage_of(billed);
    body["service_tier"] = "default";
    body["system_fingerprint"] = "enrich-sandbox";
    return {200, body.dump(-1, ' ', false, ordered_json::error_handler_t::replace), billed};
}

} // namespace enrichd::sandbox

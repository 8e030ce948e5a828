// SPDX-License-Identifier: Apache-2.0
#include "core/sent_request.hpp"

#include "core/batch_result.hpp"
#include "core/json_edge.hpp"
#include "core/request_lines.hpp"

#include <algorithm>
#include <limits>

namespace enrichd {

namespace {

std::uint32_t tokens_in(const nlohmann::json* text, token_counter& counter) {
    const auto* s = text ? text->get_ptr<const std::string*>() : nullptr;
    return s ? static_cast<std::uint32_t>(counter.count(*s)) : 0;
}

void read_inputs(const nlohmann::json* input, request_line& line, token_counter& counter) {
    if (!input) return;
    if (!input->is_array())
        line.chunk_tokens.push_back(tokens_in(input, counter));
    else
        for (const auto& chunk : *input)
            line.chunk_tokens.push_back(tokens_in(&chunk, counter));
    for (const auto n : line.chunk_tokens)
        line.input_tokens += n;
}

void read_messages(const nlohmann::json& body, const recipe& r, request_line& line, token_counter& counter) {
    const auto* messages = member(body, "messages");
    if (!messages || !messages->is_array()) return;
    line.input_tokens = tokens_of_framing(messages->size());
    for (const auto& message : *messages)
        line.input_tokens += tokens_in(member(message, "content"), counter);
    const auto cap = integer_member(body, r.model.token_cap_field).value_or(r.max_output_tokens);
    line.output_cap = static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(cap, 0, std::numeric_limits<std::int32_t>::max()));
}

} // namespace

request_line read_sent_request(std::string_view text, const recipe& r, token_counter& counter) {
    request_line line;
    line.custom_id = read_custom_id(text).value_or("");
    const auto json = parse_json(text);
    const auto* body = json ? member(*json, "body") : nullptr;
    if (body && r.kind == kind::embeddings) read_inputs(member(*body, "input"), line, counter);
    if (body && r.kind == kind::summaries) read_messages(*body, r, line, counter);
    line.reply_bytes = r.kind == kind::embeddings ? embedding_reply_bytes(r, line.chunk_tokens.size())
                                                  : summary_reply_bytes(r);
    return line;
}

} // namespace enrichd

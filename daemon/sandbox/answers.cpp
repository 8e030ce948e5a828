// The embeddings side of the played models, and the choice between the two.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/answers.hpp"

#include "daemon/sandbox/embedding_request.hpp"
#include "daemon/sandbox/lexical_vector.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <iterator>

namespace enrichd::sandbox {

namespace {

constexpr std::string_view chat_path = "/v1/chat/completions";
constexpr std::string_view embeddings_path = "/v1/embeddings";

// Written by hand: a document of a thousand numbers is the one thing here that must be quick.
void write_vector(std::string& out, const std::vector<float>& vector, bool base64, bool nulls) {
    if (base64 && !nulls) {
        out += '"';
        out += base64_floats(vector);
        out += '"';
        return;
    }
    char separator = '[';
    for (std::size_t i = 0; i < vector.size(); ++i) {
        out += separator;
        if (nulls && i % 2 == 0)
            out += "null"; // what NaN becomes in the JSON of many a server
        else
            fmt::format_to(std::back_inserter(out), "{}", vector[i]);
        separator = ',';
    }
    out += ']';
}

bool names_chat(std::string_view endpoint) {
    return endpoint == chat_path;
}

} // namespace

answer answer_embeddings(const answer_order& order, token_bench& bench) {
    const auto request = read_embedding_request(order.body, bench);
    if (!request) return {request.error().status, body_of(request.error()), {}};
    auto dimensions = request->dimensions;
    if (order.fault == model_fault::wrong_dimensions) dimensions = dimensions > 1 ? dimensions / 2 : 2;

    answer out;
    out.body = R"({"object":"list","data":[)";
    for (std::size_t i = 0; i < request->inputs.size(); ++i) {
        const auto& input = request->inputs[i];
        out.billed.input += static_cast<std::int64_t>(input.tokens);
        if (i > 0) out.body += ',';
        fmt::format_to(std::back_inserter(out.body), R"({{"object":"embedding","index":{},"embedding":)", i);
        auto vector =
            order.fault == model_fault::empty ? std::vector<float>() : lexical_vector(input.text, dimensions);
        if (vector.empty())
            out.body += request->base64 ? "\"\"" : "[]";
        else
            write_vector(out.body, vector, request->base64, order.fault == model_fault::nulls);
        out.body += '}';
    }
    fmt::format_to(std::back_inserter(out.body),
                   R"(],"model":"{}","usage":{{"prompt_tokens":{},"total_tokens":{}}}}})",
                   request->model->snapshot, out.billed.input, out.billed.input);
    return out;
}

bool is_played(std::string_view endpoint) {
    return names_chat(endpoint) || endpoint == embeddings_path;
}

answer answer_request(std::string_view endpoint, const answer_order& order, token_bench& bench) {
    return names_chat(endpoint) ? answer_chat(order, bench) : answer_embeddings(order, bench);
}

std::size_t embedding_inputs(const nlohmann::json& body) {
    const auto at = body.find("input");
    const bool list = at != body.end() && at->is_array() && !at->empty() && !at->front().is_number();
    return list ? at->size() : 1;
}

std::size_t input_tokens(std::string_view endpoint, const nlohmann::json& body, token_bench& bench) {
    if (!names_chat(endpoint)) {
        const auto request = read_embedding_request(body, bench);
        std::size_t sum = 0;
        if (request)
            for (const auto& input : request->inputs)
                sum += input.tokens;
        return sum;
    }
    const auto request = read_chat_request(body, true);
    return request ? prompt_tokens(*request, bench) : 0;
}

} // namespace enrichd::sandbox

// What the played models answer: a request's body in, a response's body and the bill out. Pure.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/sandbox/token_bench.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace enrichd::sandbox {

/// Tokens that a request is billed for; zero where it failed.
struct bill {
    std::int64_t input = 0;
    std::int64_t output = 0;
    std::int64_t reasoning = 0; ///< part of output

    bill& operator+=(const bill& o) {
        input += o.input;
        output += o.output;
        reasoning += o.reasoning;
        return *this;
    }
};

struct answer {
    int status = 200;
    std::string body; ///< JSON, the success's or the error's
    bill billed;
};

/// A misbehaviour of the model itself, which a scenario may ask for.
enum class model_fault { none, refusal, length, content_filter, empty, wrong_dimensions, nulls };

struct answer_order {
    const nlohmann::json& body;
    std::uint64_t id = 0;     ///< makes the ids in the answer
    std::int64_t created = 0; ///< seconds since 1970
    model_fault fault = model_fault::none;
    bool in_batch = false; ///< a batch has no streaming
};

/// /v1/chat/completions: at most two sentences of the last user message (see summarise()), and usage counted
/// with the frame of chat messages (three tokens a message and three for the reply, as in the vendor's
/// cookbook, "How to count tokens with tiktoken"). A reasoning model that was not told otherwise spends
/// tokens on reasoning first, out of the same cap: 64 at effort low, 192 at medium (its default), 512 at
/// high.
answer answer_chat(const answer_order& order, token_bench& bench);

/// /v1/embeddings: see lexical_vector().
answer answer_embeddings(const answer_order& order, token_bench& bench);

/// By the path of the API. Only those two are played.
bool is_played(std::string_view endpoint);
answer answer_request(std::string_view endpoint, const answer_order& order, token_bench& bench);

/// How many inputs an embeddings request has; 1 for whatever is no list of texts.
std::size_t embedding_inputs(const nlohmann::json& body);

/// Input tokens of a request, as far as it can be understood: what a quota counts before anything runs.
std::size_t input_tokens(std::string_view endpoint, const nlohmann::json& body, token_bench& bench);

/// 32 hexadecimal digits made of a number.
std::string hex_id(std::uint64_t id);

} // namespace enrichd::sandbox

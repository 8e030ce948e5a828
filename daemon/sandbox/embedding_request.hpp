// An embeddings request's body, checked as the API checks it. Internal to the answers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/sandbox/chat_request.hpp"
#include "daemon/sandbox/token_bench.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace enrichd::sandbox {

struct embedding_input {
    std::string text;
    std::size_t tokens = 0;
};

struct embedding_request {
    const played_model* model = nullptr;
    std::vector<embedding_input> inputs;
    std::uint32_t dimensions = 0;
    bool base64 = false;
};

/// Limits of one request (the vendor's API reference, "Create embeddings").
inline constexpr std::size_t max_inputs = 2048;
inline constexpr std::size_t max_input_tokens = 8192;
inline constexpr std::size_t max_request_tokens = 300'000;

checked<embedding_request> read_embedding_request(const nlohmann::json& body, token_bench& bench);

} // namespace enrichd::sandbox

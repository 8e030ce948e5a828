// Lines of answers as providers write them, for the tests of reading them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <span>
#include <string>

#include "core/base64.hpp"
#include "core/batch_result.hpp"

namespace enrichd::test {

using nlohmann::json;

inline constexpr expected_answer a_summary{kind::summaries, 1, 0};

inline json chat_line(const json& message, const std::string& finish = "stop") {
    return {{"id", "batch_req_1"},
            {"custom_id", "s01"},
            {"response",
             {{"status_code", 200},
              {"request_id", "ed3a"},
              {"body",
               {{"object", "chat.completion"},
                {"choices", {{{"index", 0}, {"message", message}, {"finish_reason", finish}}}},
                {"usage",
                 {{"prompt_tokens", 1000},
                  {"completion_tokens", 72},
                  {"total_tokens", 1072},
                  {"prompt_tokens_details", {{"cached_tokens", 512}}},
                  {"completion_tokens_details", {{"reasoning_tokens", 7}}}}}}}}},
            {"error", nullptr}};
}

inline json text_message(const std::string& content) {
    return {{"role", "assistant"}, {"content", content}, {"refusal", nullptr}};
}

inline std::string base64_of(std::span<const float> vector) {
    return encode_base64(std::as_bytes(vector)); // tests run on little-endian machines
}

inline json embedding_line(const json& data) {
    return {
        {"custom_id", "e01"},
        {"response",
         {{"status_code", 200},
          {"body",
           {{"object", "list"}, {"data", data}, {"usage", {{"prompt_tokens", 3}, {"total_tokens", 3}}}}}}},
        {"error", nullptr}};
}

inline json vector_entry(int index, const json& embedding) {
    return {{"object", "embedding"}, {"index", index}, {"embedding", embedding}};
}

inline answer read_chat(const json& line) {
    return read_answer(line.dump(), a_summary);
}

inline answer read_vectors(const json& data, std::uint32_t inputs, std::uint32_t dimensions) {
    return read_answer(embedding_line(data).dump(), {kind::embeddings, inputs, dimensions});
}

} // namespace enrichd::test

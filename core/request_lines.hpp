// The two makers of request lines behind build_requests(), one a kind.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/batch_request.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace enrichd {

/// What both get: valid UTF-8, long enough, not blank.
struct request_text {
    std::string_view title; ///< empty where the title itself is the text
    std::string_view text;
    const text_hash& hash;
};

/// One line, or none with the reason in `skip_reason`.
std::vector<request_line> summary_lines(const request_text& t, const recipe& r, token_counter& counter,
                                        std::string& skip_reason);

/// One line, or several where the API's limits of one request demand it.
std::vector<request_line> embedding_lines(const request_text& t, const recipe& r, token_counter& counter);

/// The most that a sane answer line has, for request_line::reply_bytes.
std::uint64_t summary_reply_bytes(const recipe& r);
std::uint64_t embedding_reply_bytes(const recipe& r, std::size_t vectors);

/// What a chat request of that many messages is billed for beside their contents.
std::uint32_t tokens_of_framing(std::size_t messages);

/// `{"custom_id":"...","method":"POST","url":"...","body":{"model":"..."`: what all lines begin with.
std::string begin_line(const std::string& custom_id, const recipe& r);

} // namespace enrichd

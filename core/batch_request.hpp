// Rows into request lines of a batch file.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/money.hpp"
#include "core/recipe.hpp"
#include "core/source_row.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace enrichd {

class token_counter;

/// SHA-256 over title, a zero byte, and text.
text_hash hash_text(std::string_view title, std::string_view text);
std::string hex(const text_hash& h);

/// One line of a batch file.
struct request_line {
    std::string custom_id;          ///< [A-Za-z0-9_-]{1,64}; a hash of kind, version, text hash and part
    std::string json;               ///< the whole line, with its newline
    std::uint32_t input_tokens = 0; ///< everything that is billed as input, the prompt's frame included
    std::uint32_t output_cap = 0;   ///< the most that can be billed as output; 0 for embeddings
    std::vector<std::uint32_t> chunk_tokens; ///< embeddings: own tokens of each input, the weights of pooling
    std::uint64_t reply_bytes =
        0;                  ///< the most that a sane answer line can have: sizes files, bounds what is read
    std::uint32_t part = 0; ///< a row beyond one request's limits becomes parts 0 .. parts-1
    std::uint32_t parts = 1;
};

/// What one row asks for. Either lines, or the reason why there are none ("no text", "too short: 34 of 100
/// characters").
struct row_requests {
    text_hash hash{};
    std::vector<request_line> lines;
    std::string skip_reason;
    std::size_t replaced = 0; ///< invalid UTF-8 sequences that were sent as U+FFFD
};

/// The row's text in the user message of a summary's request, without what build_requests() says around it;
/// the whole message where that is not there.
std::string_view text_within_frame(std::string_view user_message);

row_requests build_requests(const source_row& row, const recipe& r, token_counter& counter);

/// Input tokens at the batch price, and the output cap as the upper bound.
money upper_bound(const request_line& line, const model& m);

/// Limits of one batch file; whichever is reached first begins the next file.
struct file_limits {
    std::uint64_t requests = 20'000;
    std::uint64_t bytes = 100'000'000;
    std::uint64_t embedding_inputs = 50'000;
    std::uint64_t reply_bytes = 180'000'000; ///< downloads above some 190 MB are known to break
    std::uint64_t input_tokens =
        std::numeric_limits<std::uint64_t>::max(); ///< that the provider's queue takes
};

/// Sums of a file in the making, or of a whole run.
struct file_totals {
    std::uint64_t requests = 0;
    std::uint64_t bytes = 0;
    std::uint64_t embedding_inputs = 0;
    std::uint64_t reply_bytes = 0;
    std::uint64_t input_tokens = 0;
    std::uint64_t output_cap = 0;
    money bound;

    void add(const request_line& line, const model& m);
};

/// Whether a row's lines (all parts go into one file) still fit. An empty file takes any row.
bool fits(const file_totals& so_far, const std::vector<request_line>& lines, const file_limits& limits);

} // namespace enrichd

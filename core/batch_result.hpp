// Lines of a provider's output and error files into answers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/batch_status.hpp"
#include "core/kind.hpp"
#include "core/outcome.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace enrichd {

/// The custom_id of a line, read without reading the rest; absent if the line has none that can be read.
std::optional<std::string> read_custom_id(std::string_view line);

/// What was asked, for checking what came.
struct expected_answer {
    enrichd::kind kind{};
    std::uint32_t inputs = 1;     ///< embeddings: vectors that must come
    std::uint32_t dimensions = 0; ///< of each
};

/// An answer as it was read: `how` is ok where there is a usable value (it may still end stale or gone).
struct answer {
    std::string custom_id;
    outcome how = outcome::unparseable;
    int http_status = 0;
    std::string reason; ///< the provider's error code and message, or what is wrong; empty for ok
    token_usage usage;  ///< as billed; zero where the line says nothing
    std::string summary;
    std::vector<std::vector<float>> embeddings; ///< by input index, each of expected dimensions
};

/// How long a line may be before it is given up on instead of read, from the request_line::reply_bytes of the
/// request it answers (or the largest of its file): a server that ignores the wish for base64 sends numbers,
/// some three times as long, and a small answer may come with a long error text.
std::uint64_t longest_line(std::uint64_t reply_bytes);

/// How many vectors a line brings, usable or not; 0 if it brings none, or cannot be read. Never throws.
std::uint32_t count_vectors(std::string_view line);

/// Reads one line of either file (output or error; the same shapes occur in both). Base64 and number vectors
/// are both understood; an embedding's `index` is honoured. Never throws; what cannot be read is
/// `unparseable`, what is unusable is `invalid`.
answer read_answer(std::string_view line, const expected_answer& expected);

} // namespace enrichd

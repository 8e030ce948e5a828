// Cuts a text into windows of tokens, and a text that is too long to its first tokens.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/tokenizer.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace enrichd {

struct chunk {
    std::size_t offset;   ///< in bytes, from the text's begin
    std::size_t length;   ///< in bytes
    std::uint32_t tokens; ///< of this chunk counted by itself

    friend bool operator==(const chunk&, const chunk&) = default;
};

struct chunk_limits {
    std::uint32_t window = 1500; ///< most tokens of a chunk; below 4 means 4, what one character may need
    std::uint32_t overlap = 150; ///< tokens that a chunk shares with the one before; at most half a window
};

/// The chunks of a text (valid UTF-8), in order. A text that fits the window is one chunk; an empty one has
/// none.
///
/// Chunks begin and end where words do, and only inside a word that no window holds, between two characters.
/// Each ends behind the end of the one before, and none leaves a gap. They share as many whole words as the
/// overlap holds: less than that where the words beside a border are long, for a chunk must reach past its
/// predecessor.
std::vector<chunk> cut_chunks(std::string_view text, token_counter&, chunk_limits = {});

struct cut_text {
    std::string_view text;
    std::uint32_t tokens; ///< of this part counted by itself
};

/// The text's begin that has at most so many tokens, ending at a word's end; if the word that goes too far
/// would not fit alone either, between two characters of it. A text that fits comes back whole.
cut_text cut_to_tokens(std::string_view text, token_counter&, std::uint32_t max_tokens);

} // namespace enrichd

// Counts the tokens of a text, exactly as OpenAI's encoders would make them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/byte_pair.hpp"
#include "core/pretokenizer.hpp"
#include "core/vocabulary.hpp"
#include "core/word_cache.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace enrichd {

std::string_view name(encoding) noexcept;

/// From the name alone, as it is written in the data of models: "cl100k_base", "o200k_base".
std::optional<encoding> parse_encoding(std::string_view name) noexcept;

/// Counts and encodes. It keeps the counts of the words it met in a cache of 3 MiB, so one that is kept is
/// two to three times as fast as a new one. Not thread-safe: each thread has its own; the vocabulary behind
/// them is shared.
///
/// Texts must be valid UTF-8 (see replace_invalid_utf8); of others the count is some number. The names of
/// special tokens, as "<|endoftext|>", are text like any other.
class token_counter {
public:
    explicit token_counter(encoding);

    encoding which() const noexcept { return which_; }

    std::size_t count(std::string_view text);

    /// The tokens themselves.
    std::vector<token_id> encode(std::string_view text);

    /// The bytes that a token stands for; not always whole characters.
    std::string_view bytes(token_id id) const noexcept { return tokens_->bytes(id); }

    /// The length in bytes of the word that a text begins with; the text is not empty. A text's count is the
    /// sum of its words' counts, and a word's end depends on nothing before it.
    std::size_t word_length(std::string_view text) const noexcept;

    /// The tokens of the word that a text begins with, which has this length. (With the text behind it at
    /// hand, a word is looked up faster than alone.)
    std::uint32_t count_word(std::string_view text, std::size_t length);

private:
    encoding which_;
    const vocabulary* tokens_;
    byte_pair_encoder encoder_;
    word_cache<16, 17> short_words_;
    word_cache<32, 15> longer_words_; // most of them of scripts whose letters take two or three bytes
};

} // namespace enrichd

// The tokens of an encoding: which bytes they are, and which two merge into which.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/pretokenizer.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace enrichd {

/// A token's number, which is also its priority: the lower of two possible merges is done first.
using token_id = std::uint32_t;

inline constexpr token_id no_token = 0xFFFFFFFFU;

/// Immutable, shared by all counters, built from the embedded merge table at first use (some milliseconds).
///
/// The tables of data/ have two properties that the encoding algorithms rely on, and that
/// data/convert_ranks.mjs checks: each token is reached by merging its own bytes, and is younger than the two
/// tokens of its last merge.
class vocabulary {
public:
    static const vocabulary& of(encoding);

    std::size_t size() const noexcept { return offsets_.size() - 1; }

    std::string_view bytes(token_id id) const noexcept { return {text_.data() + offsets_[id], length(id)}; }
    std::size_t length(token_id id) const noexcept { return offsets_[id + 1] - offsets_[id]; }

    token_id of_byte(char byte) const noexcept { return byte_ids_[static_cast<unsigned char>(byte)]; }

    /// The token with exactly these bytes, or no_token.
    token_id find(std::string_view bytes) const noexcept;

    /// The longest token that the text begins with and that is shorter than `below`; no_token if there is
    /// none, which is so for `below` 1 alone. The text is not empty.
    token_id longest_prefix(std::string_view text, std::size_t below = longest + 1) const noexcept;

    /// The token that these two make when they are merged, or no_token.
    token_id merged(token_id left, token_id right) const noexcept;

    /// The two tokens of the last merge that makes this one, which is no single byte.
    token_id left(token_id id) const noexcept { return read_id(id, 0); }
    token_id right(token_id id) const noexcept { return read_id(id, 3); }
    static bool is_byte(token_id id) noexcept { return id < 256; }

    static constexpr std::size_t longest = 128; ///< bytes of the longest token of either encoding

private:
    explicit vocabulary(std::span<const unsigned char> merges);

    void add_pair(token_id);
    void add_bytes(token_id, std::uint64_t hash);
    token_id read_id(token_id id, std::size_t half) const noexcept;
    token_id probe(std::uint64_t hash, std::string_view bytes) const noexcept;

    std::span<const unsigned char> merges_;
    std::array<token_id, 256> byte_ids_{};
    std::vector<char> text_;             // all tokens' bytes, by id
    std::vector<std::uint32_t> offsets_; // where each token begins in text_, and the end

    std::vector<std::uint32_t>
        by_bytes_; // open addressing: 14 bits of the hash above 18 bits of the id plus one
    std::vector<std::uint64_t> by_pair_; // open addressing: left, right and merged id, 20 bits each (never 0)
    std::vector<std::uint8_t> longest_;  // length of the longest token with these two bytes at its begin
    unsigned shift_ = 0;                 // from a hash to a slot of either table
};

} // namespace enrichd

// The tokens of an encoding: which bytes they are, and which two merge into which.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/id_table.hpp"
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

inline constexpr token_id no_token = id_table::none;

/// Immutable, shared by all counters, built from the embedded merge table at first use (some milliseconds).
///
/// The tables of data/ have two properties that the encoding algorithms rely on, and that
/// data/convert_ranks.mjs checks: each token is reached by merging its own bytes, and is younger than the two
/// tokens of its last merge.
class vocabulary {
public:
    static const vocabulary& of(encoding);

    std::size_t size() const noexcept { return count_; }

    std::string_view bytes(token_id id) const noexcept { return {text_.data() + offsets_[id], length(id)}; }
    std::size_t length(token_id id) const noexcept { return offsets_[id + 1] - offsets_[id]; }

    token_id of_byte(char byte) const noexcept { return byte_ids_[static_cast<unsigned char>(byte)]; }

    /// The token with exactly these bytes, or no_token.
    token_id find(std::string_view bytes) const noexcept;

    /// The token that these two make when they are merged, or no_token.
    token_id merged(token_id left, token_id right) const noexcept;

    /// The two tokens of the last merge that makes this one, which is no single byte.
    token_id left(token_id id) const noexcept { return read_id(id, 0); }
    token_id right(token_id id) const noexcept { return read_id(id, 3); }
    static bool is_byte(token_id id) noexcept { return id < 256; }

    static constexpr std::size_t longest = 128; ///< bytes of the longest token of either encoding

private:
    friend class token_prefixes;

    explicit vocabulary(std::span<const unsigned char> merges);

    std::uint64_t spell(token_id, const std::vector<std::uint64_t>& hashes);
    void enter(token_id, std::uint64_t hash);
    token_id read_id(token_id id, std::size_t half) const noexcept;
    token_id find_hashed(std::uint64_t hash, std::string_view bytes) const noexcept;

    std::span<const unsigned char> merges_;
    std::size_t count_;
    std::array<token_id, 256> byte_ids_{};
    std::vector<char> text_;             // all tokens' bytes, by id
    std::vector<std::uint32_t> offsets_; // where each token begins in text_, and the end
    id_table by_bytes_;
    id_table by_halves_;                 // by the two halves of the last merge
    std::vector<std::uint32_t> lengths_; // by the hash of four bytes: see token_prefixes
};

/// The tokens that a text begins with, longest first. The text's begin is hashed once for all of them, and
/// only lengths that tokens with the same first four bytes have are looked for.
class token_prefixes {
public:
    /// The text is not empty, and outlives this.
    token_prefixes(const vocabulary&, std::string_view text) noexcept;

    /// The longest one that is shorter than `below`; no_token if there is none, which is so for 1 alone.
    token_id longest(std::size_t below = vocabulary::longest + 1) const noexcept;

private:
    const vocabulary* tokens_;
    std::string_view text_; // no longer than the longest token it could begin with
    std::uint32_t lengths_; // bit n: tokens of n bytes may be among them; bit 31: of 31 or more
    std::array<std::uint64_t, vocabulary::longest + 1> hashes_; // of the first n bytes; as far as text_ goes
};

} // namespace enrichd

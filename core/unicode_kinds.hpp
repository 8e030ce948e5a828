// What a code point is to the patterns that split text into words.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace enrichd {

/// One bit each, so that a class of a pattern is a mask. The general categories are Unicode 16's, the version
/// of the reference encoders.
using unicode_kind = std::uint8_t;

inline constexpr unicode_kind kind_upper = 1;    ///< Lu, Lt
inline constexpr unicode_kind kind_lower = 2;    ///< Ll
inline constexpr unicode_kind kind_caseless = 4; ///< Lm, Lo
inline constexpr unicode_kind kind_mark = 8;     ///< Mn, Mc, Me
inline constexpr unicode_kind kind_number = 16;  ///< Nd, Nl, No
inline constexpr unicode_kind kind_space = 32;   ///< White_Space but CR and LF
inline constexpr unicode_kind kind_newline = 64; ///< CR, LF
inline constexpr unicode_kind kind_other =
    128; ///< everything else: punctuation, symbols, controls, unassigned

namespace detail {

inline constexpr std::size_t kind_block_size = 256; ///< code points of a block
inline constexpr std::size_t kind_block_count = 0x110000 / kind_block_size;

/// Two stages: most of the 4,352 blocks are of one kind throughout, and share one block per kind. The first
/// block is that of the first code points.
struct kind_table {
    std::array<std::uint8_t, kind_block_count> block_of{};
    std::array<std::array<unicode_kind, kind_block_size>, 256> blocks{};
};

extern const kind_table kinds;

} // namespace detail

/// The kind of a code point below 256.
inline unicode_kind kind_of_byte(unsigned char value) noexcept {
    return detail::kinds.blocks[0][value];
}

/// The kind of a code point up to U+10FFFF.
inline unicode_kind kind_of(char32_t value) noexcept {
    const auto block = detail::kinds.block_of[value / detail::kind_block_size];
    return detail::kinds.blocks[block][value % detail::kind_block_size];
}

} // namespace enrichd

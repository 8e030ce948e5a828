// UTF-8: what is valid, what to put in place of the rest, where characters begin.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace enrichd {

/// Whether every byte belongs to a well-formed sequence (Unicode, table 3-7: no overlong form, no surrogate,
/// nothing above U+10FFFF).
bool is_valid_utf8(std::string_view text) noexcept;

struct utf8_repair {
    std::string text;         ///< valid
    std::size_t replaced = 0; ///< how many U+FFFD were put in; 0 if the text was valid already
};

/// Puts one U+FFFD in place of each maximal subpart of an ill-formed sequence (Unicode 3.9, "best practices
/// for using U+FFFD"; what browsers do). A text that is valid comes back unchanged.
utf8_repair replace_invalid_utf8(std::string_view text);

/// Whether this byte goes on with a character that an earlier byte began.
constexpr bool is_utf8_continuation(char byte) noexcept {
    return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

/// The last character border at or before `at`; `at` itself if it is one. The text must be valid.
constexpr std::size_t utf8_border_before(std::string_view text, std::size_t at) noexcept {
    if (at >= text.size()) return text.size();
    while (at > 0 && is_utf8_continuation(text[at]))
        --at;
    return at;
}

struct code_point {
    char32_t value;
    unsigned length; ///< in bytes, 1 to 4
};

/// The character that begins at `at`, which is before `end`. Made for valid text; of an ill-formed sequence
/// it takes one byte as U+FFFD, or a value that no character has, and never reads at or beyond `end`.
inline code_point decode_utf8(const char* at, const char* end) noexcept {
    const auto byte = [at](std::ptrdiff_t i) { return static_cast<unsigned char>(at[i]); };
    const auto six = [&byte](std::ptrdiff_t i) { return static_cast<char32_t>(byte(i) & 0x3FU); };
    const auto more = [&byte](std::ptrdiff_t i) { return (byte(i) & 0xC0U) == 0x80U; };
    const char32_t lead = byte(0);
    const auto left = end - at;
    if (lead < 0x80) return {lead, 1};
    if (lead < 0xE0) {
        if (lead >= 0xC2 && left >= 2 && more(1)) return {(lead & 0x1FU) << 6 | six(1), 2};
    } else if (lead < 0xF0) {
        if (left >= 3 && more(1) && more(2)) return {(lead & 0x0FU) << 12 | six(1) << 6 | six(2), 3};
    } else if (lead < 0xF5 && left >= 4 && more(1) && more(2) && more(3)) {
        const auto value = (lead & 0x07U) << 18 | six(1) << 12 | six(2) << 6 | six(3);
        if (value <= 0x10FFFF) return {value, 4};
    }
    return {U'\uFFFD', 1};
}

} // namespace enrichd

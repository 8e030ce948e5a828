// SPDX-License-Identifier: Apache-2.0
#include "core/json_writer.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace enrichd {

namespace {

// Text is copied block by block into a small buffer, where a block is looked at for what needs escaping after
// it was stored: the store is never undone, only overwritten. Growing the string itself byte by byte, or
// zeroing its new end before it is written, would cost as much as the escaping.
constexpr std::size_t block = 16;
constexpr std::size_t longest_escape = 6; // \u001f
constexpr std::size_t buffer_size = 4096;

constexpr bool needs_escape(unsigned char c) {
    return c < 0x20 || c == '"' || c == '\\';
}

// How many bytes at `from` may be copied as they are, `block` at most; copies a whole block in any case.
#if defined(__SSE2__)
std::size_t copy_block(const char* from, char* to) {
    const auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
    const auto control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    const auto quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    const auto backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    const auto hits = _mm_movemask_epi8(_mm_or_si128(control, _mm_or_si128(quote, backslash)));
    return hits == 0 ? block : static_cast<std::size_t>(std::countr_zero(static_cast<unsigned>(hits)));
}
#else
std::size_t copy_block(const char* from, char* to) {
    std::memcpy(to, from, block);
    std::size_t clean = 0;
    while (clean < block && !needs_escape(static_cast<unsigned char>(from[clean])))
        ++clean;
    return clean;
}
#endif

char* escape(unsigned char c, char* to) {
    static constexpr char digits[] = "0123456789abcdef";
    static constexpr std::string_view named = "\"\\\b\f\n\r\t";
    static constexpr std::string_view letters = "\"\\bfnrt";
    *to++ = '\\';
    if (const auto at = named.find(static_cast<char>(c)); at != std::string_view::npos) {
        *to++ = letters[at];
        return to;
    }
    for (const char x : {'u', '0', '0', digits[c >> 4], digits[c & 15]})
        *to++ = x;
    return to;
}

} // namespace

void append_json_string(std::string& json, std::string_view utf8) {
    std::array<char, buffer_size + block + longest_escape> buffer;
    char* const full = buffer.data() + buffer_size;
    char* to = buffer.data();
    const char* from = utf8.data();
    const char* const end = from + utf8.size();
    *to++ = '"';
    const auto make_room = [&] {
        if (to < full) return;
        json.append(buffer.data(), to);
        to = buffer.data();
    };

    while (end - from >= static_cast<std::ptrdiff_t>(block)) {
        const auto clean = copy_block(from, to);
        from += clean;
        to += clean;
        if (clean < block) to = escape(static_cast<unsigned char>(*from++), to);
        make_room();
    }
    for (; from < end; ++from) {
        const auto c = static_cast<unsigned char>(*from);
        if (needs_escape(c))
            to = escape(c, to);
        else
            *to++ = *from;
        make_room();
    }
    *to++ = '"';
    json.append(buffer.data(), to);
}

} // namespace enrichd

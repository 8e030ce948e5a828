// Runs of ASCII letters, found sixteen bytes at a time where the processor can.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>

#ifdef __SSE2__ // part of every x86-64; elsewhere the loop below does
#include <emmintrin.h>
#endif

namespace enrichd {

/// The end of the run of bytes from First to Last that begins at `at`; with CaseBit, of these in either case.
template <char First, char Last, char CaseBit = 0>
const char* skip_ascii_range(const char* at, const char* end) noexcept {
#ifdef __SSE2__
    for (; end - at >= 16; at += 16) {
        auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
        bytes = _mm_or_si128(bytes, _mm_set1_epi8(CaseBit));
        const auto outside = _mm_or_si128(_mm_cmplt_epi8(bytes, _mm_set1_epi8(First)),
                                          _mm_cmpgt_epi8(bytes, _mm_set1_epi8(Last)));
        const auto mask = static_cast<unsigned>(_mm_movemask_epi8(outside));
        if (mask != 0) return at + std::countr_zero(mask);
    }
#endif
    for (; at != end; ++at) {
        const auto byte = static_cast<signed char>(*at | CaseBit);
        if (byte < First || byte > Last) break;
    }
    return at;
}

inline const char* skip_ascii_letters(const char* at, const char* end) noexcept {
    return skip_ascii_range<'a', 'z', 0x20>(at, end);
}

inline const char* skip_ascii_upper(const char* at, const char* end) noexcept {
    return skip_ascii_range<'A', 'Z'>(at, end);
}

inline const char* skip_ascii_lower(const char* at, const char* end) noexcept {
    return skip_ascii_range<'a', 'z'>(at, end);
}

} // namespace enrichd

// What the fuzz targets share: taking an input apart, and saying that a property does not hold.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <source_location>
#include <string>
#include <string_view>

#include "core/json_edge.hpp"
#include "core/utf8.hpp"

/// Each target defines this one; docs/fuzzing.md tells how targets are built and run.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace enrichd::fuzz {

/// Ends the process where a property does not hold: libFuzzer and fuzz_replay then keep the input.
inline void require(bool holds, const char* property,
                    std::source_location at = std::source_location::current()) {
    if (holds) return;
    std::fprintf(stderr, "%s:%u: broken: %s\n", at.file_name(), static_cast<unsigned>(at.line()), property);
    std::abort();
}

/// The input as text.
inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

/// Takes the first byte off, for a choice; 0 where there is none.
inline unsigned take_byte(std::string_view& rest) {
    if (rest.empty()) return 0;
    const auto byte = static_cast<unsigned char>(rest.front());
    rest.remove_prefix(1);
    return byte;
}

/// Takes eight bytes off, the first one the lowest; zeros where there are fewer.
inline std::uint64_t take_word(std::string_view& rest) {
    std::uint64_t word = 0;
    for (int i = 0; i < 8; ++i)
        word |= static_cast<std::uint64_t>(take_byte(rest)) << (8 * i);
    return word;
}

/// No control character but those of `allowed`; of the second block neither, if the text is UTF-8.
inline bool has_no_controls(std::string_view text, std::string_view allowed = {}) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if ((byte < 0x20 || byte == 0x7f) && allowed.find(text[i]) == std::string_view::npos) return false;
        if (byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) >= 0x80 &&
            static_cast<unsigned char>(text[i + 1]) < 0xa0)
            return false;
    }
    return true;
}

/// Fit for a line of the journal or a cell of a table.
inline bool is_presentable(std::string_view text, std::string_view allowed = {}) {
    return is_valid_utf8(text) && has_no_controls(text, allowed);
}

} // namespace enrichd::fuzz

// SPDX-License-Identifier: Apache-2.0
#include "core/utf8.hpp"

#include <cstdint>
#include <cstring>

namespace enrichd {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

// What stands at the begin of a text: a whole character, or the longest part that could have begun one.
struct sequence {
    std::size_t length;
    bool valid;
};

struct byte_range {
    unsigned char first, last;
};

// What may follow a lead byte directly; only here do overlong forms, surrogates and the upper end differ.
byte_range second_bytes(unsigned char lead) {
    switch (lead) {
    case 0xE0: return {0xA0, 0xBF};
    case 0xED: return {0x80, 0x9F};
    case 0xF0: return {0x90, 0xBF};
    case 0xF4: return {0x80, 0x8F};
    default: return {0x80, 0xBF};
    }
}

std::size_t length_announced(unsigned char lead) {
    if (lead < 0x80) return 1;
    if (lead < 0xC2) return 0;
    if (lead < 0xE0) return 2;
    if (lead < 0xF0) return 3;
    return lead < 0xF5 ? 4 : 0;
}

sequence first_sequence(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text[0]);
    const auto announced = length_announced(lead);
    if (announced < 2) return {1, announced == 1};
    auto allowed = second_bytes(lead);
    for (std::size_t i = 1; i < announced; ++i) {
        if (i == text.size()) return {i, false};
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte < allowed.first || byte > allowed.last) return {i, false};
        allowed = {0x80, 0xBF};
    }
    return {announced, true};
}

// The length of the part of the text that is valid, up to the first sequence that is not.
std::size_t valid_length(std::string_view text) {
    constexpr std::uint64_t high_bits = 0x8080808080808080U;
    std::size_t at = 0;
    while (at < text.size()) {
        std::uint64_t eight = high_bits;
        if (text.size() - at >= sizeof eight) std::memcpy(&eight, text.data() + at, sizeof eight);
        if ((eight & high_bits) == 0) {
            at += sizeof eight;
            continue;
        }
        const auto next = first_sequence(text.substr(at));
        if (!next.valid) return at;
        at += next.length;
    }
    return at;
}

} // namespace

bool is_valid_utf8(std::string_view text) noexcept {
    return valid_length(text) == text.size();
}

utf8_repair replace_invalid_utf8(std::string_view text) {
    utf8_repair repair;
    repair.text.reserve(text.size());
    while (true) {
        const auto valid = valid_length(text);
        repair.text.append(text.substr(0, valid));
        text.remove_prefix(valid);
        if (text.empty()) return repair;
        text.remove_prefix(first_sequence(text).length);
        repair.text.append(replacement);
        ++repair.replaced;
    }
}

} // namespace enrichd

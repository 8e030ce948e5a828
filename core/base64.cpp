// SPDX-License-Identifier: Apache-2.0
#include "core/base64.hpp"

#include <array>
#include <cassert>
#include <cstdint>

namespace enrichd {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint32_t invalid = 0x8000'0000;

// One table for each of the four characters of a group, its six bits already in their place among the group's
// 24: a group is four look-ups and three "or", and one bit tells at the end whether any character was wrong.
using shifted_table = std::array<std::uint32_t, 256>;

constexpr shifted_table table_for(int shift) {
    shifted_table t{};
    t.fill(invalid);
    for (std::uint32_t i = 0; i < 64; ++i)
        t[static_cast<unsigned char>(alphabet[i])] = i << shift;
    return t;
}

constexpr shifted_table first = table_for(18), second = table_for(12), third = table_for(6),
                        fourth = table_for(0);

std::uint32_t group(const unsigned char* c) {
    return first[c[0]] | second[c[1]] | third[c[2]] | fourth[c[3]];
}

} // namespace

std::size_t base64_size(std::string_view text) {
    if (text.size() % 4 != 0) return std::string_view::npos;
    const auto full = text.size() / 4 * 3;
    if (text.ends_with("==")) return full - 2;
    return text.ends_with('=') ? full - 1 : full;
}

bool decode_base64(std::string_view text, std::span<std::byte> bytes) {
    assert(bytes.size() == base64_size(text));
    const auto* in = reinterpret_cast<const unsigned char*>(text.data());
    auto* out = bytes.data();
    std::uint32_t seen = 0;
    for (auto groups = bytes.size() / 3; groups > 0; --groups, in += 4, out += 3) {
        const auto bits = group(in);
        seen |= bits;
        out[0] = static_cast<std::byte>(bits >> 16);
        out[1] = static_cast<std::byte>(bits >> 8);
        out[2] = static_cast<std::byte>(bits);
    }
    if (const auto rest = bytes.size() % 3) {
        const unsigned char last[] = {in[0], in[1], rest == 2 ? in[2] : static_cast<unsigned char>('A'), 'A'};
        const auto bits = group(last);
        seen |= bits;
        out[0] = static_cast<std::byte>(bits >> 16);
        if (rest == 2) out[1] = static_cast<std::byte>(bits >> 8);
    }
    return (seen & invalid) == 0;
}

std::string encode_base64(std::span<const std::byte> bytes) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const auto left = bytes.size() - i;
        const auto byte = [&](std::size_t k) {
            return k < left ? std::to_integer<std::uint32_t>(bytes[i + k]) : 0;
        };
        const auto bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        text.push_back(alphabet[bits >> 18]);
        text.push_back(alphabet[bits >> 12 & 63]);
        text.push_back(left > 1 ? alphabet[bits >> 6 & 63] : '=');
        text.push_back(left > 2 ? alphabet[bits & 63] : '=');
    }
    return text;
}

} // namespace enrichd

// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/postgres_binary.hpp"

#include <bit>
#include <type_traits>

namespace enrichd::target {

namespace {

template <class Integer>
void put(std::string& out, Integer value) {
    const auto bits = static_cast<std::make_unsigned_t<Integer>>(value);
    char bytes[sizeof bits];
    for (std::size_t i = 0; i < sizeof bits; ++i) // compilers make one swap of it
        bytes[i] = static_cast<char>(static_cast<unsigned char>(bits >> (8 * (sizeof bits - 1 - i))));
    out.append(bytes, sizeof bits);
}

/// The array's head: one dimension, counted from one.
void put_array_head(std::string& out, std::uint32_t element_oid, std::size_t count) {
    put(out, std::int32_t{count == 0 ? 0 : 1});
    put(out, std::int32_t{0}); // no NULLs
    put(out, element_oid);
    if (count == 0) return;
    put(out, static_cast<std::int32_t>(count));
    put(out, std::int32_t{1});
}

void put_vector_head(std::string& out, std::size_t dimensions) {
    put(out, static_cast<std::int16_t>(dimensions));
    put(out, std::int16_t{0});
}

} // namespace

std::string binary_array(std::uint32_t element_oid, std::span<const std::string_view> elements) {
    std::size_t bytes = 20;
    for (const auto e : elements)
        bytes += 4 + e.size();
    std::string out;
    out.reserve(bytes);
    put_array_head(out, element_oid, elements.size());
    for (const auto e : elements) {
        put(out, static_cast<std::int32_t>(e.size()));
        out += e;
    }
    return out;
}

std::string binary_vector(std::span<const float> v) {
    std::string out;
    out.reserve(4 + 4 * v.size());
    put_vector_head(out, v.size());
    for (const float f : v)
        put(out, std::bit_cast<std::uint32_t>(f));
    return out;
}

std::string binary_halfvec(std::span<const float> v) {
    std::string out;
    out.reserve(4 + 2 * v.size());
    put_vector_head(out, v.size());
    for (const float f : v)
        put(out, to_half(f));
    return out;
}

std::string binary_real_array(std::span<const float> v) {
    std::string out;
    out.reserve(20 + 8 * v.size());
    put_array_head(out, float4_oid, v.size());
    for (const float f : v) {
        put(out, std::int32_t{4});
        put(out, std::bit_cast<std::uint32_t>(f));
    }
    return out;
}

std::string binary_double_array(std::span<const float> v) {
    std::string out;
    out.reserve(20 + 12 * v.size());
    put_array_head(out, float8_oid, v.size());
    for (const float f : v) {
        put(out, std::int32_t{8});
        put(out, std::bit_cast<std::uint64_t>(static_cast<double>(f)));
    }
    return out;
}

std::uint16_t to_half(float f) {
    const auto bits = std::bit_cast<std::uint32_t>(f);
    const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000U);
    const auto magnitude = bits & 0x7FFF'FFFFU;
    if (magnitude > 0x7F80'0000U) return static_cast<std::uint16_t>(sign | 0x7E00U); // NaN
    if (magnitude >= 0x477F'F000U)
        return static_cast<std::uint16_t>(sign | 0x7C00U); // 65520 and more: infinity
    std::uint32_t half = 0;
    std::uint32_t rest = 0;          // what is cut off
    std::uint32_t halfway = 0;       // of the last place that is kept
    if (magnitude >= 0x3880'0000U) { // 2^-14 and more: a normal number; its exponent loses 127 - 15
        half = (magnitude - 0x3800'0000U) >> 13;
        rest = magnitude & 0x1FFFU;
        halfway = 0x1000U;
    } else if (magnitude >= 0x3300'0000U) {          // 2^-25 and more: a multiple of 2^-24
        const auto shift = 126U - (magnitude >> 23); // 14 to 24
        const auto fraction = (magnitude & 0x7F'FFFFU) | 0x80'0000U;
        half = fraction >> shift;
        rest = fraction & ((1U << shift) - 1);
        halfway = 1U << (shift - 1);
    }
    if (rest > halfway || (rest == halfway && halfway != 0 && (half & 1U) != 0)) ++half;
    return static_cast<std::uint16_t>(sign | half);
}

std::string binary_int8(std::int64_t n) {
    std::string out;
    put(out, n);
    return out;
}

} // namespace enrichd::target

// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/postgres_binary.hpp"

#include <cmath>
#include <limits>

#include "tests/support/catch.hpp"

using namespace enrichd::target;
using namespace std::string_view_literals;

namespace {

/// The number that a binary16 stands for, from its definition: sign, 5 bits of exponent, 10 of fraction.
double half_value(unsigned half) {
    const int exponent = static_cast<int>(half >> 10 & 0x1F);
    const double fraction = half & 0x3FF;
    const double magnitude = exponent == 0    ? std::ldexp(fraction, -24)
                             : exponent == 31 ? std::numeric_limits<double>::infinity()
                                              : std::ldexp(1024 + fraction, exponent - 25);
    return (half & 0x8000) != 0 ? -magnitude : magnitude;
}

} // namespace

TEST_CASE("every finite binary16 comes back from its float", "[target][binary]") {
    for (unsigned h = 0; h < 0x10000; ++h) {
        if ((h & 0x7C00) == 0x7C00) continue; // infinities and NaNs
        if (to_half(static_cast<float>(half_value(h))) != h) FAIL("half " << h);
    }
    CHECK(to_half(std::numeric_limits<float>::infinity()) == 0x7C00);
    CHECK(to_half(-std::numeric_limits<float>::infinity()) == 0xFC00);
    CHECK((to_half(std::nanf("")) & 0x7FFF) > 0x7C00);
}

TEST_CASE("a float between two binary16 goes to the nearer, from the middle to the even one",
          "[target][binary]") {
    for (unsigned h = 0; h < 0x7BFF; ++h) {
        const auto low = half_value(h);
        const auto high = half_value(h + 1);
        const auto middle = static_cast<float>((low + high) / 2); // exact: one bit more than a half has
        const auto even = (h & 1) == 0 ? h : h + 1;
        if (to_half(middle) != even) FAIL("middle above " << h);
        if (to_half(std::nextafter(middle, 0.0F)) != h) FAIL("below the middle above " << h);
        if (to_half(std::nextafter(middle, 1e6F)) != h + 1) FAIL("above the middle above " << h);
    }
    CHECK(to_half(65519.9F) == 0x7BFF);
    CHECK(to_half(65520.0F) == 0x7C00);
    CHECK(to_half(-0.0F) == 0x8000);
}

TEST_CASE("vectors have pgvector's binary form", "[target][binary]") {
    const std::vector<float> v = {1.0F, -2.5F};
    CHECK(binary_vector(v) == "\0\2\0\0\x3F\x80\0\0\xC0\x20\0\0"sv);
    CHECK(binary_halfvec(v) == "\0\2\0\0\x3C\0\xC1\0"sv);
}

TEST_CASE("arrays have the server's binary form", "[target][binary]") {
    const std::vector<std::string_view> two = {"a", ""};
    CHECK(binary_array(text_oid, two) == "\0\0\0\1\0\0\0\0\0\0\0\x19\0\0\0\2\0\0\0\1\0\0\0\1"
                                         "a\0\0\0\0"sv);
    CHECK(binary_array(text_oid, {}) == "\0\0\0\0\0\0\0\0\0\0\0\x19"sv);
    const std::vector<float> one = {1.0F};
    CHECK(binary_real_array(one) == "\0\0\0\1\0\0\0\0\0\0\2\xBC\0\0\0\1\0\0\0\1\0\0\0\4\x3F\x80\0\0"sv);
    CHECK(binary_double_array(one) ==
          "\0\0\0\1\0\0\0\0\0\0\2\xBD\0\0\0\1\0\0\0\1\0\0\0\x08\x3F\xF0\0\0\0\0\0\0"sv);
    CHECK(binary_int8(-2) == "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFE"sv);
}

// Valid UTF-8 at random: letters, blanks, what JSON escapes, and characters of all four lengths.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <random>
#include <string>
#include <string_view>

namespace enrichd::test {

inline std::string random_text(std::mt19937& random, std::size_t pieces) {
    using namespace std::string_view_literals;
    static constexpr std::string_view all[] = {
        "a"sv,   "the "sv, "package "sv,     "1.2.3"sv,      " "sv,    "\n"sv,         "\r\n"sv, "\t"sv,
        "\""sv,  "\\"sv,   "\0"sv,           "\x01\x1f"sv,   "\x7f"sv, "/"sv,          "<b>"sv,  "é"sv,
        "ไทย"sv, "中文"sv, "\u2028\u0085"sv, "\U0001f600"sv, "ế"sv,    "quick fox "sv, "\b\f"sv, "===\n"sv,
    };
    std::string text;
    for (std::size_t i = 0; i < pieces; ++i)
        text += all[random() % std::size(all)];
    return text;
}

} // namespace enrichd::test

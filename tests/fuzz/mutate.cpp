// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/mutate.hpp"

#include <algorithm>
#include <string_view>

namespace enrichd::fuzz {

namespace {

using namespace std::string_view_literals;

constexpr std::size_t bomb_depth = 100'000;
constexpr std::size_t longest = 1 << 16; // of a mutation

std::string repeated(std::string_view piece, std::size_t times) {
    std::string out;
    out.reserve(piece.size() * times);
    for (std::size_t i = 0; i < times; ++i)
        out += piece;
    return out;
}

const std::string& deep_array() {
    static const auto bytes = repeated("[", bomb_depth) + repeated("]", bomb_depth);
    return bytes;
}

const std::string& deep_object() {
    static const auto bytes = repeated("{\"a\":", bomb_depth) + "1" + repeated("}", bomb_depth);
    return bytes;
}

// Values where parsers have their corners.
constexpr std::string_view corners[] = {
    ""sv,
    "0"sv,
    "-1"sv,
    "9223372036854775807"sv,
    "-9223372036854775808"sv,
    "18446744073709551616"sv,
    "1e999"sv,
    "0.1e-400"sv,
    "null"sv,
    "true"sv,
    "\"\""sv,
    "[]"sv,
    "{}"sv,
    "nan"sv,
    "\\ud800"sv,
    "\\u0000"sv,
    "\xef\xbb\xbf"sv,
    "\xed\xa0\x80"sv,
    "\xf4\x90\x80\x80"sv,
    "\xc2\x9b"sv,
    "\xc2"sv,
    "\xff"sv,
    "\x00"sv,
    "\x1b[31m"sv,
    "\r\n"sv,
    "\r\n\r\n"sv,
    "\xe2\x80\xae"sv,
    "%00"sv,
    "\""sv,
    "\\"sv,
    "Fri, 31 Dec 9999 23:59:59 GMT"sv,
};

std::size_t below(std::mt19937& random, std::size_t limit) {
    return limit == 0 ? 0 : random() % limit;
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// A number somewhere in the text becomes another value.
void replace_number(std::string& bytes, std::string_view with, std::mt19937& random) {
    const auto from = bytes.begin() + static_cast<std::ptrdiff_t>(below(random, bytes.size()));
    const auto first = std::find_if(from, bytes.end(), is_digit);
    const auto last = std::find_if_not(first, bytes.end(), is_digit);
    bytes.replace(first, last, with);
}

void change(std::string& bytes, const std::vector<std::string>& seeds, std::mt19937& random) {
    const auto at = below(random, bytes.size() + 1);
    const auto length = below(random, std::min<std::size_t>(bytes.size() - at, 32) + 1);
    const auto corner = corners[below(random, std::size(corners))];
    switch (random() % 9) {
    case 0:
        if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
        break;
    case 1:
        if (at < bytes.size()) bytes[at] = static_cast<char>(random() % 256);
        break;
    case 2: bytes.erase(at, length); break;
    case 3: bytes.insert(at, bytes.substr(at, length)); break;
    case 4: bytes.insert(at, corner); break;
    case 5: bytes.replace(at, length, corner); break;
    case 6: replace_number(bytes, corner, random); break;
    case 7: bytes.resize(at); break;
    default: {
        const auto& other = seeds[below(random, seeds.size())];
        const auto begin = below(random, other.size());
        bytes.replace(at, length, other.substr(begin, below(random, 64)));
        break;
    }
    }
}

} // namespace

std::vector<std::string> bombs() {
    std::vector<std::string> out = {"", deep_array(), deep_object()};
    for (const auto piece : {"["sv, "{\"a\":"sv, "("sv, "\""sv, "\\"sv, "9"sv, "\0"sv, "\xff"sv, "%"sv,
                             "\n"sv, " "sv, "\xe4\xb8\xad"sv, "a=b&"sv, "a.b="sv, "\r\n "sv})
        out.push_back(repeated(piece, bomb_depth / piece.size() + 1));
    return out;
}

std::vector<std::string> with_bombs(const std::string& seed) {
    std::vector<std::string> out;
    std::size_t at = 0;
    for (int places = 0; places < 8; ++places) {
        at = seed.find_first_of(":=[,", at);
        if (at == std::string::npos) break;
        ++at;
        const auto end = std::min(seed.find_first_of(",}]\n", at), seed.size());
        const auto& bomb = places % 2 ? deep_object() : deep_array();
        out.push_back(seed.substr(0, at) + bomb + seed.substr(end));
    }
    return out;
}

std::string mutated(const std::vector<std::string>& seeds, std::size_t at, std::mt19937& random) {
    auto bytes = seeds[at];
    for (auto changes = 1 + random() % 4; changes > 0; --changes)
        change(bytes, seeds, random);
    if (bytes.size() > longest) bytes.resize(longest);
    return bytes;
}

} // namespace enrichd::fuzz

// SPDX-License-Identifier: Apache-2.0
#include "daemon/provider/blot.hpp"

#include <charconv>
#include <cstddef>
#include <set>

namespace enrichd::provider {

namespace {

constexpr std::size_t shortest_secret = 8;

bool is_plain(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// Whether `digits` hexadecimal digits stand there that name the character.
bool is_code(std::string_view text, std::size_t at, std::size_t digits, char c) {
    if (at + digits > text.size()) return false;
    unsigned code = 0;
    const char* end = text.data() + at + digits;
    const auto read = std::from_chars(text.data() + at, end, code, 16);
    return read.ec == std::errc{} && read.ptr == end && code == static_cast<unsigned char>(c);
}

// Adds the places at which one character of the key, that begins `at`, may end.
void add_ends(std::string_view text, std::size_t at, char c, std::set<std::size_t>& ends) {
    if (at >= text.size()) return;
    if (text[at] == c) ends.insert(at + 1);
    if (text[at] == '%' && is_code(text, at + 1, 2, c)) ends.insert(at + 3);
    std::size_t next = at;
    while (next < text.size() && text[next] == '\\') {
        ++next;
        if (c == '\\') ends.insert(next);
        if (next < text.size() && text[next] == c) ends.insert(next + 1);
        if (next < text.size() && text[next] == 'u' && is_code(text, next + 1, 4, c)) ends.insert(next + 5);
    }
}

// Where the key ends that begins there; 0: it does not.
std::size_t end_of_key(std::string_view text, std::size_t at, std::string_view key) {
    std::set<std::size_t> ends = {at};
    for (const char c : key) {
        std::set<std::size_t> next;
        for (const auto end : ends)
            add_ends(text, end, c, next);
        if (next.empty()) return 0;
        ends = std::move(next);
    }
    return *ends.rbegin();
}

} // namespace

std::string without_key(std::string text, std::string_view key) {
    if (key.size() < shortest_secret) return text;
    constexpr std::string_view blot = "[API key]";
    const std::string begins =
        is_plain(key.front()) ? std::string(1, key.front()) : key.front() + std::string("%\\");
    for (auto at = text.find_first_of(begins); at != text.npos; at = text.find_first_of(begins, at)) {
        const auto end = end_of_key(text, at, key);
        if (end == 0) {
            ++at;
            continue;
        }
        text.replace(at, end - at, blot);
        at += blot.size();
    }
    return text;
}

} // namespace enrichd::provider

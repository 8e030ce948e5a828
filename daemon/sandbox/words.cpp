// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/words.hpp"

#include <algorithm>
#include <array>

namespace enrichd::sandbox {

namespace {

constexpr char32_t replacement = 0xFFFD;

// Decodes one code point and moves on; malformed bytes are taken one by one.
char32_t next_code_point(std::string_view& rest) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(rest[i]); };
    const unsigned char lead = byte(0);
    const std::size_t length = lead < 0x80                   ? 1
                               : lead >= 0xF0 && lead < 0xF5 ? 4
                               : lead >= 0xE0                ? 3
                               : lead >= 0xC2                ? 2
                                                             : 0;
    char32_t c = length == 1 ? lead : replacement;
    if (length > 1 && length <= rest.size() && lead < 0xF5) {
        c = lead & (0x7Fu >> length);
        for (std::size_t i = 1; i < length; ++i) {
            if ((byte(i) & 0xC0) != 0x80) {
                rest.remove_prefix(1);
                return replacement;
            }
            c = c << 6 | (byte(i) & 0x3Fu);
        }
        rest.remove_prefix(length);
        return c;
    }
    rest.remove_prefix(1);
    return c;
}

// Lower case where it is one addition away; 0 for what separates words.
char32_t fold_one(char32_t c) {
    if (c < 0x80) {
        if (c >= U'A' && c <= U'Z') return c + 32;
        return (c >= U'a' && c <= U'z') || (c >= U'0' && c <= U'9') ? c : 0;
    }
    if (c < 0xC0 || c == 0xD7 || c == 0xF7 || c == replacement) return 0;
    if ((c >= 0xC0 && c <= 0xDE) || (c >= 0x391 && c <= 0x3A9) || (c >= 0x410 && c <= 0x42F)) return c + 32;
    if (c >= 0x400 && c <= 0x40F) return c + 80;
    const bool punctuation = (c >= 0x2000 && c <= 0x206F) || (c >= 0x3000 && c <= 0x303F) ||
                             (c >= 0xFF00 && c <= 0xFF0F) || (c >= 0xFF1A && c <= 0xFF20);
    return punctuation ? 0 : c;
}

std::uint64_t mix(std::uint64_t x) {
    x ^= x >> 30;
    x *= 0xBF58476D1CE4E5B9u;
    x ^= x >> 27;
    x *= 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

template <class Char>
std::uint64_t fnv_mix(std::basic_string_view<Char> text, std::uint64_t seed) {
    std::uint64_t h = 0xCBF29CE484222325u ^ mix(seed + 0x9E3779B97F4A7C15u);
    for (Char c : text) {
        h ^= static_cast<std::uint64_t>(static_cast<std::make_unsigned_t<Char>>(c));
        h *= 0x100000001B3u;
    }
    return mix(h);
}

// Sorted; the function words of English.
constexpr std::array<std::u32string_view, 97> stop_words = {
    U"a",     U"about", U"after", U"all",    U"also",  U"an",   U"and",  U"any",   U"are",   U"as",
    U"at",    U"be",    U"been",  U"before", U"being", U"but",  U"by",   U"can",   U"could", U"did",
    U"do",    U"does",  U"each",  U"for",    U"from",  U"had",  U"has",  U"have",  U"he",    U"her",
    U"here",  U"him",   U"his",   U"how",    U"i",     U"if",   U"in",   U"into",  U"is",    U"it",
    U"its",   U"just",  U"like",  U"may",    U"me",    U"more", U"most", U"my",    U"new",   U"no",
    U"not",   U"now",   U"of",    U"on",     U"one",   U"only", U"or",   U"other", U"our",   U"out",
    U"over",  U"said",  U"she",   U"should", U"so",    U"some", U"such", U"than",  U"that",  U"the",
    U"their", U"them",  U"then",  U"there",  U"these", U"they", U"this", U"to",    U"up",    U"upon",
    U"us",    U"use",   U"used",  U"was",    U"we",    U"were", U"what", U"when",  U"where", U"which",
    U"who",   U"will",  U"with",  U"would",  U"you",   U"your", U"yours"};
static_assert(std::is_sorted(stop_words.begin(), stop_words.end()));

} // namespace

std::u32string fold(std::string_view utf8) {
    std::u32string out;
    out.reserve(utf8.size());
    while (!utf8.empty()) {
        const char32_t c = fold_one(next_code_point(utf8));
        if (c != 0)
            out += c;
        else if (!out.empty() && out.back() != U' ')
            out += U' ';
    }
    if (!out.empty() && out.back() == U' ') out.pop_back();
    return out;
}

std::vector<std::u32string_view> words_of(std::u32string_view folded) {
    std::vector<std::u32string_view> words;
    while (!folded.empty()) {
        const auto word = folded.substr(0, folded.find(U' '));
        if (!word.empty()) words.push_back(word);
        folded.remove_prefix(std::min(folded.size(), word.size() + 1));
    }
    return words;
}

bool is_stop_word(std::u32string_view word) {
    return std::binary_search(stop_words.begin(), stop_words.end(), word);
}

std::uint64_t hash_of(std::u32string_view text, std::uint64_t seed) {
    return fnv_mix(std::basic_string_view<char32_t>(text), seed);
}

std::uint64_t hash_of(std::string_view text, std::uint64_t seed) {
    return fnv_mix(text, seed);
}

} // namespace enrichd::sandbox

// SPDX-License-Identifier: Apache-2.0
#include "core/pretokenizer.hpp"

#include "core/ascii_run.hpp"
#include "core/unicode_kinds.hpp"
#include "core/utf8.hpp"

namespace enrichd {

namespace {

// Classes of the patterns.
constexpr unicode_kind letter = kind_upper | kind_lower | kind_caseless;    // \p{L}
constexpr unicode_kind upper_like = kind_upper | kind_caseless | kind_mark; // may stand before the lower case
constexpr unicode_kind lower_like = kind_lower | kind_caseless | kind_mark; // may stand after the upper case
constexpr unicode_kind both_cases = upper_like & lower_like;                // either
constexpr unicode_kind blank = kind_space | kind_newline;                   // \s
constexpr unicode_kind symbol = kind_mark | kind_other;                     // [^\s\p{L}\p{N}]
constexpr unicode_kind may_lead = kind_mark | kind_space | kind_other;      // [^\r\n\p{L}\p{N}]

struct character {
    unicode_kind kind; // 0 at the end of the text: of no class
    unsigned length;
};

constexpr bool is_ascii(char byte) {
    return static_cast<signed char>(byte) >= 0;
}

inline character look(const char* at, const char* end) {
    if (at == end) return {0, 0};
    if (is_ascii(*at)) return {kind_of_byte(static_cast<unsigned char>(*at)), 1};
    const auto decoded = decode_utf8(at, end);
    return {kind_of(decoded.value), decoded.length};
}

inline const char* skip(const char* at, const char* end, unicode_kind kinds) {
    for (auto next = look(at, end); next.kind & kinds; next = look(at, end))
        at += next.length;
    return at;
}

const char* skip_letters(const char* at, const char* end) {
    while (true) {
        at = skip_ascii_letters(at, end);
        if (at == end || is_ascii(*at)) return at;
        do {
            const auto next = look(at, end);
            if (!(next.kind & letter)) return at;
            at += next.length;
        } while (at != end && !is_ascii(*at));
    }
}

// The length of (?i:'s|'t|'re|'ve|'m|'ll|'d) here, or 0. U+017F, the long s, is an s in either case.
std::ptrdiff_t contraction(const char* at, const char* end) {
    if (end - at < 2 || at[0] != '\'') return 0;
    const auto lower = [](char c) { return static_cast<char>(c | 0x20); };
    const char first = lower(at[1]);
    if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
    if (end - at < 3) return 0;
    if (at[1] == '\xC5' && at[2] == '\xBF') return 3;
    const char second = lower(at[2]);
    if ((first == 'r' || first == 'v') && second == 'e') return 3;
    return first == 'l' && second == 'l' ? 3 : 0;
}

const char* number_end(const char* at, const char* end) {
    for (int digits = 0; digits < 3; ++digits) {
        const auto next = look(at, end);
        if (!(next.kind & kind_number)) break;
        at += next.length;
    }
    return at;
}

// \s*[\r\n]+ | \s+(?!\S) | \s+: up to the last line break; else all but the last blank, which belongs to the
// word that follows; else that one.
const char* blank_end(const char* at, const char* end) {
    const char* last_break = nullptr;
    const char* last = at;
    const char* past = at;
    for (auto next = look(past, end); next.kind & blank; next = look(past, end)) {
        last = past;
        past += next.length;
        if (next.kind & kind_newline) last_break = past;
    }
    if (last_break != nullptr) return last_break;
    return past == end || last == at ? past : last;
}

//  ?[^\s\p{L}\p{N}]+[\r\n]*, where o200k_base takes slashes among the line breaks. Null if this is none.
const char* symbols_end(const char* at, const char* end, bool slashes) {
    const char* first = *at == ' ' ? at + 1 : at;
    const char* past = skip(first, end, symbol);
    if (past == first) return nullptr;
    while (past != end && (*past == '\r' || *past == '\n' || (slashes && *past == '/')))
        ++past;
    return past;
}

const char* cl100k_end(const char* at, const char* end) {
    if (const auto length = contraction(at, end)) return at + length;
    const auto first = look(at, end);
    const char* rest = at + first.length;
    if (first.kind & letter) return skip_letters(rest, end);
    if (first.kind & may_lead) {
        const char* past = skip_letters(rest, end);
        if (past != rest) return past;
    }
    if (first.kind & kind_number) return number_end(at, end);
    if (const char* past = symbols_end(at, end, false)) return past;
    return blank_end(at, end);
}

// The first two branches of o200k_base after their optional leading character: upper case, then lower case,
// at least one of either. Caseless letters and marks are in both classes: the upper part takes them first,
// and gives back what the lower part needs. Returns `at` if this is none.
const char* cased_end(const char* at, const char* end) {
    const char* past = skip_ascii_lower(skip_ascii_upper(at, end), end);
    if (past == end || is_ascii(*past)) return past; // as most words are

    past = at;
    const char* after_either = nullptr; // behind the last caseless letter or mark of the upper part
    auto next = look(past, end);
    for (; next.kind & upper_like; next = look(past, end)) {
        past += next.length;
        if (next.kind & both_cases) after_either = past;
    }
    if (next.kind & kind_lower) return skip(past, end, lower_like);
    return after_either != nullptr ? after_either : past;
}

const char* o200k_end(const char* at, const char* end) {
    const auto first = look(at, end);
    // A mark may be the leading character and may be part of the word: the ends are the same.
    const bool leads = (first.kind & (kind_space | kind_other)) != 0;
    if (leads || (first.kind & (letter | kind_mark))) {
        const char* start = leads ? at + first.length : at;
        const char* past = cased_end(start, end);
        if (past != start) return past + contraction(past, end);
    }
    if (first.kind & kind_number) return number_end(at, end);
    if (const char* past = symbols_end(at, end, true)) return past;
    return blank_end(at, end);
}

} // namespace

const char* word_end(encoding which, const char* at, const char* end) noexcept {
    return which == encoding::cl100k_base ? cl100k_end(at, end) : o200k_end(at, end);
}

bool ends_in_space(std::string_view word) noexcept {
    if (word.empty()) return false;
    const auto last = word.substr(utf8_border_before(word, word.size() - 1));
    return (look(last.data(), last.data() + last.size()).kind & kind_space) != 0;
}

} // namespace enrichd

// SPDX-License-Identifier: Apache-2.0
#include "core/chunker.hpp"

#include "core/utf8.hpp"

#include <algorithm>
#include <cassert>

namespace enrichd {

namespace {

// A place in a text where a chunk may end, and the tokens from the chunk's begin up to there.
struct border {
    std::size_t offset;
    std::uint32_t tokens;
};

// How far a limit of tokens reaches into a text.
struct reach {
    std::vector<border>
        borders;              // the ends of the words that fit; the last may be inside a word no window holds
    bool inside_word = false; // the last border is such a one
    std::uint32_t next_word = 0; // tokens of the word after the last border, if that would fit a window alone
};

// The tokens of a text's first word, exactly if they are within the limit. Of a word far beyond it only the
// begin is read: one huge word is met again by each of the many chunks it is cut into.
std::uint32_t count_within(std::string_view text, std::size_t length, token_counter& counter,
                           std::uint32_t limit) {
    const auto word = text.substr(0, length);
    for (auto size = std::max<std::size_t>(64, std::size_t{limit} * 8); size < word.size(); size *= 2) {
        const auto tokens = counter.count(word.substr(0, utf8_border_before(word, size)));
        // The whole could have a few tokens less than its begin, though hardly half of them.
        if (tokens > std::size_t{limit} * 2) return static_cast<std::uint32_t>(tokens);
    }
    return counter.count_word(text, length);
}

// The longest begin of a word, of whole characters, that fits the limit by itself; or near to the longest.
border begin_within(std::string_view word, token_counter& counter, std::uint32_t limit) {
    auto size = std::min(word.size(), std::size_t{limit} * 8);
    auto ids = counter.encode(word.substr(0, utf8_border_before(word, size)));
    while (ids.size() <= limit && size < word.size()) {
        size = std::min(word.size(), size * 2 + 4);
        ids = counter.encode(word.substr(0, utf8_border_before(word, size)));
    }
    if (ids.size() > limit) ids.resize(limit);

    std::size_t length = 0;
    for (auto id : ids)
        length += counter.bytes(id).size();
    for (; !ids.empty(); length -= counter.bytes(ids.back()).size(), ids.pop_back()) {
        // The begin of a word may be more than one word, and the last token may be only a part of a
        // character.
        const auto offset = utf8_border_before(word, length);
        const auto tokens = counter.count(word.substr(0, offset));
        if (tokens <= limit) return {offset, static_cast<std::uint32_t>(tokens)};
    }
    return {0, 0};
}

reach reach_of(std::string_view text, token_counter& counter, std::uint32_t limit) {
    reach found;
    border end{0, 0};
    // A chunk that ended between the last two blanks of a run would have other words than the text has.
    const auto splits_blanks = [&](std::string_view next) {
        return ends_in_space(next) && ends_in_space(text.substr(0, end.offset));
    };
    while (end.offset < text.size()) {
        const auto rest = text.substr(end.offset);
        const auto word = rest.substr(0, counter.word_length(rest));
        const auto tokens = count_within(rest, word.size(), counter, limit);
        if (tokens <= limit - end.tokens) {
            const bool may_end = !splits_blanks(word);
            end = {end.offset + word.size(), end.tokens + tokens};
            if (may_end) found.borders.push_back(end);
            continue;
        }
        if (tokens <= limit) {
            found.next_word = tokens;
            return found;
        }
        const auto part = begin_within(word, counter, limit - end.tokens);
        if (part.offset != 0 && !splits_blanks(word.substr(0, part.offset))) {
            found.borders.push_back({end.offset + part.offset, end.tokens + part.tokens});
            found.inside_word = true;
        }
        return found;
    }
    return found;
}

// Where the last tokens of a part of a word begin, about so many, at a character.
std::size_t last_tokens(std::string_view part, token_counter& counter, std::uint32_t wanted) {
    const auto ids = counter.encode(part);
    auto offset = part.size();
    for (auto id = ids.rbegin(); id != ids.rend() && wanted > 0; ++id, --wanted)
        offset -= counter.bytes(*id).size();
    while (offset < part.size() && is_utf8_continuation(part[offset]))
        ++offset;
    return offset;
}

// Where the chunk after this one begins: the first border from which the rest of this one is within the
// overlap, and leaves room for the word that comes next.
std::size_t next_begin(std::string_view text, const reach& here, token_counter& counter,
                       const chunk_limits& limits) {
    const auto end = here.borders.back();
    const auto overlap = std::min(limits.overlap, limits.window - here.next_word);
    const auto from = std::find_if(here.borders.begin(), here.borders.end(),
                                   [&](const border& b) { return end.tokens - b.tokens <= overlap; });
    if (from->offset != end.offset || !here.inside_word) return from->offset;

    const auto part = here.borders.size() > 1 ? here.borders[here.borders.size() - 2].offset : 0;
    return part + last_tokens(text.substr(part, end.offset - part), counter, overlap);
}

} // namespace

std::vector<chunk> cut_chunks(std::string_view text, token_counter& counter, chunk_limits limits) {
    limits.window = std::max(limits.window, 4U);
    limits.overlap = std::min(limits.overlap, limits.window / 2);

    std::vector<chunk> chunks;
    std::size_t begin = 0;
    std::size_t covered = 0;
    while (covered < text.size()) {
        auto rest = text.substr(begin);
        const auto here = reach_of(rest, counter, limits.window);
        assert(!here.borders.empty());
        const auto end = here.borders.back();
        if (begin + end.offset <= covered) { // begun inside a word, and the words fell otherwise
            begin = covered;
            continue;
        }
        assert(counter.count(rest.substr(0, end.offset)) == end.tokens);
        chunks.push_back({begin, end.offset, end.tokens});
        covered = begin + end.offset;
        begin += next_begin(rest, here, counter, limits);
    }
    return chunks;
}

cut_text cut_to_tokens(std::string_view text, token_counter& counter, std::uint32_t max_tokens) {
    const auto found = reach_of(text, counter, max_tokens);
    const auto end = found.borders.empty() ? border{0, 0} : found.borders.back();
    return {text.substr(0, end.offset), end.tokens};
}

} // namespace enrichd

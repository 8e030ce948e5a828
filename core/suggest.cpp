// SPDX-License-Identifier: Apache-2.0
#include "core/suggest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace enrichd {

namespace {

constexpr std::size_t longest_word = 64;

char folded(char c) {
    if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
    return c == '-' ? '_' : c;
}

// Edit distance with swaps of neighbours, three rows of the table at a time.
std::size_t distance(std::string_view a, std::string_view b) {
    using row = std::array<std::size_t, longest_word + 1>;
    row before_last{}, last{}, now{};
    for (std::size_t j = 0; j <= b.size(); ++j)
        last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        now[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const bool same = folded(a[i - 1]) == folded(b[j - 1]);
            now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
            const bool swapped = i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) &&
                                 folded(a[i - 2]) == folded(b[j - 1]);
            if (swapped) now[j] = std::min(now[j], before_last[j - 2] + 1);
        }
        before_last = last;
        last = now;
    }
    return last[b.size()];
}

} // namespace

std::optional<std::string> closest(std::string_view word, const std::vector<std::string>& known) {
    if (word.empty() || word.size() > longest_word) return std::nullopt;
    const std::string* best = nullptr;
    std::size_t least = std::max<std::size_t>(1, word.size() / 3) + 1;
    for (const auto& candidate : known) {
        if (candidate.size() > longest_word) continue;
        const auto d = distance(word, candidate);
        if (d < least && d < candidate.size()) {
            least = d;
            best = &candidate;
        }
    }
    if (!best) return std::nullopt;
    return *best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
    const auto near = closest(word, known);
    return near ? fmt::format(" (did you mean \"{}\"?)", *near) : std::string{};
}

} // namespace enrichd

// SPDX-License-Identifier: Apache-2.0
#include "core/quota_message.hpp"

#include <algorithm>
#include <cctype>
#include <string>

namespace enrichd {

namespace {

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// "2,000,000", "30k", "1.35m": a number at the beginning of the text. Beyond 10^15 it is no count of tokens.
std::optional<std::uint64_t> leading_count(std::string_view text) {
    constexpr std::uint64_t most = 1'000'000'000'000'000;
    std::uint64_t whole = 0, tenth = 0, scale = 1;
    std::size_t at = 0;
    bool any = false;
    for (; at < text.size(); ++at) {
        if (is_digit(text[at])) {
            whole = whole * 10 + static_cast<std::uint64_t>(text[at] - '0');
            any = true;
            if (whole > most) return std::nullopt;
        } else if (text[at] != ',' || at + 1 == text.size() || !is_digit(text[at + 1])) {
            break;
        }
    }
    if (!any) return std::nullopt;
    if (at + 1 < text.size() && text[at] == '.' && is_digit(text[at + 1]))
        for (++at; at < text.size() && is_digit(text[at]) && scale < 1'000'000; ++at) {
            tenth = tenth * 10 + static_cast<std::uint64_t>(text[at] - '0');
            scale *= 10;
        }
    std::uint64_t unit = 1;
    const bool alone = at + 1 >= text.size() || !std::isalpha(static_cast<unsigned char>(text[at + 1]));
    if (at < text.size() && alone) {
        if (text[at] == 'k') unit = 1'000;
        if (text[at] == 'm') unit = 1'000'000;
        if (text[at] == 'b') unit = 1'000'000'000;
    }
    if (whole > most / unit) return std::nullopt;
    const auto count = whole * unit + tenth * unit / scale;
    return count > 0 ? std::optional(count) : std::nullopt;
}

} // namespace

bool says_queue_is_full(std::string_view text) {
    const auto words = lower(text);
    const auto has = [&](std::string_view part) { return words.find(part) != std::string::npos; };
    return has("token_limit_exceeded") || has("enqueued token");
}

std::optional<std::uint64_t> told_queue_limit(std::string_view text) {
    const auto words = lower(text);
    constexpr std::string_view word = "limit";
    for (auto at = words.find(word); at != std::string::npos; at = words.find(word, at + 1)) {
        std::string_view rest = std::string_view(words).substr(at + word.size());
        for (const std::string_view glue : {":", " of", " is"})
            if (rest.starts_with(glue)) {
                rest.remove_prefix(glue.size());
                break;
            }
        const auto number = rest.find_first_not_of(' ');
        if (number == std::string_view::npos) continue;
        if (const auto count = leading_count(rest.substr(number))) return count;
    }
    return std::nullopt;
}

} // namespace enrichd

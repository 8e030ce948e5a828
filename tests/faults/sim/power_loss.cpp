// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/sim/power_loss.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

namespace enrichd::faults {

namespace {

constexpr std::array<std::pair<image_kind, std::string_view>, 3> kinds = {
    {{image_kind::kept, "kept"}, {image_kind::dropped, "dropped"}, {image_kind::random, "random"}}};

std::string_view name(image_kind how) {
    for (const auto& [k, text] : kinds)
        if (k == how) return text;
    return "";
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t n = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return n;
}

// Up to the first colon; the rest stays.
std::string_view take_word(std::string_view& text) {
    const auto colon = text.find(':');
    const auto word = text.substr(0, colon);
    text = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
    return word;
}

std::optional<power_loss> parse_loss(std::string_view text) {
    const auto at = parse_number(take_word(text));
    const auto how = take_word(text);
    if (!at || *at == 0) return std::nullopt;
    for (const auto& [k, word] : kinds) {
        if (word != how) continue;
        const auto seed = k == image_kind::random ? parse_number(text) : std::optional<std::uint64_t>(0);
        if (!seed || (k != image_kind::random && !text.empty())) return std::nullopt;
        return power_loss{*at, k, *seed};
    }
    return std::nullopt;
}

} // namespace

std::string to_string(const std::vector<power_loss>& losses) {
    std::string text;
    for (const auto& l : losses) {
        text += fmt::format("{}{}:{}", text.empty() ? "" : ",", l.at, name(l.how));
        if (l.how == image_kind::random) text += fmt::format(":{}", l.seed);
    }
    return text;
}

std::optional<std::vector<power_loss>> parse_losses(std::string_view text) {
    std::vector<power_loss> all;
    while (!text.empty()) {
        const auto comma = text.find(',');
        const auto one = parse_loss(text.substr(0, comma));
        if (!one) return std::nullopt;
        all.push_back(*one);
        text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    }
    return all;
}

} // namespace enrichd::faults

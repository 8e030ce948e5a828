// SPDX-License-Identifier: Apache-2.0
#include "core/money.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace enrichd {

namespace {

constexpr int decimals = 12;

bool all_digits(std::string_view s) {
    return std::all_of(s.begin(), s.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// The absolute amount as "dollars.twelve-decimals".
std::string twelve_decimals(money m) {
    const auto absolute = m.picodollars < 0 ? 0 - static_cast<std::uint64_t>(m.picodollars)
                                            : static_cast<std::uint64_t>(m.picodollars);
    constexpr auto unit = static_cast<std::uint64_t>(picodollars_per_dollar);
    return fmt::format("{}.{:012}", absolute / unit, absolute % unit);
}

} // namespace

std::optional<money> parse_dollars(std::string_view text) {
    const auto dot = text.find('.');
    const auto whole = text.substr(0, dot);
    const auto fraction = dot == std::string_view::npos ? std::string_view{} : text.substr(dot + 1);
    if (whole.empty() && fraction.empty()) return std::nullopt;
    if (dot != std::string_view::npos && fraction.empty()) return std::nullopt;
    if (whole.size() > 6 || fraction.size() > decimals) return std::nullopt;
    if (!all_digits(whole) || !all_digits(fraction)) return std::nullopt;

    std::int64_t amount = 0;
    for (char c : whole)
        amount = amount * 10 + (c - '0');
    for (int i = 0; i < decimals; ++i) {
        const auto at = static_cast<std::size_t>(i);
        amount = amount * 10 + (at < fraction.size() ? fraction[at] - '0' : 0);
    }
    return money{amount};
}

std::string exact_dollars(money m) {
    auto text = twelve_decimals(m);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return m.picodollars < 0 ? "-" + text : text;
}

std::string display_dollars(money m) {
    auto text = twelve_decimals(m);
    const auto dot = text.find('.');
    // Keep two decimals, and up to four significant digits of an amount below a dollar.
    std::size_t keep = dot + 3;
    if (text.substr(0, dot) == "0") {
        const auto first = text.find_first_not_of('0', dot + 1);
        if (first != std::string::npos) keep = std::max(keep, std::min(first + 4, text.size()));
    }
    text.resize(keep);
    while (text.size() > dot + 3 && text.back() == '0')
        text.pop_back();
    return (m.picodollars < 0 ? "-$" : "$") + text;
}

} // namespace enrichd

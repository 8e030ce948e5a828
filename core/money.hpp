// Money as an integer number of picodollars.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace enrichd {

/// An amount of US dollars, exact. One picodollar is 1e-12 dollar, so a price of $0.01 per million tokens is
/// 10,000 picodollars per token, and 64 bits hold nine million dollars.
struct money {
    std::int64_t picodollars = 0;

    auto operator<=>(const money&) const = default;
    money& operator+=(money other) {
        picodollars += other.picodollars;
        return *this;
    }
    money& operator-=(money other) {
        picodollars -= other.picodollars;
        return *this;
    }
    friend money operator+(money a, money b) { return a += b; }
    friend money operator-(money a, money b) { return a -= b; }
};

inline constexpr std::int64_t picodollars_per_dollar = 1'000'000'000'000;

/// Reads a decimal number of dollars ("25", "1.50", "0.000001"), at most 12 decimals, not negative.
std::optional<money> parse_dollars(std::string_view text);

/// Every digit that counts and no more: "0.0135", "25", "-1.5". The form of JSON and reports.
std::string exact_dollars(money m);

/// For people: "$25.00", "$0.0135", "$0.000001": two decimals, more where they say something (four
/// significant).
std::string display_dollars(money m);

} // namespace enrichd

// SPDX-License-Identifier: Apache-2.0
#include "daemon/spending_limits.hpp"

#include "core/calendar.hpp"
#include "core/iso_time.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace enrichd {

namespace {

money wanted_within(const spending_limit& limit, const std::map<kind, money>& more) {
    money all;
    for (const auto& [k, amount] : more)
        if (!limit.kind || *limit.kind == k) all += amount;
    return all;
}

} // namespace

std::vector<spending_limit> spending_limits(ledger& l, const budget_config& budget, std::int64_t now_ms) {
    const auto today = start_of_day(now_ms), month = start_of_month(now_ms);
    const auto next_month = start_of_next_month(now_ms);
    std::vector<spending_limit> all;
    const auto add = [&](std::string_view key, std::optional<kind> k, const std::optional<money>& limit,
                         std::int64_t since, std::int64_t until) {
        if (limit) all.push_back({key, k, *limit, l.bookings().since(since, k), since, until});
    };
    add("day_usd", std::nullopt, budget.day, today, today + day_ms);
    add("month_usd", std::nullopt, budget.month, month, next_month);
    add("month_summaries_usd", kind::summaries, budget.month_summaries, month, next_month);
    add("month_embeddings_usd", kind::embeddings, budget.month_embeddings, month, next_month);
    return all;
}

std::optional<money> left_to_spend(ledger& l, const budget_config& budget, kind k, std::int64_t now_ms) {
    std::optional<money> least;
    for (const auto& limit : spending_limits(l, budget, now_ms))
        if (!limit.kind || *limit.kind == k) least = std::min(least.value_or(limit.left()), limit.left());
    return least;
}

std::optional<error> why_not_reserve(ledger& l, const budget_config& budget,
                                     const std::map<kind, money>& more, std::int64_t now_ms) {
    for (const auto& limit : spending_limits(l, budget, now_ms)) {
        const auto wanted = wanted_within(limit, more);
        if (wanted == money{} || limit.used() + wanted <= limit.limit) continue;
        return error{
            errc::over_budget,
            fmt::format("{} more would pass [budget] {} = {}: {} is spent, {} may have been billed and "
                        "{} is reserved; it begins anew at {}",
                        display_dollars(wanted), limit.key, display_dollars(limit.limit),
                        display_dollars(limit.out.spent), display_dollars(limit.out.unproven),
                        display_dollars(limit.out.reserved), format_iso_time(limit.until_ms))};
    }
    return std::nullopt;
}

} // namespace enrichd

// What was spent, is reserved and may still be; and the books.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/operations/live_operations.hpp"

#include "core/calendar.hpp"
#include "daemon/spending_limits.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace enrichd {

using json = nlohmann::json;

namespace {

constexpr std::int64_t days_shown = 31;
constexpr std::int64_t days_of_pace = 7; // whole days before today, by which the month's end is forecast
constexpr std::int64_t bookings_of_page = 1000;

json usage_object(const token_usage& u) {
    return {{"input_tokens", u.input_tokens},
            {"cached_tokens", u.cached_tokens},
            {"output_tokens", u.output_tokens},
            {"reasoning_tokens", u.reasoning_tokens}};
}

json limit_object(const spending_limit& l) {
    return {{"key", l.key},
            {"kind", l.kind ? json(name(*l.kind)) : json(nullptr)},
            {"limit_usd", exact_dollars(l.limit)},
            {"spent_usd", exact_dollars(l.out.spent)},
            {"unproven_usd", exact_dollars(l.out.unproven)},
            {"reserved_usd", exact_dollars(l.out.reserved)},
            {"left_usd", exact_dollars(l.left())},
            {"since_ms", l.since_ms},
            {"until_ms", l.until_ms}};
}

json day_array(const std::vector<day_outlay>& days) {
    json all = json::array();
    for (const auto& d : days) {
        auto object = usage_object(d.used);
        object["day"] = format_day(d.day_ms);
        object["spent_usd"] = exact_dollars(d.spent);
        all.push_back(std::move(object));
    }
    return all;
}

// What this month comes to if its other days cost what the last whole days did on average. A ledger that is
// younger than that counts the days that it has.
json forecast(const std::vector<day_outlay>& days, const outlay& month, std::int64_t now_ms) {
    const auto today = start_of_day(now_ms);
    money recent;
    auto first = today;
    for (const auto& d : days) {
        if (d.day_ms < today - days_of_pace * day_ms || d.day_ms >= today) continue;
        recent += d.spent;
        first = std::min(first, d.day_ms);
    }
    const auto counted = (today - first) / day_ms;
    if (counted == 0) return nullptr;
    const auto a_day = recent.picodollars / counted;
    const auto to_come =
        (start_of_next_month(now_ms) - today) / day_ms - 1; // today's own is spent or reserved
    return {{"month_usd", exact_dollars(month.spent + month.reserved + money{a_day * to_come})},
            {"a_day_usd", exact_dollars(money{a_day})},
            {"days", counted}};
}

} // namespace

result<json> live_operations::budget() {
    auto& l = parts_.ledger;
    const auto now = parts_.clock.now_ms();
    const auto with = parts_.settings();
    const auto& limits = with.settings->budget;
    const auto all = l.bookings().since(0);
    const auto month = l.bookings().since(start_of_month(now));
    const auto days = l.bookings().days(start_of_day(now) - (days_shown - 1) * day_ms);
    json objects = json::array();
    for (const auto& limit : spending_limits(l, limits, now))
        objects.push_back(limit_object(limit));
    return json{{"at_ms", now},
                {"spent_usd", exact_dollars(all.spent)},
                {"unproven_usd", exact_dollars(all.unproven)},
                {"reserved_usd", exact_dollars(all.reserved)},
                {"limit_usd", exact_dollars(limits.full)},
                {"test_limit_usd", exact_dollars(limits.test)},
                {"month_spent_usd", exact_dollars(month.spent)},
                {"limits", std::move(objects)},
                {"days", day_array(days)},
                {"forecast", forecast(days, month, now)}};
}

result<json> live_operations::bookings(std::int64_t after) {
    json all = json::array();
    const auto page = parts_.ledger.bookings().list(after, bookings_of_page);
    for (const auto& b : page) {
        auto object = usage_object(b.used);
        object.update({{"id", b.id},
                       {"at_ms", b.at_ms},
                       {"run_id", run_name(b.run_id)},
                       {"job_id", job_name(b.job_id)},
                       {"batch_id", b.batch_id.empty() ? json(nullptr) : json(b.batch_id)},
                       {"kind", name(b.kind)},
                       {"model", b.model},
                       {"reserved_usd", exact_dollars(b.reserved)},
                       {"spent_usd", exact_dollars(b.spent)},
                       {"unproven_usd", exact_dollars(b.unproven)}});
        all.push_back(std::move(object));
    }
    return json{{"bookings", std::move(all)},
                {"has_more", static_cast<std::int64_t>(page.size()) == bookings_of_page}};
}

} // namespace enrichd

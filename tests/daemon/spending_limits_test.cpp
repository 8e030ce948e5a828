// Limits over all runs: nothing that reserves passes one, whatever came before.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/spending_limits.hpp"

#include "core/calendar.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/operations_fixture.hpp"

#include <random>

using namespace enrichd;
using namespace enrichd::test;
using json = nlohmann::json;

namespace {

const money cent{picodollars_per_dollar / 100};

money cents(std::int64_t n) {
    return money{cent.picodollars * n};
}

struct limits_fixture : operations_fixture {
    std::int64_t run = add_open_run(job::goal::built, cents(1000));

    std::optional<error> refusal(std::int64_t n, kind k = kind::summaries) {
        return why_not_reserve(*l, settings->budget, {{k, cents(n)}}, now.now);
    }
    /// Costs so much, and releases the rest of its job of three cents.
    void spend(money actual, std::int64_t at_ms, kind k = kind::summaries) {
        const auto id = add_job(run, job::goal::merged, 3, k);
        l->jobs().settle(id, {{}, actual, cents(3)}, at_ms);
    }
};

} // namespace

TEST_CASE("without a limit nothing is refused", "[limits]") {
    limits_fixture f;
    f.spend(cents(900), f.now.now);
    CHECK_FALSE(f.refusal(1'000'000));
    CHECK_FALSE(left_to_spend(*f.l, f.settings->budget, kind::summaries, f.now.now));
    CHECK(spending_limits(*f.l, f.settings->budget, f.now.now).empty());
}

TEST_CASE("a day's limit holds what is spent and reserved, and is new with the next day", "[limits]") {
    limits_fixture f;
    f.settings->budget.day = cents(10);
    f.spend(cents(4), f.now.now);
    f.add_job(f.run, job::goal::merged, 2); // reserved
    CHECK_FALSE(f.refusal(4));              // to the cent
    const auto over = f.refusal(5);
    REQUIRE(over);
    CHECK(over->code == errc::over_budget);
    CHECK(contains(over->detail, "[budget] day_usd = $0.10"));
    CHECK(contains(over->detail, "$0.04 is spent"));
    CHECK(contains(over->detail, "$0.02 is reserved"));
    CHECK(left_to_spend(*f.l, f.settings->budget, kind::embeddings, f.now.now) == cents(4));

    f.now.now = start_of_day(f.now.now) + day_ms;
    CHECK_FALSE(f.refusal(8)); // what is reserved may be billed today
    CHECK(f.refusal(9));
}

TEST_CASE("a kind's limit holds that kind alone, and the tightest one counts", "[limits]") {
    limits_fixture f;
    f.settings->budget.month = cents(100);
    f.settings->budget.month_embeddings = cents(5);
    f.spend(cents(3), f.now.now, kind::embeddings);
    CHECK_FALSE(f.refusal(97));
    CHECK_FALSE(f.refusal(2, kind::embeddings));
    CHECK(contains(f.refusal(3, kind::embeddings)->detail, "month_embeddings_usd"));
    CHECK(contains(f.refusal(98)->detail, "month_usd"));
    CHECK(left_to_spend(*f.l, f.settings->budget, kind::embeddings, f.now.now) == cents(2));
    CHECK(left_to_spend(*f.l, f.settings->budget, kind::summaries, f.now.now) == cents(97));
}

TEST_CASE("what may have been billed counts, though no usage was told", "[limits]") {
    limits_fixture f;
    f.settings->budget.month = cents(10);
    const auto id = f.add_job(f.run, job::goal::merged, 3);
    f.l->jobs().settle(id, {{}, {}, cents(3), 0, cents(3)}, f.now.now);
    CHECK_FALSE(f.refusal(7));
    CHECK(f.refusal(8));
    f.l->jobs().prove(id, f.now.now);
    CHECK_FALSE(f.refusal(10));
}

TEST_CASE("a set that a limit does not cover is not submitted, and said why", "[limits][submit]") {
    limits_fixture f;
    const auto id = f.add_job(f.run, job::goal::built, 3, kind::summaries, "sha-a");
    f.settings->budget.day = cents(2);
    const auto refused = f.ops.submit(kind::summaries, "sha-a", std::nullopt);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::over_budget);
    CHECK(f.job(id).wishes.until == job::goal::built);
    f.settings->budget.day = cents(3);
    CHECK(f.ops.submit(kind::summaries, "sha-a", std::nullopt));
    CHECK(f.l->bookings().since(0).reserved == cents(3));
}

TEST_CASE("no order passes a limit after any history, lowered limits among it", "[limits][submit]") {
    const auto seed = GENERATE(range(1U, 17U));
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto upto = [&](std::uint32_t n) { return static_cast<std::int64_t>(random() % n); };
    limits_fixture f;
    auto& budget = f.settings->budget;
    std::vector<std::int64_t> ordered;
    for (int step = 0; step < 150; ++step) {
        f.now.now += upto(6) * 3'600'000LL;
        switch (upto(5)) {
        case 0: budget.day = upto(4) == 0 ? std::nullopt : std::optional(cents(upto(40))); break;
        case 1: budget.month = cents(upto(120)); break;
        case 2: budget.month_embeddings = cents(upto(60)); break;
        case 3:
            if (!ordered.empty()) { // the truth is booked, even above the bound
                f.l->jobs().settle(ordered.back(),
                                   {{}, cents(upto(4)), f.l->jobs().open_bound_of(ordered.back())},
                                   f.now.now);
                ordered.pop_back();
            }
            break;
        default: {
            const auto k = upto(2) == 0 ? kind::summaries : kind::embeddings;
            const auto sha = "sha-" + std::to_string(step);
            const auto id = f.add_job(f.run, job::goal::built, static_cast<int>(1 + upto(6)), k, sha);
            const auto wanted = f.job(id).plan.totals.bound;
            const auto before = spending_limits(*f.l, budget, f.now.now);
            const auto fits = std::all_of(before.begin(), before.end(), [&](const auto& limit) {
                return (limit.kind && *limit.kind != k) || limit.used() + wanted <= limit.limit;
            });
            // The other built jobs of the run are of the same set: they are dropped, as if each was alone.
            const auto done = f.ops.submit(k, sha, std::nullopt);
            CHECK(done.has_value() == fits);
            if (done) {
                ordered.push_back(id);
                for (const auto& limit : spending_limits(*f.l, budget, f.now.now))
                    if (!limit.kind || *limit.kind == k) CHECK(limit.used() <= limit.limit);
            } else {
                REQUIRE(f.ops.discard(job_name(id)));
            }
        }
        }
    }
}

TEST_CASE("the budget is told as exact decimals, with what is left of each limit", "[limits][operations]") {
    limits_fixture f;
    f.settings->budget.day = cents(10);
    f.settings->budget.month_embeddings = cents(7);
    f.spend(cents(4), f.now.now);
    f.add_job(f.run, job::goal::merged, 2, kind::embeddings);
    const auto reply = f.ops.budget().value();
    CHECK(reply.at("spent_usd") == "0.04");
    CHECK(reply.at("reserved_usd") == "0.02");
    CHECK(reply.at("limit_usd") == "200");
    CHECK(reply.at("month_spent_usd") == "0.04");
    REQUIRE(reply.at("limits").size() == 2);
    CHECK(reply.at("limits")[0].at("left_usd") == "0.04");
    CHECK(reply.at("limits")[1].at("key") == "month_embeddings_usd");
    CHECK(reply.at("limits")[1].at("left_usd") == "0.05");
    CHECK(reply.at("limits")[1].at("kind") == "embeddings");
    REQUIRE(reply.at("days").size() == 1);
    CHECK(reply.at("days")[0].at("day") == format_day(f.now.now));
    CHECK(reply.at("forecast").is_null()); // no whole day is over yet
}

TEST_CASE("the month's end is forecast by the last whole days", "[limits][operations]") {
    limits_fixture f;
    const auto today = start_of_month(f.now.now) + 19 * day_ms; // the 20th
    f.now.now = today + 5;
    f.spend(cents(70), today - 3 * day_ms);
    f.spend(cents(20), today - day_ms);
    f.spend(cents(5), today);
    const auto reply = f.ops.budget().value();
    const auto days_to_come = (start_of_next_month(today) - today) / day_ms - 1;
    CHECK(reply.at("forecast").at("days") == 3); // one of them cost nothing
    CHECK(reply.at("forecast").at("a_day_usd") == "0.3");
    CHECK(reply.at("forecast").at("month_usd") == exact_dollars(cents(95 + 30 * days_to_come)));
}

TEST_CASE("the books are told page by page, each booking once", "[limits][operations]") {
    limits_fixture f;
    for (int n = 0; n < 600; ++n)
        f.spend(cents(1), f.now.now);
    std::set<std::int64_t> seen;
    std::int64_t after = 0;
    for (bool more = true; more;) {
        const auto page = f.ops.bookings(after).value();
        for (const auto& b : page.at("bookings")) {
            after = b.at("id").get<std::int64_t>();
            CHECK(seen.insert(after).second);
        }
        more = page.at("has_more").get<bool>();
    }
    CHECK(seen.size() == 1200); // reserved, and settled
}

TEST_CASE("a limit that is used up is told by status", "[limits][operations]") {
    limits_fixture f;
    f.settings->budget.day = cents(4);
    f.spend(cents(5), f.now.now);
    const auto status = f.ops.status().value();
    const auto& alerts = status.at("alerts");
    const auto told = std::any_of(alerts.begin(), alerts.end(), [](const json& a) {
        return contains(a.dump(), "[budget] day_usd = $0.04 is used up");
    });
    CHECK(told);
}

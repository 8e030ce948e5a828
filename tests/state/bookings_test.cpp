// The books: whatever happens to jobs, the sums of the bookings are what the jobs say.
// SPDX-License-Identifier: Apache-2.0
#include "core/calendar.hpp"
#include "state/ledger_backup.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/ledger_fixture.hpp"

#include <random>

using namespace enrichd;
using enrichd::test::ledger_fixture;
using enrichd::test::noon;

namespace {

const money cent{picodollars_per_dollar / 100};

struct books_fixture : ledger_fixture {
    std::int64_t run = add_open_run();

    std::vector<booking> all() { return l->bookings().list(0, 10'000); }
    void order(std::int64_t id, std::int64_t at) {
        l->jobs().wish(job(id), {job::goal::merged, job::cancel_reason::none}, "submit_wanted", at);
    }
    void end(std::int64_t id, std::int64_t at) {
        const auto before = job(id);
        REQUIRE(l->jobs().record(before, {job::failed{"test"}, "test", "", {}}, at));
        l->requests().end_all(id, outcome::cancelled, "");
    }
    void check_sums() {
        money reserved, spent, unproven;
        for (const auto& b : all()) {
            reserved += b.reserved;
            spent += b.spent;
            unproven += b.unproven;
        }
        CHECK(spent == l->totals().spent);
        CHECK(reserved == l->totals().reserved);
        CHECK(l->bookings().since(0).spent == spent);
        CHECK(l->bookings().since(0).reserved == reserved);
        CHECK(l->bookings().since(0).unproven == unproven);
        CHECK(unproven == l->unproven_of_run(run));
    }
};

} // namespace

TEST_CASE(
    "what is built reserves nothing until it is ordered, and what it did not cost is released at its end",
    "[state][bookings]") {
    books_fixture f;
    const auto id = f.add_job(f.run, job::goal::built, 3);
    CHECK(f.all().empty());
    f.order(id, noon + 10);
    REQUIRE(f.all().size() == 1);
    CHECK(f.all()[0].reserved == cent + cent + cent);
    CHECK(f.all()[0].at_ms == noon + 10);
    CHECK(f.all()[0].job_id == id);
    CHECK(f.all()[0].kind == kind::summaries);
    CHECK(f.all()[0].model == "gpt-4o-mini");

    f.l->jobs().settle(id, {{100, 20, 30, 4}, money{77}, cent}, noon + 20);
    REQUIRE(f.all().size() == 2);
    CHECK(f.all()[1].spent == money{77});
    CHECK(f.all()[1].reserved == money{} - cent);
    CHECK(f.all()[1].used == token_usage{100, 20, 30, 4});

    f.l->jobs().settle(id, {{}, {}, cent, 0, cent}, noon + 30);
    f.l->jobs().prove(id, noon + 30);
    CHECK(f.l->bookings().since(0).unproven == money{});
    f.end(id, noon + 40);
    CHECK(f.all().back().reserved == money{} - cent);
    CHECK(f.l->bookings().since(0).reserved == money{});
    f.check_sums();
}

TEST_CASE("a change that moves no money is not booked", "[state][bookings]") {
    books_fixture f;
    const auto id = f.add_job(f.run);
    const auto before = f.all().size();
    f.l->jobs().postpone(f.job(id), {noon + 5, 1, "busy"}, noon + 1);
    f.put(id, job::uploaded{"file-1", "", 0});
    f.l->jobs().settle(id, {}, noon + 2);
    CHECK(f.all().size() == before);
}

TEST_CASE("what a time cost is what was booked in it; what is reserved counts whenever it was begun",
          "[state][bookings]") {
    books_fixture f;
    const auto early = f.add_job(f.run), late = f.add_job(f.run, job::goal::merged, 2, kind::embeddings);
    f.l->jobs().settle(early, {{}, money{5}, cent}, noon);
    f.l->jobs().settle(late, {{}, money{7}, cent}, noon + day_ms);
    CHECK(f.l->bookings().since(noon).spent == money{12});
    CHECK(f.l->bookings().since(noon + 1).spent == money{7});
    CHECK(f.l->bookings().since(noon + 1, kind::summaries).spent == money{});
    CHECK(f.l->bookings().since(noon + 1, kind::summaries).reserved == cent + cent);
    CHECK(f.l->bookings().since(noon + 1).reserved == cent + cent + cent);
    const auto days = f.l->bookings().days(0);
    REQUIRE(days.size() == 2);
    CHECK(days[0].day_ms == start_of_day(noon));
    CHECK(days[1].spent == money{7});
    CHECK(f.l->bookings().list(f.all()[0].id, 1).at(0).id == f.all()[1].id);
}

TEST_CASE("the books add up after any history, and survive the file being opened again",
          "[state][bookings]") {
    const auto seed = GENERATE(range(1U, 9U));
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto upto = [&](std::uint32_t n) { return static_cast<std::int64_t>(random() % n); };
    books_fixture f;
    std::vector<std::int64_t> open;
    for (int step = 0; step < 200; ++step) {
        const auto at = noon + step * 1000;
        if (open.empty() || upto(4) == 0) {
            const auto k = upto(2) == 0 ? kind::summaries : kind::embeddings;
            open.push_back(f.add_job(f.run, upto(3) == 0 ? job::goal::built : job::goal::merged,
                                     static_cast<int>(1 + upto(5)), k));
            continue;
        }
        const auto which = static_cast<std::size_t>(upto(static_cast<std::uint32_t>(open.size())));
        const auto id = open[which];
        const auto left = f.l->jobs().open_bound_of(id);
        const auto part = std::min(left, cent);
        switch (upto(4)) {
        case 0: f.order(id, at); break;
        case 1: f.l->jobs().settle(id, {{upto(100), 0, upto(50), 0}, money{upto(20'000)}, part}, at); break;
        case 2: f.l->jobs().settle(id, {{}, {}, part, 1, part}, at); break;
        default:
            if (upto(2) == 0) f.l->jobs().prove(id, at);
            f.end(id, at);
            open.erase(open.begin() + static_cast<std::ptrdiff_t>(which));
        }
    }
    f.check_sums();
    f.reopen();
    f.check_sums();
}

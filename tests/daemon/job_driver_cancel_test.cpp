// Wishes to cancel, by a person or by the deadline: heeded where nothing that is paid for is lost.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/driver_fixture.hpp"

using namespace enrichd;
using namespace enrichd::test;
namespace event = enrichd::job::event;

TEST_CASE("a wish to cancel ends a job at once where no batch can exist", "[job_driver]") {
    for (const std::size_t index : {0U, 1U, 2U}) {
        const auto s = enrichd::test::one_of_each_state()[index];
        CAPTURE(job::name(s));
        driver_fixture f;
        if (index > 0) f.put(f.id, s);
        f.wish(job::goal::merged, job::cancel_reason::user);
        f.turn();
        CHECK(f.state() == "cancelled");
        CHECK(f.world.asked.empty());
        CHECK(f.l->requests().tallies(f.id).requests == outcome_tallies::counts{{outcome::cancelled, 3}});
        CHECK(f.l->requests().open_rows(f.id) == 0);
        CHECK(f.l->totals().reserved == money{0});
    }
}

TEST_CASE("a wish to cancel where a batch may exist is kept until it is known", "[job_driver]") {
    for (const std::size_t index : {3U, 4U}) {
        driver_fixture f;
        f.put(f.id, enrichd::test::one_of_each_state()[index]);
        f.wish(job::goal::merged, job::cancel_reason::user);
        f.world.then(event::batch_created{"batch_1", noon / 1000});
        f.turn();
        CHECK(f.world.asked.back() == "find_batch");
        CHECK(f.state() == "submitted");
        f.world.then(event::cancel_sent{batch(batch_status::cancelling)});
        f.turn();
        CHECK(f.world.asked.back() == "cancel_batch");
        CHECK(f.state() == "polling");
    }
    SECTION("and if it never shows up, the job is cancelled and nothing is sent") {
        driver_fixture f;
        f.put(f.id, enrichd::test::one_of_each_state()[4]);
        f.wish(job::goal::merged, job::cancel_reason::user);
        f.world.then(event::batch_not_found{true});
        f.turn();
        CHECK(f.state() == "uploaded");
        f.turn();
        CHECK(f.state() == "cancelled");
        CHECK(f.world.asked == std::vector<std::string>{"find_batch"});
    }
}

TEST_CASE("a cancelled batch is asked once, polled to its end, and merged", "[job_driver]") {
    driver_fixture f;
    f.put(f.id, f.running());
    f.wish(job::goal::merged, job::cancel_reason::user);
    f.world.then(event::cancel_sent{batch(batch_status::cancelling)});
    f.world.then(event::batch_seen{batch(batch_status::cancelling)});
    f.world.then(event::batch_seen{batch(batch_status::cancelled)});
    f.world.then(event::results_fetched{true, false});
    f.world.then(event::all_merged{});
    for (int i = 0; i < 5; ++i)
        f.turn();
    CHECK(f.world.asked == std::vector<std::string>{"cancel_batch", "poll", "poll", "fetch", "merge"});
    CHECK(f.state() == "merged");
    CHECK(f.job(f.id).ended_as == "cancelled");
}

TEST_CASE("a wish that comes during a turn is heeded right after it", "[job_driver]") {
    driver_fixture f;
    f.put(f.id, f.running());
    f.world.meanwhile = [&] { f.wish(job::goal::merged, job::cancel_reason::user); };
    SECTION("one that did something") {
        f.world.then(event::batch_seen{batch(batch_status::in_progress)});
    }
    SECTION("one that could not") {
        f.world.then_postpone("502");
    }
    f.turn();
    CHECK(f.state() == "polling");
    CHECK(f.job(f.id).wishes.cancel == job::cancel_reason::user);
    CHECK(f.wait_ms() == 0);
}

TEST_CASE("26 hours after the provider's created_at the batch is cancelled, whatever restarts there were",
          "[job_driver]") {
    driver_fixture f;
    f.put(f.id, f.running());
    f.now.now = noon + 26 * hour - 1;
    f.world.then(event::batch_seen{batch(batch_status::in_progress)});
    f.turn();
    CHECK(f.world.asked.back() == "poll");
    f.restart();
    f.now.now = noon + 26 * hour;
    f.world.then(event::cancel_sent{batch(batch_status::cancelling)});
    f.turn();
    CHECK(f.world.asked.back() == "cancel_batch");
    CHECK(f.world.rows.back().wishes.cancel == job::cancel_reason::deadline);
    CHECK(f.job(f.id).wishes.cancel == job::cancel_reason::deadline);
}

TEST_CASE("no deadline gives up answers whose files were hardly looked for", "[job_driver]") {
    driver_fixture f; // which was away for days, or has a clock that was set
    auto p = f.running();
    p.status = batch_status::expired;
    p.completed = 1;
    p.output_file_id.reset();
    p.looks_for_files = 0;
    auto seen = batch(batch_status::expired);
    seen.completed = 1;
    seen.output_file_id.reset();
    f.put(f.id, p);
    f.now.now = noon + 72 * hour;
    for (std::int64_t look = 1; look <= job::looks_for_results; ++look) {
        f.world.then(event::batch_seen{seen});
        f.turn();
        REQUIRE(f.world.asked.back() == "poll");
        CHECK((f.wait_ms() > 0) == (look < job::looks_for_results));
        f.now.now += hour;
    }
    f.world.then(event::results_fetched{false, false});
    f.turn();
    CHECK(f.world.asked.back() == "fetch");
    CHECK(f.job(f.id).wishes.cancel == job::cancel_reason::deadline);
}

TEST_CASE("a batch that ended in time is not cancelled by a late look", "[job_driver]") {
    driver_fixture f;
    auto p = f.running();
    p.status = batch_status::completed;
    p.error_file_id = "file-err";
    f.put(f.id, p);
    f.now.now = noon + 100 * hour;
    f.world.then(event::results_fetched{true, false});
    f.turn();
    CHECK(f.world.asked.back() == "fetch");
    CHECK(f.job(f.id).wishes.cancel == job::cancel_reason::none);
}

TEST_CASE("no wish hurries a look for a batch that may exist", "[job_driver]") {
    driver_fixture f;
    const auto unknown = enrichd::test::one_of_each_state()[4];
    f.put(f.id, unknown, {noon + 600'000, 0, "unknown"});
    f.wish(job::goal::merged, job::cancel_reason::user);
    CHECK(f.job(f.id).waiting.due_ms == noon + 600'000);
    SECTION("but giving it up waits for nothing") {
        f.wish(job::goal::merged, job::cancel_reason::abandon);
        CHECK(f.job(f.id).waiting.due_ms == f.now.now);
        f.turn();
        CHECK(f.state() == "failed");
        CHECK(f.world.asked.empty());
        // What may have been made is looked for all the same, by the longest wait and once it must have
        // ended.
        std::vector<std::int64_t> looks;
        while (const auto due = f.l->chores().next_due()) {
            const auto c = f.l->chores().due(*due).value();
            CHECK(c.what == chore::find_twins);
            CHECK(c.job_id == f.id);
            looks.push_back(*due - f.now.now);
            f.l->chores().done(c);
        }
        CHECK(looks == std::vector<std::int64_t>{600'000, 24 * 3'600'000LL});
    }
}

TEST_CASE("a batch that is given up is cancelled first, and what it cost stays in the books",
          "[job_driver]") {
    driver_fixture f;
    f.put(f.id, f.running());
    f.wish(job::goal::merged, job::cancel_reason::abandon);
    const auto run = f.job(f.id).plan.run_id;
    const auto bound = f.l->jobs().open_bound_of(f.id);
    REQUIRE(bound > money{});
    SECTION("where the provider does not answer") {
        f.world.then_postpone("502", errc::provider_ambiguous);
        f.turn();
        CHECK(f.job(f.id).actual == money{300'000 * 20 + 90 * 75'000 + 10 * 37'500}); // as the batch told it
        CHECK(f.l->unproven_of_run(run) == money{});
    }
    SECTION("where it does, and tells no bill") {
        auto cancelling = batch(batch_status::cancelling);
        f.world.then(event::cancel_sent{cancelling});
        f.turn();
        CHECK(f.state() == "polling");
        f.turn();
        CHECK(f.job(f.id).actual == money{});
        CHECK(f.l->unproven_of_run(run) == bound);
    }
    CHECK(f.world.asked == std::vector<std::string>{"cancel_batch"});
    CHECK(f.state() == "failed");
    CHECK(f.l->requests().open_rows(f.id) == 0);
}

TEST_CASE("a batch given up during a look at it is cancelled before it is let go", "[job_driver]") {
    driver_fixture f;
    f.put(f.id, f.running());
    f.world.meanwhile = [&] { f.wish(job::goal::merged, job::cancel_reason::abandon); };
    f.world.then_postpone("502", errc::provider_ambiguous);
    f.turn();
    CHECK(f.state() == "polling");
    f.world.meanwhile = [] {};
    f.world.then_postpone("502", errc::provider_ambiguous);
    f.turn();
    CHECK(f.world.asked == std::vector<std::string>{"poll", "cancel_batch"});
    CHECK(f.state() == "failed");
}

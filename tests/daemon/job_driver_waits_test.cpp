// Turns that wait: for a queue, for certainty, for the end of a batch that is to be cancelled.
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

TEST_CASE("a full queue waits, and is submitted again under a new id", "[job_driver]") {
    driver_fixture f;
    f.put(f.id, job::uploaded{"file-1", ""});
    auto full = batch(batch_status::failed);
    full.errors = {{"token_limit_exceeded", "Enqueued token limit reached", {}}};
    std::int64_t last = 0;
    for (int n = 1; n <= 3; ++n) {
        CAPTURE(n);
        f.world.then(event::batch_created{"batch_" + std::to_string(n), noon / 1000});
        f.turn();
        CHECK(std::get<job::submitted>(f.job(f.id).state).submission ==
              submission_id(f.l->installation(), f.job(f.id), n));
        f.world.then(event::batch_seen{full});
        f.turn();
        CHECK(f.state() == "uploaded");
        CHECK(f.job(f.id).submissions == n);
        CHECK(*f.wait_ms() > last);
        CHECK(f.job(f.id).waiting.reason.find("token_limit_exceeded") != std::string::npos);
        last = *f.wait_ms();
        f.restart();
    }
    CHECK(last == 4 * 60'000);
}

TEST_CASE("an ambiguous submission is looked for on the schedule before it is sent again, under its own id",
          "[job_driver]") {
    driver_fixture f;
    const auto name = submission_id(f.l->installation(), f.job(f.id), 1);
    f.put(f.id, job::uploaded{"file-1", ""});
    f.world.then(event::batch_unclear{"connection reset"});
    f.turn();
    CHECK(f.state() == "submit_unknown");
    for (const std::int64_t wait : {10'000, 30'000, 120'000, 600'000}) {
        CAPTURE(wait);
        CHECK(f.wait_ms() == wait);
        CHECK_FALSE(f.job(f.id).waiting.reason.empty());
        f.now.now += wait;
        f.restart();
        f.world.then(event::batch_not_found{wait == 600'000});
        f.turn();
        CHECK(f.world.asked.back() == "find_batch");
    }
    CHECK(f.state() == "uploaded");
    CHECK(f.wait_ms() == 0);
    f.world.then(event::batch_created{"batch_1", noon / 1000});
    f.turn();
    CHECK(f.world.asked.back() == "create_batch");
    CHECK(std::get<job::submitted>(f.job(f.id).state).submission == name);
    CHECK(f.job(f.id).submissions == 1);
}

TEST_CASE("a batch found in the list is never made again", "[job_driver]") {
    driver_fixture f;
    f.put(f.id, job::uploaded{"file-1", ""});
    f.turn_that_dies();
    f.restart();
    f.world.then(event::batch_created{"batch_1", noon / 1000}, "batch_1, found in the provider's list");
    f.turn();
    CHECK(f.state() == "submitted");
    CHECK(f.world.asked == std::vector<std::string>{"create_batch", "find_batch"});
}

TEST_CASE("repeated clean refusals of a batch back off further, over the intents between", "[job_driver]") {
    driver_fixture f;
    f.put(f.id, job::uploaded{"file-1", ""});
    std::int64_t last = 0;
    for (int n = 1; n <= 6; ++n) {
        f.world.then(event::batch_postponed{{errc::provider_busy, "429"}}, "429");
        f.turn();
        CHECK(f.state() == "uploaded");
        CHECK(*f.wait_ms() > last);
        last = *f.wait_ms();
        f.restart();
    }
    CHECK(f.job(f.id).submissions == 1);
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

TEST_CASE("an upload that fails again and again is tried ever later", "[job_driver]") {
    driver_fixture f;
    std::int64_t last = 0;
    for (int round = 0; round < 6; ++round) {
        f.world.then_postpone("403", errc::provider_unauthorized);
        f.turn();
        CHECK(f.state() == "intent_upload");
        CHECK(f.wait_ms().value() > last);
        last = f.wait_ms().value();
        f.now.now += last;
        f.world.then(event::file_not_found{});
        f.turn();
        CHECK(f.state() == "built");
    }
}

TEST_CASE("a batch that ended without naming its results is looked at again, and says why", "[job_driver]") {
    driver_fixture f;
    f.put(f.id, enrichd::test::one_of_each_state()[5]);
    batch_object ended;
    ended.id = "batch_1";
    ended.status = batch_status::completed;
    ended.created_at = noon / 1000;
    ended.completed = 2;
    f.world.then(event::batch_seen{ended});
    f.turn();
    CHECK(f.state() == "polling");
    CHECK(f.job(f.id).waiting.cause == errc::provider_invalid);
    CHECK(f.job(f.id).waiting.due_ms > f.now.now);
    ended.output_file_id = "file-out";
    f.world.then(event::batch_seen{ended});
    f.turn();
    CHECK_FALSE(f.job(f.id).waiting.cause);
    CHECK(f.job(f.id).waiting.due_ms == f.now.now);
}

TEST_CASE(
    "what is sent again after looks that found nothing may be a duplicate, and is looked for twice more",
    "[job_driver]") {
    driver_fixture f;
    f.put(f.id, enrichd::test::one_of_each_state()[4]);
    f.world.then(event::batch_not_found{true});
    f.turn();
    CHECK(f.state() == "uploaded");
    CHECK(f.job(f.id).maybe_duplicate);
    CHECK(f.l->chores().next_due() == f.now.now + 600'000); // as long as the longest wait of the schedule
    f.l->chores().done(*f.l->chores().due(f.now.now + 600'000));

    f.put(f.id, f.running());
    f.world.then(event::batch_seen{batch(batch_status::completed)});
    f.turn();
    CHECK(f.l->chores().next_due() == f.now.now); // the batch has ended
    f.l->chores().done(*f.l->chores().due(f.now.now));
    f.world.then(event::results_fetched{true, false});
    f.turn();
    CHECK_FALSE(f.l->chores().next_due()); // once
    CHECK(f.job(f.id).maybe_duplicate);
}

TEST_CASE("a job that was submitted once is never looked for again", "[job_driver]") {
    driver_fixture f;
    f.put(f.id, f.running());
    f.world.then(event::batch_seen{batch(batch_status::completed)});
    f.turn();
    CHECK_FALSE(f.l->chores().next_due());
    CHECK_FALSE(f.job(f.id).maybe_duplicate);
}

TEST_CASE("a second batch that is found with the first is recorded with the transition", "[job_driver]") {
    driver_fixture f;
    f.put(f.id, enrichd::test::one_of_each_state()[4]);
    effect_done adopted{event::batch_created{"batch_1", noon / 1000}, "batch_1, found", std::nullopt};
    auto twin = batch(batch_status::cancelling);
    twin.id = "batch_2";
    adopted.twins = {twin};
    f.world.answers.push_back(adopted);
    f.turn();
    f.restart();
    CHECK(f.state() == "submitted");
    const auto twins = f.l->twins().of_job(f.id);
    REQUIRE(twins.size() == 1);
    CHECK(twins[0].batch_id == "batch_2");
    CHECK(twins[0].kept_batch == "batch_1");
    const auto owed = f.l->chores().due(f.now.now);
    REQUIRE(owed);
    CHECK(owed->what == chore::follow_twin);
    CHECK(owed->subject == "batch_2");
}

TEST_CASE("with submit_unknown = hold the last look leads to a person, not to a second batch",
          "[job_driver]") {
    driver_fixture f;
    turn_rules rules{{milliseconds(5000), milliseconds(60'000)}, {10, 30}, std::chrono::hours(26), true};
    f.driver->set_rules(rules);
    f.put(f.id, job::submit_unknown{"s", "file-1", noon, 0});
    f.world.then(event::batch_not_found{false});
    f.turn();
    CHECK(f.wait_ms() == 30'000);
    f.world.then(event::batch_not_found{true});
    f.turn();
    CHECK(f.state() == "submit_unknown");
    CHECK_FALSE(f.wait_ms());
    CHECK_FALSE(f.job(f.id).maybe_duplicate);

    SECTION("one more look that was asked for adopts what it finds") {
        f.world.then(event::batch_created{"batch_1", noon / 1000});
        f.turn();
        CHECK(f.state() == "submitted");
    }
    SECTION("or holds again") {
        f.world.then(event::batch_not_found{true});
        f.turn();
        CHECK(f.state() == "submit_unknown");
        CHECK_FALSE(f.wait_ms());
    }
    SECTION("a wish to cancel is heeded, for nothing is sent again then") {
        f.wish(job::goal::merged, job::cancel_reason::user);
        CHECK(f.wait_ms() == 0);
        f.world.then(event::batch_not_found{true});
        f.turn();
        f.turn();
        CHECK(f.state() == "cancelled");
    }
}

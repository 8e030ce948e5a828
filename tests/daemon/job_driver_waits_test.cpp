// Turns that wait: for a queue, for certainty, for files that are not named yet.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/driver_fixture.hpp"

using namespace enrichd;
using namespace enrichd::test;
namespace event = enrichd::job::event;

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
        CHECK(f.wait_ms() == 0);
        f.turn(); // asks for nothing
        CHECK(*f.wait_ms() > last);
        CHECK(f.job(f.id).waiting.reason.find("token_limit_exceeded") != std::string::npos);
        last = *f.wait_ms();
        f.now.now += last;
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

TEST_CASE("what is sent again after looks that found nothing may be a duplicate, and is looked for three "
          "times more",
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
    const auto day = f.now.now + 24 * 3'600'000LL; // no batch runs longer
    CHECK(f.l->chores().next_due() == day);
    f.l->chores().done(*f.l->chores().due(day));
    CHECK_FALSE(f.l->chores().next_due());
    CHECK(f.job(f.id).maybe_duplicate);
}

TEST_CASE("the batch that a second doubt finds may be the first one's, and the second is looked for still",
          "[job_driver]") {
    driver_fixture f;
    f.put(f.id, enrichd::test::one_of_each_state()[4]);
    f.world.then(event::batch_not_found{true});
    f.turn();
    REQUIRE(f.job(f.id).maybe_duplicate);
    f.l->chores().done(*f.l->chores().due(*f.l->chores().next_due()));
    f.put(f.id, enrichd::test::one_of_each_state()[4]);
    f.world.then(event::batch_created{"batch_1", noon / 1000});
    f.turn();
    CHECK(f.state() == "submitted");
    CHECK(f.l->chores().next_due() == f.now.now + 2 * 600'000);
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

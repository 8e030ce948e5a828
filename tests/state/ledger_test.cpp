// Runs, jobs, their life and money, in a file that is opened again.
// SPDX-License-Identifier: Apache-2.0
#include "state/ledger.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/ledger_fixture.hpp"

using namespace enrichd;
using enrichd::test::ledger_fixture;
using enrichd::test::noon;

TEST_CASE("every state of a job reads back from the file with all its fields", "[state][ledger]") {
    for (const auto& s : enrichd::test::one_of_each_state()) {
        CAPTURE(job::name(s));
        ledger_fixture f;
        const auto id = f.add_job(f.add_open_run());
        if (!std::holds_alternative<job::built>(s)) f.put(id, s);
        f.reopen();
        const auto read = f.job(id);
        CHECK(read.state.index() == s.index());
        CHECK(state_fields(read.state) == state_fields(s));
        CHECK(read.ended_ms.has_value() == job::has_ended(s));
        if (const auto batch = job::batch_id(s)) CHECK(read.batch_id == batch);
        if (const auto* here = std::get_if<job::fetched>(&read.state))
            CHECK(here->digests == job::result_digests{"a1", "b2"});
    }
}

TEST_CASE("a state that this program does not know is an error, not another state", "[state][ledger]") {
    CHECK(read_state("resting", "{}").error().code == errc::internal);
    CHECK(read_state("built", "not json").error().code == errc::internal);
    CHECK(read_state("built", "[]").error().code == errc::internal);
}

TEST_CASE("a job's plan, wishes, waiting and usage survive the file being opened again", "[state][ledger]") {
    ledger_fixture f;
    const auto id = f.add_job(f.add_open_run(), job::goal::built, 2, kind::embeddings, "cafe");
    f.l->jobs().wish(f.job(id), {job::goal::fetched, job::cancel_reason::deadline}, "submit_wanted",
                     noon + 5);
    f.l->jobs().postpone(f.job(id), {noon + 99, 3, "no route", errc::target_blocked}, noon + 6);
    f.l->jobs().settle(id, {{10, 2, 5, 1}, money{77}, money{picodollars_per_dollar / 100}, 4}, noon);
    f.reopen();
    const auto job = f.job(id);
    CHECK(job.plan.kind == kind::embeddings);
    CHECK(job.plan.file_sha256 == "cafe");
    CHECK(job.plan.dimensions == 1536);
    CHECK(job.plan.totals.requests == 2);
    CHECK(job.plan.totals.bound == money{2 * picodollars_per_dollar / 100});
    CHECK(job.plan.price.output == money{300'000});
    CHECK(job.wishes == job::wishes{job::goal::fetched, job::cancel_reason::deadline});
    CHECK(job.waiting.due_ms == noon + 99);
    CHECK(job.waiting.failures == 3);
    CHECK(job.waiting.reason == "no route");
    CHECK(job.waiting.cause == errc::target_blocked);
    CHECK(job.waiting_since_ms == noon + 6);
    CHECK(job.used == token_usage{10, 2, 5, 1});
    CHECK(job.actual == money{77});
    CHECK(job.strays == 4);
    CHECK(f.l->jobs().open_bound(job.plan.run_id) == money{picodollars_per_dollar / 100});
}

TEST_CASE("a turn that raced another loses, and leaves nothing behind", "[state][ledger]") {
    ledger_fixture f;
    const auto id = f.add_job(f.add_open_run());
    const auto read_before = f.job(id);
    f.put(id, job::intent_upload{"s"});
    const auto history = f.l->history_of_job(id).size();
    const auto lost =
        f.l->jobs().record(read_before, {job::cancelled{}, "cancel_wanted", "", {}, false}, noon);
    REQUIRE_FALSE(lost);
    CHECK(lost.error().code == errc::lost_race);
    CHECK(job::name(f.job(id).state) == "intent_upload");
    CHECK(f.l->history_of_job(id).size() == history);
}

TEST_CASE("a wish makes a turn that read the job before lose", "[state][ledger]") {
    ledger_fixture f;
    const auto id = f.add_job(f.add_open_run());
    const auto read_before = f.job(id);
    f.l->jobs().wish(read_before, {job::goal::merged, job::cancel_reason::user}, "cancel_asked", noon);
    CHECK_FALSE(f.l->jobs().record(read_before, {job::intent_upload{"s"}, "x", "", {}, false}, noon));
}

TEST_CASE("a run's record is guarded by the state it was in", "[state][ledger]") {
    ledger_fixture f;
    const auto id = f.add_run();
    const auto before = *f.l->runs().find(id);
    REQUIRE(f.l->runs().record(before, run::state::building, run::event::build_begun, "", {}, noon));
    CHECK(f.l->runs()
              .record(before, run::state::cancelled, run::event::cancel_wanted, "", {}, noon)
              .error()
              .code == errc::lost_race);
    f.reopen();
    CHECK(f.l->runs().find(id)->state == run::state::building);
}

TEST_CASE("pruning leaves alone what is young, open, or still in flight", "[state][ledger]") {
    ledger_fixture f;
    const auto run = f.add_open_run();
    const auto id = f.add_job(run);
    CHECK(f.l->prunable(noon + 1'000'000).empty()); // open
    f.put(id, job::merged{"batch_1"});
    REQUIRE(f.l->runs().record(*f.l->runs().find(run), run::state::done, run::event::finished, "", {},
                               noon + 50));
    CHECK(f.l->prunable(noon + 1'000'000).empty()); // rows that are open still
    f.l->requests().end_all(id, outcome::missing, "");
    CHECK(f.l->prunable(noon + 50).empty()); // young
    CHECK(f.l->prunable(noon + 51).size() == 1);
    f.l->prune(id);
    CHECK(f.l->prunable(noon + 51).empty()); // once
    f.reopen();
    CHECK(f.l->jobs().find(id));
    CHECK_FALSE(f.l->history_of_job(id).empty());
}

TEST_CASE("the history grows, and is told in the order it was written whatever the clock did",
          "[state][ledger]") {
    ledger_fixture f;
    const auto id = f.add_job(f.add_open_run());
    auto before = f.l->history_of_job(id);
    const auto states = enrichd::test::one_of_each_state();
    for (std::size_t i = 1; i <= 6; ++i) {
        const auto recorded =
            f.l->jobs().record(f.job(id), {states[i], "event", std::to_string(i), {}, false},
                               noon - static_cast<std::int64_t>(i)); // a clock that is set back
        REQUIRE(recorded);
        f.reopen();
        const auto after = f.l->history_of_job(id);
        REQUIRE(after.size() == before.size() + 1);
        CHECK(after.back().to_state == job::name(states[i]));
        CHECK(after.back().detail == std::to_string(i));
        for (std::size_t n = 0; n < before.size(); ++n)
            CHECK(after[n].to_state == before[n].to_state);
        before = after;
    }
}

TEST_CASE("money: what is reserved is the bound of open requests of jobs on their way", "[state][ledger]") {
    ledger_fixture f;
    const auto cent = money{picodollars_per_dollar / 100};
    const auto run = f.add_open_run();
    const auto going = f.add_job(run, job::goal::merged, 2);
    f.add_job(run, job::goal::built, 5); // waits for submit: reserves nothing
    CHECK(f.l->reserved_of_run(run) == cent + cent);
    CHECK(f.l->totals().reserved == cent + cent);
    f.l->jobs().settle(going, {{1, 0, 1, 0}, money{5}, cent}, noon);
    f.reopen();
    CHECK(f.l->reserved_of_run(run) == cent);
    CHECK(f.l->spent_of_run(run) == money{5});
    CHECK(f.l->totals().spent == money{5});
    f.put(going, job::merged{"batch_1"});
    CHECK(f.l->reserved_of_run(run) == money{0});
}

TEST_CASE("times: since when a job is in its state, and when its newest batch was made", "[state][ledger]") {
    ledger_fixture f;
    const auto id = f.add_job(f.add_open_run());
    CHECK(f.l->times_of_job(id).state_since_ms == noon);
    CHECK_FALSE(f.l->times_of_job(id).submitted_ms);
    const auto states = enrichd::test::one_of_each_state();
    REQUIRE(f.l->jobs().record(f.job(id), {states[5], "batch_created", "batch_1", {}, true}, noon + 20));
    REQUIRE(f.l->jobs().record(f.job(id), {states[6], "batch_seen", "", {}, false}, noon + 30));
    REQUIRE(f.l->jobs().record(f.job(id), {states[6], "batch_seen", "", {}, false}, noon + 40));
    CHECK(f.l->times_of_job(id).state_since_ms == noon + 30);
    CHECK(f.l->times_of_job(id).submitted_ms == noon + 20);
}

TEST_CASE("jobs are found by id, batch, file and state", "[state][ledger]") {
    ledger_fixture f;
    const auto run = f.add_open_run();
    const auto a = f.add_job(run, job::goal::merged, 1, kind::summaries, "s1");
    const auto b = f.add_job(run, job::goal::merged, 1, kind::summaries, "s1");
    f.put(a, enrichd::test::one_of_each_state()[5]);
    CHECK(f.l->jobs().find_batch("batch_1")->id == a);
    CHECK_FALSE(f.l->jobs().find_batch("batch_2"));
    const auto with_file = f.l->jobs().with_file("s1");
    REQUIRE(with_file.size() == 2);
    CHECK(with_file[0].id == b);
    CHECK(f.l->jobs().count_by_state() ==
          std::map<std::string, std::int64_t>{{"built", 1}, {"submitted", 1}});
    CHECK(f.l->jobs().list(true, 10).size() == 2);
    f.put(a, job::merged{"batch_1"});
    CHECK(f.l->jobs().list(true, 10).size() == 1);
    CHECK(f.l->jobs().list(false, 10).size() == 2);
    CHECK(f.l->jobs().list(false, 1).at(0).id == b);
    CHECK(f.l->jobs().open_in_run(run) == 1);
}

TEST_CASE("due times live in the ledger, and an ended job has none", "[state][ledger]") {
    ledger_fixture f;
    const auto run = f.add_open_run();
    const auto a = f.add_job(run);
    const auto b = f.add_job(run);
    CHECK_FALSE(f.l->jobs().next_due({}));
    f.l->jobs().postpone(f.job(a), {noon + 200, 0, ""}, noon);
    f.l->jobs().postpone(f.job(b), {noon + 100, 0, ""}, noon);
    f.reopen();
    CHECK(f.l->jobs().next_due({}) == noon + 100);
    CHECK(f.l->jobs().next_due({b}) == noon + 200);
    CHECK(f.l->jobs().due(noon + 99, 9).empty());
    CHECK(f.l->jobs().due(noon + 100, 9) == std::vector{b});
    CHECK(f.l->jobs().due(noon + 500, 9) == std::vector{b, a});
    f.put(b, job::merged{"batch_1"}, {noon + 1, 0, ""});
    CHECK(f.l->jobs().next_due({}) == noon + 200);
}

TEST_CASE("open and ended runs are listed apart", "[state][ledger]") {
    ledger_fixture f;
    const auto a = f.add_run();
    const auto b = f.add_run();
    const auto c = f.add_run();
    const auto refuse = [&](std::int64_t id, std::int64_t now) {
        (void)f.l->runs().record(*f.l->runs().find(id), run::state::building, run::event::build_begun, "", {},
                                 now);
        (void)f.l->runs().record(*f.l->runs().find(id), run::state::refused, run::event::refused, "{}", {},
                                 now);
    };
    refuse(b, noon + 5);
    refuse(a, noon + 9);
    REQUIRE(f.l->runs().list_open().size() == 1);
    CHECK(f.l->runs().list_open()[0].id == c);
    const auto ended = f.l->runs().list_ended(5);
    REQUIRE(ended.size() == 2);
    CHECK(ended[0].id == a);
    CHECK(f.l->runs().list_ended(1).size() == 1);
}

TEST_CASE("a pause and the installation's id outlive the daemon", "[state][ledger]") {
    ledger_fixture f;
    const auto id = f.l->installation();
    CHECK(id.size() == 8);
    CHECK_FALSE(f.l->paused());
    f.l->set_paused(true);
    f.reopen();
    CHECK(f.l->paused());
    CHECK(f.l->installation() == id);
}

TEST_CASE("a run that is built again forgets all of the first try", "[state][ledger]") {
    ledger_fixture f;
    const auto run = f.add_open_run();
    const auto id = f.add_job(run, job::goal::merged, 1);
    f.l->jobs().remove_of_run(run);
    f.reopen();
    CHECK_FALSE(f.l->jobs().find(id));
    CHECK(f.l->jobs().of_run(run).empty());
    const auto mark = f.l->flights().mark("sqlite:test/events", kind::summaries);
    CHECK_FALSE(f.l->flights().holder(mark, "e-" + std::to_string(id) + "-0"));
}

TEST_CASE("ids of jobs and runs are never taken for each other", "[state]") {
    CHECK(job_name(7) == "7");
    CHECK(run_name(7) == "r7");
    CHECK(parse_job_name("7") == 7);
    CHECK(parse_run_name("r7") == 7);
    for (const char* text : {"", "r7", "0", "-1", "+1", "7 ", "7x", "99999999999999999999"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_job_name(text));
    }
    for (const char* text : {"", "7", "r", "r0", "rr7", "R7", "latest"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_run_name(text));
    }
}

TEST_CASE("the jobs of a run that is built anew go with all that was known of them", "[state][ledger]") {
    ledger_fixture f;
    const auto run = f.add_open_run();
    const auto id = f.add_job(run);
    f.l->requests().end_all(id, outcome::cancelled, "cancelled while the run was built"); // tallies know it
    f.l->jobs().remove_of_run(run);
    CHECK_FALSE(f.l->jobs().find(id));
    CHECK(f.l->jobs().of_run(run).empty());
    CHECK(f.l->requests().tallies(id).requests.empty());
    CHECK(f.l->history_of_job(id).empty());
}

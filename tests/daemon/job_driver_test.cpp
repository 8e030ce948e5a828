// Turns: what is recorded before, between and after effects.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/driver_fixture.hpp"

using namespace enrichd;
using namespace enrichd::test;
namespace event = enrichd::job::event;

TEST_CASE("turns lead a job through its whole life, one effect a turn", "[job_driver]") {
    driver_fixture f;
    const auto step = [&](event::any e, const char* effect, const char* state) {
        CAPTURE(effect);
        f.world.then(std::move(e));
        f.turn();
        CHECK(f.world.asked.back() == effect);
        CHECK(f.state() == state);
        f.now.now += 1000;
    };
    step(event::file_uploaded{"file-1"}, "upload", "uploaded");
    step(event::batch_created{"batch_1", noon / 1000}, "create_batch", "submitted");
    step(event::batch_seen{batch(batch_status::in_progress)}, "poll", "polling");
    step(event::batch_seen{batch(batch_status::completed)}, "poll", "polling");
    CHECK(f.job(f.id).waiting.due_ms <= f.now.now); // fetched at once
    step(event::results_fetched{true, false}, "fetch", "fetched");
    step(event::slice_merged{{job::merge_cursor::part::rest, 0, 1}}, "merge", "fetched");
    step(event::all_merged{}, "merge", "merged");
    CHECK(f.job(f.id).ended_ms);
    CHECK(f.l->runs().find(f.job(f.id).plan.run_id)->waiting.due_ms == noon + 6000); // its run is due

    f.turn(); // an ended job owes nothing
    CHECK(f.world.asked.size() == 7);
    std::vector<std::string> states;
    for (const auto& h : f.l->history_of_job(f.id))
        states.push_back(h.to_state);
    CHECK(states == std::vector<std::string>{"built", "intent_upload", "uploaded", "intent_submit",
                                             "submitted", "polling", "fetched", "merged"});
}

TEST_CASE("an intent is durable before the call that cannot be repeated", "[job_driver]") {
    driver_fixture f;
    const auto name = submission_id(f.l->installation(), f.job(f.id), 1);
    std::string seen;
    f.world.meanwhile = [&] { seen = job::name(f.open()->jobs().find(f.id)->state); };
    f.turn_that_dies();
    CHECK(seen == "intent_upload"); // another reader of the file sees it while the call goes on
    CHECK(std::get<job::intent_upload>(f.world.rows.back().state).submission == name);

    f.put(f.id, job::uploaded{"file-1", ""});
    f.turn_that_dies();
    CHECK(seen == "intent_submit");
    CHECK(std::get<job::intent_submit>(f.world.rows.back().state).submission == name);
    CHECK(std::get<job::intent_submit>(f.world.rows.back().state).since_ms == noon);
    CHECK(f.job(f.id).submissions == 1);
}

TEST_CASE("after a crash the same file leads to the effect that is safe", "[job_driver]") {
    const struct {
        job::state left;
        const char* first;   // what the turn that dies was doing
        const char* resumes; // what the next daemon does
    } cases[] = {
        {job::built{}, "upload", "find_file"},
        {job::intent_upload{"s"}, "find_file", "find_file"},
        {job::uploaded{"file-1", ""}, "create_batch", "find_batch"},
        {job::intent_submit{"s", "file-1", noon}, "find_batch", "find_batch"},
        {job::submit_unknown{"s", "file-1", noon, 1}, "find_batch", "find_batch"},
        {job::submitted{"s", "file-1", "batch_1", noon / 1000}, "poll", "poll"},
        {enrichd::test::one_of_each_state()[7], "merge", "merge"},
    };
    for (const auto& c : cases) {
        CAPTURE(job::name(c.left));
        driver_fixture f;
        if (!std::holds_alternative<job::built>(c.left)) f.put(f.id, c.left);
        f.turn_that_dies();
        f.restart();
        f.turn_that_dies();
        CHECK(f.world.asked == std::vector<std::string>{c.first, c.resumes});
    }
}

TEST_CASE("a crash before the slice is recorded merges the same slice again", "[job_driver]") {
    driver_fixture f;
    auto s = std::get<job::fetched>(enrichd::test::one_of_each_state()[7]);
    f.put(f.id, s);
    f.turn_that_dies();
    f.restart();
    CHECK(std::get<job::fetched>(f.job(f.id).state).next == s.next);
}

TEST_CASE("a slice's outcomes, money and cursor are recorded together", "[job_driver]") {
    driver_fixture f;
    f.put(f.id, enrichd::test::one_of_each_state()[7]);
    slice_record slice;
    const auto key = "e-" + std::to_string(f.id) + "-0";
    slice.requests = {{0, outcome::ok, 200, ""}};
    slice.rows = {{0, key, outcome::ok, ""}};
    slice.used = {100, 0, 20, 0};
    slice.actual = money{777};
    slice.released = money{picodollars_per_dollar / 100};
    slice.strays = 1;
    const job::merge_cursor next{job::merge_cursor::part::rest, 0, 6};
    f.world.answers.push_back(effect_done{event::slice_merged{next}, "", slice});
    f.turn();
    f.restart();
    CHECK(std::get<job::fetched>(f.job(f.id).state).next == next);
    CHECK(f.l->requests().tallies(f.id).rows == outcome_tallies::counts{{outcome::ok, 1}});
    CHECK(f.job(f.id).actual == money{777});
    CHECK(f.job(f.id).strays == 1);
    CHECK(f.l->jobs().open_bound(f.job(f.id).plan.run_id) == money{2 * picodollars_per_dollar / 100});
}

TEST_CASE("a turn whose job was changed by another writes nothing of its slice", "[job_driver]") {
    driver_fixture f;
    f.put(f.id, enrichd::test::one_of_each_state()[7]);
    slice_record slice;
    slice.requests = {{0, outcome::ok, 200, ""}};
    // An effect that answers with an event that its state does not accept, as one that comes too late would.
    f.world.answers.push_back(effect_done{event::batch_created{"batch_2", 1}, "", slice});
    f.turn();
    CHECK(f.state() == "fetched");
    CHECK(f.l->requests().tallies(f.id).requests.empty());
    CHECK(f.job(f.id).waiting.cause == errc::internal);
    CHECK(f.job(f.id).waiting.reason.find("does not accept") != std::string::npos);
}

TEST_CASE("what cannot be done now is tried again, each time later, and then forgotten", "[job_driver]") {
    driver_fixture f;
    f.put(f.id, f.running());
    std::int64_t last = 0;
    for (int n = 1; n <= 12; ++n) {
        f.world.then_postpone("502 Bad Gateway");
        f.turn();
        CHECK(f.state() == "polling");
        CHECK(f.job(f.id).waiting.failures == n);
        CHECK(f.job(f.id).waiting.reason == "502 Bad Gateway");
        CHECK(*f.wait_ms() >= last);
        CHECK(*f.wait_ms() <= 300'000);
        last = *f.wait_ms();
        f.restart();
    }
    CHECK(f.job(f.id).waiting_since_ms == noon);
    f.world.then(event::batch_seen{batch(batch_status::in_progress)});
    f.turn();
    CHECK(f.job(f.id).waiting.failures == 0);
    CHECK(f.job(f.id).waiting.reason.empty());
    CHECK_FALSE(f.job(f.id).waiting_since_ms);
}

TEST_CASE("the wait that the server asked for is kept", "[job_driver]") {
    driver_fixture f;
    f.put(f.id, f.running());
    f.world.answers.push_back(effect_postponed{{errc::provider_busy, "429", std::chrono::minutes(7)}});
    f.turn();
    CHECK(f.wait_ms() == 7 * 60'000);
}

TEST_CASE("a goal that is reached waits for a person, and is not due", "[job_driver]") {
    driver_fixture f;
    f.l->jobs().start_run(f.job(f.id).plan.run_id, job::goal::built, noon);
    f.turn();
    CHECK_FALSE(f.wait_ms());
    f.put(f.id, enrichd::test::one_of_each_state()[7]);
    f.wish(job::goal::fetched, job::cancel_reason::none);
    f.turn();
    CHECK_FALSE(f.wait_ms());
    CHECK(f.world.asked.empty());
}

TEST_CASE("a pause holds back what begins something, and lets the rest go on", "[job_driver]") {
    const struct {
        std::size_t state;
        bool held;
    } cases[] = {{0, true},  {1, false}, {2, true},  {3, false},
                 {4, false}, {5, false}, {6, false}, {7, false}};
    for (const auto& c : cases) {
        const auto s = enrichd::test::one_of_each_state()[c.state];
        CAPTURE(job::name(s));
        driver_fixture f;
        if (c.state > 0) f.put(f.id, s);
        f.l->set_paused(true);
        f.world.then_postpone("later");
        f.turn();
        CHECK(f.world.asked.empty() == c.held);
        CHECK((f.job(f.id).waiting.reason == "paused") == c.held);
        CHECK(f.wait_ms().has_value() != c.held);
        CHECK(f.state() == job::name(s));
    }
}

TEST_CASE("a job that fails ends its requests with the reason", "[job_driver]") {
    driver_fixture f;
    f.put(f.id, job::uploaded{"file-1", ""});
    f.world.then(event::batch_refused{"invalid endpoint"});
    f.turn();
    f.restart();
    CHECK(f.state() == "failed");
    CHECK(f.l->requests().tallies(f.id).requests == outcome_tallies::counts{{outcome::cancelled, 3}});
    CHECK(f.l->failures().causes(f.id, 10).at(0).reason == "invalid endpoint");
    CHECK(f.l->runs().find(f.job(f.id).plan.run_id)->waiting.due_ms == noon);
    CHECK(f.l->totals().reserved == money{0});
}

TEST_CASE("a turn of a job that does not exist does nothing", "[job_driver]") {
    driver_fixture f;
    f.id = 999;
    f.turn();
    CHECK(f.world.asked.empty());
}

// SPDX-License-Identifier: Apache-2.0
#include "daemon/job_driver.hpp"

#include "tests/support/await.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/ledger_fixture.hpp"
#include "tests/support/manual_clock.hpp"

#include <boost/asio/io_context.hpp>

#include <deque>
#include <functional>

using namespace enrichd;
using enrichd::test::ledger_fixture;
using enrichd::test::manual_clock;
using enrichd::test::noon;
namespace event = enrichd::job::event;

namespace {

constexpr std::int64_t hour = 3'600'000;

// The machine died in the middle of an effect.
struct died {};

// Answers effects in the order that the test wrote down, and notes what was asked for.
struct scripted_effects final : effects {
    std::deque<effect_outcome> answers;
    std::vector<std::string> asked;
    std::vector<job_row> rows;               ///< as the effects got them
    std::function<void()> meanwhile = [] {}; ///< what others do while an effect goes on

    boost::asio::awaitable<effect_outcome> perform(job::effect::any what, job_row row) override {
        asked.emplace_back(job::effect::name(what));
        rows.push_back(row);
        meanwhile();
        if (answers.empty()) throw died{};
        auto next = std::move(answers.front());
        answers.pop_front();
        co_return next;
    }

    void then(event::any e, std::string detail = {}) {
        answers.push_back(effect_done{std::move(e), std::move(detail), {}});
    }
    void then_postpone(std::string why, errc code = errc::provider_busy) {
        answers.push_back(effect_postponed{{code, std::move(why)}});
    }
};

batch_object batch(batch_status status) {
    batch_object b;
    b.id = "batch_1";
    b.status = status;
    b.created_at = noon / 1000;
    return b;
}

struct driver_fixture : ledger_fixture {
    boost::asio::io_context loop;
    manual_clock now{noon};
    scripted_effects world;
    std::unique_ptr<job_driver> driver = make();
    std::int64_t id = add_job(add_open_run());

    std::unique_ptr<job_driver> make() {
        auto d = std::make_unique<job_driver>(*l, world, now, [] { return 0.5; });
        d->set_rules(
            {{milliseconds(5000), milliseconds(60'000)}, {10, 30, 120, 600}, std::chrono::hours(26)});
        return d;
    }
    // kill -9, and a new daemon on the same file.
    void restart() {
        driver.reset();
        reopen();
        driver = make();
    }
    void turn() {
        enrichd::tests::await(loop, [](job_driver& d, std::int64_t job) -> boost::asio::awaitable<bool> {
            co_await d.take_turn(job);
            co_return true;
        }(*driver, id));
    }
    // A turn that dies in its effect.
    void turn_that_dies() { CHECK_THROWS_AS(turn(), died); }

    std::string state() { return std::string(job::name(job(id).state)); }
    void wish(job::goal until, job::cancel_reason cancel) {
        l->jobs().wish(job(id), {until, cancel}, "test", now.now);
    }
    std::optional<std::int64_t> wait_ms() {
        const auto due = job(id).waiting.due_ms;
        return due ? std::optional(*due - now.now) : std::nullopt;
    }
    job::polling running() const {
        auto p = std::get<job::polling>(enrichd::test::one_of_each_state()[6]);
        p.cancel_sent = false;
        return p;
    }
};

} // namespace

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
    const auto name = submission_id(f.l->installation(), f.id, 1);
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
              submission_id(f.l->installation(), f.id, n));
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
    const auto name = submission_id(f.l->installation(), f.id, 1);
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

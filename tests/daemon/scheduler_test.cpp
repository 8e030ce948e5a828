// What is due is begun, and a clock that is set moves it.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/scheduler.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/ledger_fixture.hpp"
#include "tests/support/manual_clock.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <optional>
#include <stdexcept>
#include <vector>

using namespace enrichd;
using namespace enrichd::test;

namespace {

// Sleeps until the test says that it is over.
struct held_alarm final : enrichd::alarm {
    explicit held_alarm(boost::asio::io_context& l) : loop(l) {}
    boost::asio::awaitable<void> sleep_until(std::int64_t due_ms) override {
        due = due_ms;
        while (!rung)
            co_await boost::asio::post(loop, boost::asio::use_awaitable);
        rung = false;
        due.reset();
    }
    void ring() override { rung = true; }

    boost::asio::io_context& loop;
    std::optional<std::int64_t> due; ///< what is slept for
    bool rung = false;
};

struct scheduler_fixture : ledger_fixture {
    boost::asio::io_context loop;
    manual_clock wall{noon};
    paced_clock paced{wall};
    held_alarm bell{loop};
    std::vector<std::int64_t> turns;
    bool fails = false;
    scheduler s{loop.get_executor(),
                *l,
                paced,
                bell,
                {[this](std::int64_t id) { return turn(id); }, [this](std::int64_t id) { return turn(id); },
                 [this] { return sweep(); }},
                [this](std::exception_ptr e) { failed += e ? 1 : 0; }};
    int failed = 0; ///< turns
    int sweeps = 0;

    boost::asio::awaitable<void> turn(std::int64_t id) {
        turns.push_back(id);
        if (fails) throw std::runtime_error("a turn failed, as the test wants");
        l->jobs().postpone(job(id), {paced.now_ms() + 5000, 0, ""}, paced.now_ms());
        co_return;
    }
    void owe_chore(std::int64_t due_ms) { l->chores().owe({chore::find_twins, "7", 0, due_ms, 0}); }
    boost::asio::awaitable<void> sweep() {
        ++sweeps;
        if (fails) throw std::runtime_error("a sweep failed, as the test wants");
        l->chores().done(l->chores().due(paced.now_ms()).value());
        co_return;
    }
    void begin() {
        boost::asio::co_spawn(loop, s.run(), [](std::exception_ptr e) {
            if (e) std::rethrow_exception(e);
        });
        settle();
    }
    // Until nothing moves but the sleep.
    void settle() {
        for (int i = 0; i < 50; ++i)
            loop.poll_one();
    }
    void pass(std::int64_t ms) {
        wall.now += ms;
        bell.ring();
        settle();
    }
    std::int64_t due(std::int64_t id) { return job(id).waiting.due_ms.value(); }
};

} // namespace

TEST_CASE_METHOD(scheduler_fixture, "a job that is due has its turn, and the sleep is for the next",
                 "[scheduler]") {
    const auto id = add_job(add_open_run());
    l->jobs().postpone(job(id), {noon, 0, ""}, noon);
    begin();
    CHECK(turns == std::vector{id});
    CHECK(bell.due == noon + 5000);
    pass(4999);
    CHECK(turns.size() == 1);
    pass(1);
    CHECK(turns.size() == 2);
}

TEST_CASE_METHOD(scheduler_fixture, "a wait is as long as it was meant to be, however the wall clock is set",
                 "[scheduler]") {
    const std::int64_t step = GENERATE(-3'600'000LL, -1'700'000'000'000LL, 3'600'000LL, 315'000'000'000LL);
    CAPTURE(step);
    const auto id = add_job(add_open_run());
    l->jobs().postpone(job(id), {noon + 5000, 0, ""}, noon);
    begin();
    wall.step(step);
    pass(1000);
    CHECK(turns.empty());
    CHECK(due(id) == noon + step + 5000);
    CHECK(bell.due == noon + step + 5000);
    pass(3999);
    CHECK(turns.empty());
    pass(1);
    CHECK(turns == std::vector{id});
    CHECK(due(id) == noon + step + 10'000);
}

TEST_CASE_METHOD(scheduler_fixture, "a chore that is due has its turn, and is moved with the clock",
                 "[scheduler]") {
    owe_chore(noon + 5000);
    begin();
    CHECK(bell.due == noon + 5000);
    wall.step(3'600'000);
    pass(4999);
    CHECK(sweeps == 0);
    CHECK(bell.due == noon + 3'600'000 + 5000);
    pass(1);
    CHECK(sweeps == 1);
    CHECK(s.idle());
    CHECK_FALSE(l->chores().next_due());
    CHECK(turns.empty());
}

TEST_CASE_METHOD(scheduler_fixture, "chores that end early rest, and jobs go on meanwhile", "[scheduler]") {
    owe_chore(noon);
    fails = true;
    begin();
    CHECK(sweeps == 1);
    CHECK(failed == 1);
    fails = false;
    const auto id = add_job(add_open_run());
    l->jobs().postpone(job(id), {noon + 1000, 0, ""}, noon);
    pass(4999);
    CHECK(turns == std::vector{id});
    CHECK(sweeps == 1);
    pass(1);
    CHECK(sweeps == 2);
}

TEST_CASE_METHOD(scheduler_fixture, "a clock that is slewed moves nothing", "[scheduler]") {
    const auto id = add_job(add_open_run());
    l->jobs().postpone(job(id), {noon + 100'000, 0, ""}, noon);
    begin();
    for (int i = 0; i < 10; ++i) {
        wall.step(-500);
        pass(1000);
    }
    CHECK(due(id) == noon + 100'000);
}

TEST_CASE_METHOD(scheduler_fixture, "a turn that ends early is taken again, and not at once", "[scheduler]") {
    const auto id = add_job(add_open_run());
    l->jobs().postpone(job(id), {noon, 0, ""}, noon);
    fails = true;
    begin();
    CHECK(turns.size() == 1);
    CHECK(bell.due == noon + 5000);
    CHECK_FALSE(s.idle());
    CHECK(failed == 1);
    wall.step(-3'600'000); // its rest is not of the wall clock either
    pass(4999);
    CHECK(turns.size() == 1);
    pass(1);
    CHECK(turns.size() == 2);
}

TEST_CASE_METHOD(ledger_fixture,
                 "at start, what a clock that ran ahead made due is due within the longest wait",
                 "[scheduler]") {
    const longest_waits waits{60'000, 600'000, 3'600'000, 80'000'000};
    const auto run = add_open_run();
    const auto far = noon + 86'400'000;
    const auto due_of = [&](const job::state& s, std::int64_t due, std::int64_t failures) {
        const auto id = add_job(run);
        put(id, s, {due, failures, ""});
        return id;
    };
    const auto states = one_of_each_state();
    const auto looked_for = due_of(states[4], far, 0);
    const auto polled = due_of(states[6], far, 0);
    const auto failing = due_of(states[6], noon + 3'000'000, 7);
    const auto refused = due_of(states[2], far, 1);
    const auto soon = due_of(states[6], noon + 60'000, 0);
    l->runs().postpone(run, {far, 0, ""}, noon);
    l->chores().owe({chore::find_twins, "7", 0, far, 0});
    l->chores().owe({chore::sweep_files, "", 0, far, 0});
    CHECK(l->pull_in_due_times(noon, waits) == 6);
    CHECK(l->chores().next_due() == noon + 3'600'000);
    l->chores().done({chore::find_twins, "7", 0, noon + 3'600'000, 0});
    CHECK(l->chores().next_due() == noon + 80'000'000);
    CHECK(job(looked_for).waiting.due_ms == noon + 600'000);
    CHECK(job(polled).waiting.due_ms == noon + 60'000);
    CHECK(job(failing).waiting.due_ms == noon + 3'000'000);
    CHECK(job(refused).waiting.due_ms == noon + 3'600'000);
    CHECK(job(soon).waiting.due_ms == noon + 60'000);
    CHECK(l->runs().find(run)->waiting.due_ms == noon + 3'600'000);
    CHECK(l->pull_in_due_times(noon, waits) == 0);
}

// The kernel's timers as the scheduler's sleep. The machine's clock is never set here: that a step moves what
// is due is the scheduler's test.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/alarm.hpp"

#include "daemon/clock.hpp"
#include "tests/support/await.hpp"
#include "tests/support/catch.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <limits>

using namespace enrichd;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

boost::asio::awaitable<std::int64_t> nap(enrichd::alarm& a, std::int64_t due_ms) {
    const system_clock clock;
    const auto begin = clock.boot_ms();
    co_await a.sleep_until(due_ms);
    co_return clock.boot_ms() - begin;
}

boost::asio::awaitable<std::int64_t> ring_and_nap(enrichd::alarm& a, std::int64_t due_ms) {
    a.ring();
    co_return co_await nap(a, due_ms);
}

} // namespace

TEST_CASE("an alarm sleeps until the wall clock reads what is due", "[alarm]") {
    boost::asio::io_context loop;
    system_alarm a(loop.get_executor());
    const auto due = system_clock().now_ms() + 50;
    tests::await(loop, nap(a, due));
    CHECK(system_clock().now_ms() >= due);
}

TEST_CASE("what was due in the past wakes at once, however long ago", "[alarm]") {
    boost::asio::io_context loop;
    system_alarm a(loop.get_executor(), 24h);
    for (const std::int64_t due : {std::int64_t{0}, std::int64_t{-5}, system_clock().now_ms() - 1})
        tests::await(loop, nap(a, due)); // would hang
}

TEST_CASE("no sleep is longer than the longest, whatever the wall clock reads", "[alarm]") {
    boost::asio::io_context loop;
    system_alarm a(loop.get_executor(), 30ms);
    CHECK(tests::await(loop, nap(a, never)) >= 29);
    CHECK(tests::await(loop, nap(a, system_clock().now_ms() + 86'400'000)) >= 29);
}

TEST_CASE("a ring ends the sleep, and one that came before it is not lost", "[alarm]") {
    boost::asio::io_context loop;
    system_alarm a(loop.get_executor(), 24h);
    boost::asio::post(loop, [&] { a.ring(); });
    tests::await(loop, nap(a, never)); // would hang
    tests::await(loop, ring_and_nap(a, never));
    a.ring();
    tests::await(loop, nap(a, never));
}

TEST_CASE("a paced clock keeps its line of time until it follows a step", "[alarm]") {
    struct wall final : enrichd::clock {
        std::int64_t now_ms() const override { return now; }
        std::int64_t boot_ms() const override { return boot; }
        std::int64_t now = 1'000'000;
        std::int64_t boot = 10;
    } w;
    paced_clock c(w);
    CHECK(c.now_ms() == 1'000'000);
    w.now -= 3000;
    w.boot += 500; // half a second later, and set back by three and a half
    CHECK(c.now_ms() == 1'000'500);
    CHECK(c.lag_ms() == -3500);
    c.follow();
    CHECK(c.now_ms() == 997'000);
    CHECK(c.lag_ms() == 0);
}

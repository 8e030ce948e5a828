// SPDX-License-Identifier: Apache-2.0
#include "daemon/with_timeout.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/scripted_server.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

using namespace enrichd;
using namespace std::chrono_literals;

namespace {

boost::asio::awaitable<result<int>> seven() {
    co_return 7;
}

boost::asio::awaitable<result<int>> refuses() {
    co_return error{errc::not_found, "no such thing"};
}

boost::asio::awaitable<result<int>> throws() {
    throw std::runtime_error("a bug");
    co_return 0;
}

// Waits for ever, and tells when it has gone.
boost::asio::awaitable<result<int>> waits_for_ever(bool& gone) {
    struct farewell {
        bool& gone;
        ~farewell() { gone = true; }
    } at_end{gone};
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor,
                                    boost::asio::steady_timer::time_point::max());
    co_await timer.async_wait(boost::asio::use_awaitable);
    co_return 0;
}

} // namespace

TEST_CASE("what ends in time is returned as it is", "[with_timeout]") {
    boost::asio::io_context io;
    CHECK(test::run(io, with_timeout(10s, "x", seven())).value() == 7);
    CHECK(test::run(io, with_timeout(std::nullopt, "x", seven())).value() == 7);
    CHECK(test::run(io, with_timeout(10s, "x", refuses())).error().code == errc::not_found);
}

TEST_CASE("what does not end in time is cancelled, and has ended when the error is here", "[with_timeout]") {
    boost::asio::io_context io;
    bool gone = false;
    auto r = test::run(io, with_timeout(5ms, "waiting for nothing", waits_for_ever(gone)));
    REQUIRE_FALSE(r);
    CHECK(r.error().code == errc::timed_out);
    CHECK(r.error().detail == "waiting for nothing: not done within 5ms");
    CHECK(gone);
}

TEST_CASE("without any time left nothing is begun", "[with_timeout]") {
    boost::asio::io_context io;
    bool gone = false;
    CHECK(test::run(io, with_timeout(0ms, "x", waits_for_ever(gone))).error().code == errc::timed_out);
    CHECK_FALSE(gone);
}

TEST_CASE("an exception passes through at once, not at the deadline", "[with_timeout]") {
    boost::asio::io_context io;
    CHECK_THROWS_AS(test::run(io, with_timeout(1h, "x", throws())), std::runtime_error);
}

TEST_CASE("a cancelled caller gets errc::cancelled", "[with_timeout]") {
    boost::asio::io_context io;
    boost::asio::cancellation_signal stop;
    bool gone = false;
    std::optional<result<int>> got;
    boost::asio::co_spawn(
        io, with_timeout(1h, "x", waits_for_ever(gone)),
        boost::asio::bind_cancellation_slot(
            stop.slot(), [&](std::exception_ptr, result<int> r) { got.emplace(std::move(r)); }));
    io.poll();
    stop.emit(boost::asio::cancellation_type::terminal);
    while (!got)
        io.run_one();
    REQUIRE_FALSE(*got);
    CHECK(got->error().code == errc::cancelled);
    CHECK(gone);
}

// SPDX-License-Identifier: Apache-2.0
#include "daemon/on_pool.hpp"

#include "core/error.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/scripted_server.hpp"

#include <boost/asio/thread_pool.hpp>

#include <thread>

using namespace enrichd;

namespace {

struct threads_seen {
    std::thread::id work;
    std::thread::id after;
};

boost::asio::awaitable<threads_seen> look(boost::asio::any_io_executor pool) {
    threads_seen seen;
    co_await on_pool(pool, [&] { seen.work = std::this_thread::get_id(); });
    seen.after = std::this_thread::get_id();
    co_return seen;
}

} // namespace

TEST_CASE("work is done on the pool, and what follows it on the loop again", "[on_pool]") {
    boost::asio::io_context io;
    boost::asio::thread_pool pool(1);
    const auto seen = test::run(io, look(pool.get_executor()));
    CHECK(seen.work != std::this_thread::get_id());
    CHECK(seen.after == std::this_thread::get_id());
}

TEST_CASE("what the work returns or throws arrives at the caller", "[on_pool]") {
    boost::asio::io_context io;
    boost::asio::thread_pool pool(1);
    CHECK(test::run(io, on_pool(pool.get_executor(), [] { return std::string("done"); })) == "done");
    auto fails = []() -> int { throw fatal_error(errc::io, "disk gone"); };
    CHECK_THROWS_AS(test::run(io, on_pool(pool.get_executor(), fails)), fatal_error);
}

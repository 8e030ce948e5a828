// The world as a machine sees it that can die before and after everything that it does.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/provider/provider.hpp"
#include "daemon/target/target.hpp"
#include "tests/faults/sim/fail_points.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <memory>

struct sqlite3;

namespace enrichd::faults {

/// A loop that can be killed: every coroutine in it is dropped where it stands, and nothing more happens.
class mortal_loop : public boost::asio::io_context {
public:
    mortal_loop() : io_context(1) {}
    void kill() { shutdown(); }
};

/// Never comes back where the machine dies. The loop must not go on then.
boost::asio::awaitable<void> pass(fate& f, const fail_point& p, moment when);

/// A call between its two points.
template <class T>
boost::asio::awaitable<T> pass_through(fate& f, const fail_point& p, boost::asio::awaitable<T> call) {
    co_await pass(f, p, moment::before);
    auto came_of_it = co_await std::move(call);
    co_await pass(f, p, moment::after);
    co_return came_of_it;
}

/// A function that the interface gains does not compile here until it has a fail point.
std::shared_ptr<provider::client> make_mortal(fate& f, provider::client& inner);
std::shared_ptr<target::database> make_mortal(fate& f, target::database& inner);

/// The points of each commit of a database: before it the transaction is rolled back, after it the commit is
/// durable and the caller does not learn of it. A dead machine commits nothing.
void make_mortal(fate& f, sqlite3* db);

/// The points of the spool: files and folders made durable, and files renamed into place. The program's own
/// fsync() and rename() take the place of the C library's; there is one fate at a time.
class mortal_disk {
public:
    explicit mortal_disk(fate& f);
    ~mortal_disk();
    mortal_disk(const mortal_disk&) = delete;
    mortal_disk& operator=(const mortal_disk&) = delete;
};

} // namespace enrichd::faults

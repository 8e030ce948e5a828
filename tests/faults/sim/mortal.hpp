// The world as a machine sees it that can die before and after everything that it does.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/provider/provider.hpp"
#include "daemon/target/target.hpp"
#include "tests/faults/sim/fail_points.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <functional>
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
class mortal_ledger {
public:
    /// `committed`: asked after each commit, with the pages of the log. SQLite's automatic checkpoint, and
    /// ours, give way to it.
    mortal_ledger(fate& f, sqlite3* db, std::function<void(int)> committed);
    mortal_ledger(const mortal_ledger&) = delete;
    mortal_ledger& operator=(const mortal_ledger&) = delete;

    /// The log moves into the file when the database is closed. A crash leaves it as it is.
    void stop_cleanly();

private:
    static int before_commit(void* self);
    static int after_commit(void* self, sqlite3* db, const char* name, int pages);

    fate& fate_;
    sqlite3* db_;
    std::function<void(int)> committed_;
};

/// The points of the spool: files and folders made durable, and files renamed into place. disk_calls.cpp asks
/// at each; there is one fate at a time.
class mortal_disk {
public:
    explicit mortal_disk(fate& f);
    ~mortal_disk();
    mortal_disk(const mortal_disk&) = delete;
    mortal_disk& operator=(const mortal_disk&) = delete;

    static bool dies_syncing(int fd, moment when);
    static bool dies_renaming(const char* to, moment when);
};

} // namespace enrichd::faults

// Tells waiters that something of a job or run has changed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>

namespace enrichd {

/// A counter that coroutines can wait for. It says that there is news, never what: waiters look in the
/// ledger. For the loop's thread alone.
class change_signal {
public:
    explicit change_signal(const boost::asio::any_io_executor& loop);

    void bump();
    /// Shutdown: every waiter, and every later one, ends with errc::cancelled.
    void close();

    /// Waits until the version is larger than `version`; returns it. The first version is 1, so that a waiter
    /// who has seen nothing (0) is answered at once. Ends with errc::cancelled if its coroutine is cancelled.
    boost::asio::awaitable<result<std::uint64_t>> changed(std::uint64_t version);

private:
    boost::asio::steady_timer news_; ///< never expires: a change cancels its waits
    std::uint64_t version_ = 1;
    bool closed_ = false;
};

} // namespace enrichd

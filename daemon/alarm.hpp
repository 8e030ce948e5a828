// Sleep until something is due. An input, so that simulations can let a day pass in a moment.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <chrono>
#include <cstdint>

namespace enrichd {

/// For one sleeper, on the loop's thread.
class alarm {
public:
    virtual ~alarm() = default;

    /// Returns when the wall clock reads `due_ms` (UTC milliseconds; the past returns at once), when a minute
    /// has passed, when the wall clock was stepped, or when it is rung, whichever comes first. A ring that
    /// came before is not lost.
    virtual boost::asio::awaitable<void> sleep_until(std::int64_t due_ms) = 0;
    virtual void ring() = 0;
};

/// Two kernel timers. One follows the wall clock and tells at once of its steps; the other measures the
/// longest sleep in boot time, which goes on in suspend and which nobody steps: whatever happens to the wall
/// clock, a sleep is never stretched. See timerfd_create(2), TFD_TIMER_CANCEL_ON_SET.
class system_alarm final : public alarm {
public:
    /// Throws fatal_error if the kernel has no timers for us.
    explicit system_alarm(const boost::asio::any_io_executor& loop,
                          std::chrono::milliseconds longest = std::chrono::minutes(1));

    boost::asio::awaitable<void> sleep_until(std::int64_t due_ms) override;
    void ring() override;

private:
    boost::asio::posix::stream_descriptor wall_;
    boost::asio::posix::stream_descriptor boot_;
    std::chrono::milliseconds longest_;
    bool rung_ = false;
};

} // namespace enrichd

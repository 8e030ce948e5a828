// SPDX-License-Identifier: Apache-2.0
#include "daemon/alarm.hpp"

#include "core/error.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/timerfd.h>
#include <unistd.h>
#include <utility>

namespace enrichd {

namespace asio = boost::asio;

namespace {

asio::posix::stream_descriptor make_timer(const asio::any_io_executor& loop, clockid_t clock) {
    const int fd = timerfd_create(clock, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd < 0) throw fatal_error(errc::io, fmt::format("cannot make a timer: {}", std::strerror(errno)));
    return {loop, fd};
}

// False if the clock was stepped while the timer was armed before: the kernel tells it once, by ECANCELED.
bool arm(int fd, int flags, std::int64_t ms) {
    std::uint64_t expirations = 0;
    const bool stepped =
        read(fd, &expirations, sizeof expirations) < 0 && errno == ECANCELED; // and what it told is forgotten
    itimerspec when{};
    when.it_value.tv_sec = ms / 1000;
    when.it_value.tv_nsec = ms % 1000 * 1'000'000;
    const bool set = timerfd_settime(fd, flags, &when, nullptr) == 0;
    if (!set && errno != ECANCELED)
        throw fatal_error(errc::io, fmt::format("cannot set a timer: {}", std::strerror(errno)));
    return set && !stepped;
}

asio::awaitable<void> wait_for(asio::posix::stream_descriptor& timer) {
    boost::system::error_code woken; // by time, a step of the clock, or ring()
    co_await timer.async_wait(asio::posix::stream_descriptor::wait_read,
                              asio::redirect_error(asio::use_awaitable, woken));
}

} // namespace

system_alarm::system_alarm(const asio::any_io_executor& loop, std::chrono::milliseconds longest)
    : wall_(make_timer(loop, CLOCK_REALTIME)), boot_(make_timer(loop, CLOCK_BOOTTIME)), longest_(longest) {}

asio::awaitable<void> system_alarm::sleep_until(std::int64_t due_ms) {
    using namespace asio::experimental::awaitable_operators;
    // A time of zero would disarm a timer; the past, however long ago, is the first millisecond.
    const auto due = std::max<std::int64_t>(due_ms, 1);
    const bool steady = arm(wall_.native_handle(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, due);
    arm(boot_.native_handle(), 0, std::max<std::int64_t>(longest_.count(), 1));
    if (steady && !rung_) co_await (wait_for(wall_) || wait_for(boot_));
    rung_ = false;
}

void system_alarm::ring() {
    rung_ = true;
    wall_.cancel();
    boot_.cancel();
}

} // namespace enrichd

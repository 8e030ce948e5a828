// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/sim/virtual_time.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace enrichd::faults {

namespace asio = boost::asio;

namespace {

// Takes a sleeper off the list when its coroutine goes on, or is dropped with its machine.
class bed {
public:
    bed(std::multimap<std::int64_t, asio::steady_timer*>& all, std::int64_t until, asio::steady_timer& timer,
        asio::steady_timer** bell)
        : all_(all), timer_(&timer), bell_(bell) {
        all_.emplace(until, timer_);
        if (bell_) *bell_ = timer_;
    }
    ~bed() {
        std::erase_if(all_, [this](const auto& s) { return s.second == timer_; });
        if (bell_) *bell_ = nullptr;
    }
    bed(const bed&) = delete;
    bed& operator=(const bed&) = delete;

private:
    std::multimap<std::int64_t, asio::steady_timer*>& all_;
    asio::steady_timer* timer_;
    asio::steady_timer** bell_;
};

} // namespace

asio::awaitable<void> virtual_time::sleep_until(std::int64_t ms, asio::steady_timer** bell) {
    asio::steady_timer timer(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
    const bed in(sleepers_, std::max(ms, now_ms_), timer, bell);
    boost::system::error_code woken;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, woken));
}

std::optional<std::int64_t> virtual_time::next() const {
    if (sleepers_.empty()) return std::nullopt;
    return sleepers_.begin()->first;
}

void virtual_time::advance_to(std::int64_t ms) {
    now_ms_ = std::max(now_ms_, ms);
    while (!sleepers_.empty() && sleepers_.begin()->first <= now_ms_) {
        auto* timer = sleepers_.begin()->second;
        sleepers_.erase(sleepers_.begin());
        timer->cancel();
    }
}

asio::awaitable<void> virtual_alarm::sleep_until(std::int64_t due_ms) {
    const auto now = clock_.now_ms();
    const auto wait = due_ms <= now ? 0 : std::min(due_ms - now, longest_ms_);
    if (!rung_) co_await time_.sleep_until(time_.now_ms() + wait, &bell_);
    rung_ = false;
}

void virtual_alarm::ring() {
    rung_ = true;
    if (bell_) bell_->cancel();
}

} // namespace enrichd::faults

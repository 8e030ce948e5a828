// Time that passes when nothing else is left to do.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/alarm.hpp"
#include "daemon/clock.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <map>
#include <optional>

namespace enrichd::faults {

/// True time, as the provider's clock has it. It survives the machine's deaths; who sleeps in it does not.
class virtual_time {
public:
    explicit virtual_time(std::int64_t start_ms) : now_ms_(start_ms) {}

    std::int64_t now_ms() const { return now_ms_; }
    boost::asio::awaitable<void> sleep(std::int64_t ms) { return sleep_until(now_ms_ + ms, nullptr); }
    /// `bell`: where the sleeper's timer can be found by who wants to end its sleep; null again afterwards.
    boost::asio::awaitable<void> sleep_until(std::int64_t ms, boost::asio::steady_timer** bell);

    /// When the next sleeper wakes; absent if nobody sleeps.
    std::optional<std::int64_t> next() const;
    /// Wakes everybody whose time has come.
    void advance_to(std::int64_t ms);

private:
    std::int64_t now_ms_;
    std::multimap<std::int64_t, boost::asio::steady_timer*> sleepers_;
};

/// The machine's clocks: the wall clock can be set, as by a person.
class virtual_clock final : public clock {
public:
    explicit virtual_clock(const virtual_time& t) : time_(t) {}
    std::int64_t now_ms() const override { return time_.now_ms() + set_by_; }
    std::int64_t boot_ms() const override { return time_.now_ms(); }
    void set_by(std::int64_t ms) { set_by_ += ms; }

private:
    const virtual_time& time_;
    std::int64_t set_by_ = 0;
};

class virtual_alarm final : public alarm {
public:
    virtual_alarm(virtual_time& t, const virtual_clock& c, std::int64_t longest_ms)
        : time_(t), clock_(c), longest_ms_(longest_ms) {}
    boost::asio::awaitable<void> sleep_until(std::int64_t due_ms) override;
    void ring() override;

private:
    virtual_time& time_;
    const virtual_clock& clock_;
    std::int64_t longest_ms_;
    boost::asio::steady_timer* bell_ = nullptr;
    bool rung_ = false;
};

} // namespace enrichd::faults

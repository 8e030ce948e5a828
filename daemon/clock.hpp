// The clocks, as an input: tests and simulations have their own.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>

namespace enrichd {

class clock {
public:
    virtual ~clock() = default;
    /// The wall clock: UTC milliseconds since 1970. People and time servers step it, forward and back.
    virtual std::int64_t now_ms() const = 0;
    /// Milliseconds since some moment in the past. Nobody steps it, and it goes on while the machine is
    /// suspended.
    virtual std::int64_t boot_ms() const = 0;
};

class system_clock final : public clock {
public:
    std::int64_t now_ms() const override {
        using namespace std::chrono;
        return duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    }
    // Not steady_clock: that one stops in suspend.
    std::int64_t boot_ms() const override {
        timespec t{};
        clock_gettime(CLOCK_BOOTTIME, &t);
        return std::int64_t{t.tv_sec} * 1000 + t.tv_nsec / 1'000'000;
    }
};

/// The wall clock without its steps, until follow() takes them over: all that is written down in between is
/// on one line of time, so that due times can be moved with a step as a whole.
class paced_clock final : public clock {
public:
    /// `wall` outlives it.
    explicit paced_clock(const clock& wall) : wall_(wall), ahead_(ahead()) {}

    std::int64_t now_ms() const override { return wall_.boot_ms() + ahead_; }
    std::int64_t boot_ms() const override { return wall_.boot_ms(); }

    /// How far the wall clock was moved since it was followed last, in milliseconds.
    std::int64_t lag_ms() const { return ahead() - ahead_; }
    /// From now on now_ms() is the wall clock's again.
    void follow() { ahead_ = ahead(); }

private:
    std::int64_t ahead() const { return wall_.now_ms() - wall_.boot_ms(); }

    const clock& wall_;
    std::int64_t ahead_;
};

} // namespace enrichd

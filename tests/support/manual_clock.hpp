// A clock that stands still until it is told to move.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/clock.hpp"

namespace enrichd::test {

struct manual_clock final : enrichd::clock {
    explicit manual_clock(std::int64_t start) : now(start) {}
    std::int64_t now_ms() const override { return now; }
    std::int64_t boot_ms() const override { return now - stepped - begin; }
    /// Somebody sets the wall clock.
    void step(std::int64_t ms) {
        now += ms;
        stepped += ms;
    }
    std::int64_t now;
    std::int64_t stepped = 0;
    std::int64_t begin = now;
};

} // namespace enrichd::test

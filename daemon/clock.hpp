// The wall clock, as an input: tests and simulations have their own.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

namespace enrichd {

class clock {
public:
    virtual ~clock() = default;
    /// UTC milliseconds since 1970.
    virtual std::int64_t now_ms() const = 0;
};

class system_clock final : public clock {
public:
    std::int64_t now_ms() const override {
        using namespace std::chrono;
        return duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    }
};

} // namespace enrichd

// SPDX-License-Identifier: Apache-2.0
#include "core/schedule.hpp"

#include <algorithm>
#include <cmath>

namespace enrichd {

namespace {

milliseconds scaled(milliseconds base, double factor) {
    return milliseconds(std::llround(static_cast<double>(base.count()) * factor));
}

// base * growth^steps, at most `longest`, without overflow however many steps.
milliseconds grown(milliseconds base, double growth, std::int64_t steps, milliseconds longest) {
    const double factor = std::pow(growth, static_cast<double>(std::clamp<std::int64_t>(steps, 0, 60)));
    const double ms =
        std::min(static_cast<double>(base.count()) * factor, static_cast<double>(longest.count()));
    return milliseconds(std::llround(ms));
}

} // namespace

milliseconds poll_wait(const poll_rhythm& rhythm, std::int64_t polls, double random) {
    const auto longest = std::max(rhythm.first, rhythm.longest);
    return scaled(grown(rhythm.first, 1.5, polls, longest), 0.9 + 0.2 * random);
}

milliseconds backoff(std::int64_t failures, std::optional<milliseconds> retry_after, double random) {
    using namespace std::chrono_literals;
    const auto own = scaled(grown(500ms, 2.0, failures - 1, 5min), 0.5 + 0.5 * random);
    if (!retry_after) return own;
    return std::max(own, std::min<milliseconds>(*retry_after, 1h));
}

std::optional<milliseconds> reconcile_wait(const std::vector<double>& schedule_seconds, std::int64_t looks) {
    if (looks < 0 || static_cast<std::size_t>(looks) >= schedule_seconds.size()) return std::nullopt;
    return milliseconds(std::llround(schedule_seconds[static_cast<std::size_t>(looks)] * 1000));
}

milliseconds quota_wait(std::int64_t refusals, double random) {
    using namespace std::chrono_literals;
    return scaled(grown(1min, 2.0, refusals, 15min), 0.9 + 0.2 * random);
}

} // namespace enrichd

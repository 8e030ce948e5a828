// When to try next: pure functions of counters, settings and one random number.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace enrichd {

using milliseconds = std::chrono::milliseconds;

/// The seconds of a setting; what is less than a millisecond is cut off.
constexpr milliseconds from_seconds(double seconds) {
    return milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

struct poll_rhythm {
    milliseconds first{5'000};
    milliseconds longest{60'000};
};

/// The wait before look number `polls` + 1 at a batch: `first`, then half as long again each time up to
/// `longest`, with up to 10 % taken off or added by `random` (in [0, 1)) so that many batches do not beat in
/// step.
milliseconds poll_wait(const poll_rhythm& rhythm, std::int64_t polls, double random);

/// The wait after the n-th failure in a row (n >= 1): 0.5 s doubling to five minutes, full jitter between
/// half and whole; what the server asked for (`retry_after`) counts if it is longer, up to an hour.
milliseconds backoff(std::int64_t failures, std::optional<milliseconds> retry_after, double random);

/// The wait before look number `looks` + 1 through the provider's list for a batch that we may have made;
/// absent when the looks of the schedule are used up.
std::optional<milliseconds> reconcile_wait(const std::vector<double>& schedule_seconds, std::int64_t looks);

/// How long a batch of which the provider's queue had no room waits: a minute doubling to fifteen, jittered.
milliseconds quota_wait(std::int64_t refusals, double random);

} // namespace enrichd

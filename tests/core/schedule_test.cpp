// SPDX-License-Identifier: Apache-2.0
#include "core/schedule.hpp"

#include "tests/support/catch.hpp"

#include <limits>

using namespace enrichd;
using namespace std::chrono_literals;

namespace {

constexpr double randoms[] = {0.0, 0.25, 0.5, 0.75, 0.999999};
constexpr std::int64_t far = std::numeric_limits<std::int64_t>::max();

} // namespace

TEST_CASE("looks at a batch are quick at first, then slower up to the longest", "[core][schedule]") {
    const poll_rhythm rhythm{5s, 60s};
    CHECK(poll_wait(rhythm, 0, 0.5) == 5s);
    CHECK(poll_wait(rhythm, 1, 0.5) == 7500ms);
    CHECK(poll_wait(rhythm, 2, 0.5) == 11250ms);
    CHECK(poll_wait(rhythm, 7, 0.5) == 60s);
    CHECK(poll_wait(rhythm, far, 0.5) == 60s);
}

TEST_CASE("no wait between looks leaves its bounds by more than a tenth", "[core][schedule]") {
    for (const auto& rhythm : {poll_rhythm{5s, 60s}, poll_rhythm{50ms, 50ms}, poll_rhythm{50ms, 1s}})
        for (std::int64_t polls = 0; polls < 100; ++polls)
            for (const double random : randoms) {
                const auto wait = poll_wait(rhythm, polls, random);
                CAPTURE(polls, random, wait.count());
                CHECK(wait.count() * 10 >= rhythm.first.count() * 9);
                CHECK(wait.count() * 10 <= rhythm.longest.count() * 11);
            }
}

TEST_CASE("a longest wait below the first one does not shorten it", "[core][schedule]") {
    CHECK(poll_wait({10s, 1s}, 0, 0.5) == 10s);
    CHECK(poll_wait({10s, 1s}, 50, 0.5) == 10s);
}

TEST_CASE("the wait after a failure doubles from half a second to five minutes", "[core][schedule]") {
    CHECK(backoff(1, {}, 1.0) == 500ms);
    CHECK(backoff(2, {}, 1.0) == 1s);
    CHECK(backoff(5, {}, 1.0) == 8s);
    CHECK(backoff(100, {}, 1.0) == 5min);
    CHECK(backoff(far, {}, 1.0) == 5min);
    for (std::int64_t failures = 1; failures < 80; ++failures)
        for (const double random : randoms) {
            const auto wait = backoff(failures, {}, random);
            CHECK(wait >= 250ms);
            CHECK(wait <= 5min);
            CHECK(wait * 2 >= backoff(failures, {}, 1.0)); // jitter takes off a half at most
        }
}

TEST_CASE("what the server asked for counts if it is longer, up to an hour", "[core][schedule]") {
    CHECK(backoff(1, 30s, 0.5) == 30s);
    CHECK(backoff(1, 1ms, 1.0) == 500ms);
    CHECK(backoff(1, 24h, 0.5) == 1h);
    CHECK(backoff(1, 0ms, 1.0) == 500ms);
}

TEST_CASE("looks for a batch that may exist follow the schedule, then end", "[core][schedule]") {
    const std::vector<double> schedule = {10, 30.5, 120};
    CHECK(reconcile_wait(schedule, 0) == 10s);
    CHECK(reconcile_wait(schedule, 1) == 30500ms);
    CHECK(reconcile_wait(schedule, 2) == 120s);
    CHECK_FALSE(reconcile_wait(schedule, 3));
    CHECK_FALSE(reconcile_wait(schedule, -1));
    CHECK_FALSE(reconcile_wait({}, 0));
}

TEST_CASE("a full queue is tried again after one to fifteen minutes", "[core][schedule]") {
    CHECK(quota_wait(0, 0.5) == 1min);
    CHECK(quota_wait(1, 0.5) == 2min);
    CHECK(quota_wait(3, 0.5) == 8min);
    CHECK(quota_wait(4, 0.5) == 15min);
    CHECK(quota_wait(far, 0.5) == 15min);
    for (std::int64_t n = -1; n < 70; ++n)
        for (const double random : randoms) {
            CHECK(quota_wait(n, random) >= 54s);
            CHECK(quota_wait(n, random) <= 16min + 30s);
        }
}

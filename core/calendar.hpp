// Days and months of UTC, by which limits of spending are counted.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace enrichd {

inline constexpr std::int64_t day_ms = 24 * 3'600'000LL;

/// 00:00 UTC of the day that holds this time (milliseconds since 1970).
std::int64_t start_of_day(std::int64_t utc_ms);
/// 00:00 UTC of the first day of its month, and of the month that follows.
std::int64_t start_of_month(std::int64_t utc_ms);
std::int64_t start_of_next_month(std::int64_t utc_ms);

/// "2026-11-23"
std::string format_day(std::int64_t utc_ms);

} // namespace enrichd

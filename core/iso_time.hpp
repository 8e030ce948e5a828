// Dates and times of ISO 8601, as far as commands and replies use them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace enrichd {

/// "2025-07-01" (00:00 UTC), or a time "2025-07-01T12:30[:15[.25]]" followed by "Z" or an offset such as
/// "+02:00"; a blank may stand for the T. UTC milliseconds since 1970. Dates that do not exist are refused.
std::optional<std::int64_t> parse_iso_time(std::string_view text);

/// "2025-07-01 12:30:15Z"; a time beyond the years 0 to 9999 is shown as the nearest within.
std::string format_iso_time(std::int64_t utc_ms);

} // namespace enrichd

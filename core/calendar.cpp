// SPDX-License-Identifier: Apache-2.0
#include "core/calendar.hpp"

#include "core/iso_time.hpp"

#include <chrono>

namespace enrichd {

namespace {

using std::chrono::sys_days;
using std::chrono::year_month;

sys_days day_of(std::int64_t utc_ms) {
    using namespace std::chrono;
    return floor<days>(sys_time<milliseconds>(milliseconds(utc_ms)));
}

year_month month_of(std::int64_t utc_ms) {
    const std::chrono::year_month_day day(day_of(utc_ms));
    return day.year() / day.month();
}

std::int64_t to_ms(sys_days day) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(day.time_since_epoch()).count();
}

} // namespace

std::int64_t start_of_day(std::int64_t utc_ms) {
    return to_ms(day_of(utc_ms));
}

std::int64_t start_of_month(std::int64_t utc_ms) {
    return to_ms(sys_days(month_of(utc_ms) / 1));
}

std::int64_t start_of_next_month(std::int64_t utc_ms) {
    return to_ms(sys_days((month_of(utc_ms) + std::chrono::months(1)) / 1));
}

std::string format_day(std::int64_t utc_ms) {
    return format_iso_time(utc_ms).substr(0, 10);
}

} // namespace enrichd

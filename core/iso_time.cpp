// SPDX-License-Identifier: Apache-2.0
#include "core/iso_time.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace enrichd {

namespace {

// Takes the text apart from its front; once something does not fit, everything after it fails too.
class time_scanner {
public:
    explicit time_scanner(std::string_view text) : rest_(text) {}

    /// Exactly `digits` digits.
    int number(std::size_t digits) {
        int n = 0;
        for (std::size_t i = 0; i < digits; ++i) {
            if (rest_.empty() || rest_[0] < '0' || rest_[0] > '9') return fail();
            n = n * 10 + (rest_[0] - '0');
            rest_.remove_prefix(1);
        }
        return n;
    }

    /// Whether the next character is one of `any`; takes it then.
    bool take(std::string_view any) {
        if (rest_.empty() || any.find(rest_[0]) == std::string_view::npos) return false;
        taken_ = rest_[0];
        rest_.remove_prefix(1);
        return true;
    }

    /// Decimals of a second as milliseconds, at least one digit.
    int milliseconds() {
        int ms = 0, unit = 100, digits = 0;
        for (; !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; rest_.remove_prefix(1), ++digits) {
            ms += unit * (rest_[0] - '0');
            unit /= 10;
        }
        return digits > 0 ? ms : fail();
    }

    void need(bool condition) {
        if (!condition) fail();
    }
    char taken() const { return taken_; }
    bool good_end() const { return good_ && rest_.empty(); }
    bool at_end() const { return rest_.empty(); }

private:
    int fail() {
        good_ = false;
        return 0;
    }

    std::string_view rest_;
    char taken_ = 0;
    bool good_ = true;
};

std::chrono::minutes read_offset(time_scanner& in) {
    if (in.take("Zz")) return std::chrono::minutes(0);
    in.need(in.take("+-"));
    const int sign = in.taken() == '-' ? -1 : 1;
    const int hours = in.number(2);
    in.take(":");
    const int minutes = in.number(2);
    in.need(hours <= 23 && minutes <= 59);
    return std::chrono::minutes(sign * (hours * 60 + minutes));
}

} // namespace

std::optional<std::int64_t> parse_iso_time(std::string_view text) {
    using namespace std::chrono;
    time_scanner in(text);
    const int y = in.number(4);
    in.need(in.take("-"));
    const int m = in.number(2);
    in.need(in.take("-"));
    const int d = in.number(2);
    const year_month_day date{year(y), month(static_cast<unsigned>(m)), day(static_cast<unsigned>(d))};
    in.need(date.ok());
    auto since_midnight = std::chrono::milliseconds(0);
    if (!in.at_end()) {
        in.need(in.take("Tt "));
        const int hour = in.number(2);
        in.need(in.take(":"));
        const int minute = in.number(2);
        const int second = in.take(":") ? in.number(2) : 0;
        const int ms = in.take(".,") ? in.milliseconds() : 0;
        in.need(hour <= 23 && minute <= 59 && second <= 59);
        since_midnight = hours(hour) + minutes(minute) + seconds(second) + std::chrono::milliseconds(ms);
        since_midnight -= read_offset(in);
    }
    if (!in.good_end()) return std::nullopt;
    return (sys_days(date).time_since_epoch() + since_midnight) / std::chrono::milliseconds(1);
}

std::string format_iso_time(std::int64_t utc_ms) {
    using namespace std::chrono;
    // The years of four digits; near the ends of 64 bits the arithmetic below would overflow.
    constexpr std::int64_t year_0 = -62'167'219'200'000, year_10000 = 253'402'300'800'000;
    const sys_time<std::chrono::milliseconds> at{
        std::chrono::milliseconds(std::clamp(utc_ms, year_0, year_10000 - 1))};
    const auto midnight = floor<days>(at);
    const year_month_day date(midnight);
    const hh_mm_ss clock(floor<seconds>(at - midnight));
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

} // namespace enrichd

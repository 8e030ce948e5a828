// SPDX-License-Identifier: Apache-2.0
#include "daemon/provider/retry_after.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <iomanip>
#include <locale>
#include <sstream>
#include <string>

namespace enrichd::provider {

namespace {

using std::chrono::milliseconds;
constexpr milliseconds longest = std::chrono::hours(24);

milliseconds within_a_day(double ms) {
    return milliseconds(static_cast<std::int64_t>(std::clamp(ms, 0.0, static_cast<double>(longest.count()))));
}

std::optional<double> number(std::string_view text) {
    double value = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (ec != std::errc{} || end != text.data() + text.size() || !(value >= 0)) return std::nullopt;
    return value;
}

// Not further from `now` than matters: the clock counts nanoseconds, of which 64 bits end in the year 2262.
std::optional<std::chrono::system_clock::time_point> http_date(std::string_view text,
                                                               std::chrono::system_clock::time_point now) {
    // The form of today, that of RFC 850, and asctime()'s: a recipient must take all three.
    for (const char* form :
         {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"}) {
        std::istringstream in{std::string(text)};
        in.imbue(std::locale::classic());
        std::tm utc = {};
        utc.tm_sec = utc.tm_year = -1; // a text that ends early is no failure to get_time, but leaves these
        in >> std::get_time(&utc, form);
        if (in.fail() || utc.tm_sec < 0 || utc.tm_year < 0 ||
            in.peek() != std::istringstream::traits_type::eof())
            continue;
        const auto then = std::chrono::system_clock::to_time_t(now);
        constexpr std::time_t two_days = 2 * 86'400;
        return std::chrono::system_clock::from_time_t(
            std::clamp(timegm(&utc), then - two_days, then + two_days));
    }
    return std::nullopt;
}

} // namespace

std::optional<milliseconds> retry_after(const http::response& answer,
                                        std::chrono::system_clock::time_point now) {
    if (const auto text = answer.find("retry-after-ms"))
        if (const auto ms = number(*text)) return within_a_day(*ms);
    const auto text = answer.find("Retry-After");
    if (!text) return std::nullopt;
    if (const auto seconds = number(*text)) return within_a_day(*seconds * 1000);
    if (const auto date = http_date(*text, now))
        return std::clamp(std::chrono::duration_cast<milliseconds>(*date - now), milliseconds(0), longest);
    return std::nullopt;
}

} // namespace enrichd::provider

// SPDX-License-Identifier: Apache-2.0
#include "core/calendar.hpp"

#include "core/iso_time.hpp"
#include "tests/support/catch.hpp"

using namespace enrichd;

namespace {

std::int64_t at(const char* text) {
    return parse_iso_time(text).value();
}

} // namespace

TEST_CASE("days and months begin at 00:00 UTC", "[calendar]") {
    const auto noon = at("2026-11-23T12:30:15Z");
    CHECK(start_of_day(noon) == at("2026-11-23"));
    CHECK(start_of_month(noon) == at("2026-11-01"));
    CHECK(start_of_next_month(noon) == at("2026-12-01"));
    CHECK(format_day(noon) == "2026-11-23");
}

TEST_CASE("a month's last millisecond is its own, and the next one the next month's", "[calendar]") {
    for (const auto* first : {"2026-01-01", "2024-03-01", "2023-03-01", "2026-12-01", "2000-02-01"}) {
        CAPTURE(first);
        const auto begin = at(first);
        CHECK(start_of_month(begin) == begin);
        CHECK(start_of_day(begin) == begin);
        CHECK(start_of_next_month(begin - 1) == begin);
        CHECK(start_of_month(begin - 1) < begin);
        CHECK(start_of_day(begin - 1) == begin - day_ms);
    }
    CHECK(start_of_month(at("2024-02-29T23:59:59Z")) == at("2024-02-01"));
    CHECK(start_of_day(-1) == -day_ms); // before 1970 too
}

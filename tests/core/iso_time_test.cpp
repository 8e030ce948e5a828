// SPDX-License-Identifier: Apache-2.0
#include "core/iso_time.hpp"

#include "tests/support/catch.hpp"

using namespace enrichd;

TEST_CASE("dates begin at midnight in UTC, times carry their offset", "[core][time]") {
    CHECK(parse_iso_time("1970-01-01") == 0);
    CHECK(parse_iso_time("2025-07-01") == 1751328000000);
    CHECK(parse_iso_time("2024-02-29") == 1709164800000);
    CHECK(parse_iso_time("1970-01-01T00:00Z") == 0);
    CHECK(parse_iso_time("1970-01-01 00:00:01.25Z") == 1250);
    CHECK(parse_iso_time("1970-01-01T02:00:00+02:00") == 0);
    CHECK(parse_iso_time("1969-12-31T19:00-0500") == 0);
    CHECK(parse_iso_time("1960-01-01") == -315619200000);
}

TEST_CASE("what is no date or time is refused", "[core][time]") {
    for (const char* text :
         {"", "2025", "2025-07", "2025-7-1", "2025-02-29", "2025-13-01", "2025-00-10", "2025-07-01T",
          "2025-07-01T12:00", "2025-07-01T24:00Z", "2025-07-01T12:60Z", "2025-07-01T12:00:00.Z",
          "2025-07-01T12:00+25:00", "2025-07-01x", " 2025-07-01", "20250701", "2025-07-01T12:00ZZ"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_iso_time(text));
    }
}

TEST_CASE("a time is shown in UTC, to the second", "[core][time]") {
    CHECK(format_iso_time(0) == "1970-01-01 00:00:00Z");
    CHECK(format_iso_time(1751373015999) == "2025-07-01 12:30:15Z");
    CHECK(format_iso_time(-1) == "1969-12-31 23:59:59Z");
}

// SPDX-License-Identifier: Apache-2.0
#include "core/money.hpp"

#include "tests/support/catch.hpp"

using namespace enrichd;

TEST_CASE("dollars are read exactly, to the picodollar", "[core][money]") {
    CHECK(parse_dollars("25")->picodollars == 25 * picodollars_per_dollar);
    CHECK(parse_dollars("1.50")->picodollars == 1'500'000'000'000);
    CHECK(parse_dollars("0.000000000001")->picodollars == 1);
    CHECK(parse_dollars(".5")->picodollars == 500'000'000'000);
    CHECK(parse_dollars("0")->picodollars == 0);
}

TEST_CASE("what is not an amount of dollars is refused", "[core][money]") {
    for (const char* text :
         {"", ".", "1.", "-1", "+1", "1e3", "1,5", "$5", " 5", "0.0000000000001", "10000000"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_dollars(text));
    }
}

TEST_CASE("an exact amount reads back to itself", "[core][money]") {
    for (const char* text : {"0", "0.0135", "25", "1.5", "0.000000000001", "999999.999999999999"}) {
        CAPTURE(text);
        CHECK(exact_dollars(*parse_dollars(text)) == text);
    }
    CHECK(exact_dollars(money{-1'500'000'000'000}) == "-1.5");
}

TEST_CASE("people see two decimals, and more only of small amounts", "[core][money]") {
    CHECK(display_dollars(*parse_dollars("25")) == "$25.00");
    CHECK(display_dollars(*parse_dollars("25.119")) == "$25.11");
    CHECK(display_dollars(*parse_dollars("0.0135")) == "$0.0135");
    CHECK(display_dollars(*parse_dollars("0.000001")) == "$0.000001");
    CHECK(display_dollars(*parse_dollars("0.5")) == "$0.50");
    CHECK(display_dollars(money{0}) == "$0.00");
    CHECK(display_dollars(money{-2'500'000'000'000}) == "-$2.50");
}

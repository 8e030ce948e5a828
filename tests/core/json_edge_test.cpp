// JSON from outside, at the edge.
// SPDX-License-Identifier: Apache-2.0
#include "core/json_edge.hpp"

#include "tests/support/catch.hpp"

#include <string>

using namespace enrichd;

TEST_CASE("JSON is read to its last byte, and a zero byte is none of it", "[core][json]") {
    using namespace std::string_literals;
    CHECK(parse_json(R"({"a": [1, "two", null]})"));
    CHECK(parse_json(R"("a zero byte, escaped: \u0000")"));
    for (const auto& text :
         {""s, "{}x"s, "{} {}"s, "{}\0"s, "{}\0{\"id\": 1}"s, "\0{}"s, "{\"a\0b\": 1}"s, "\"a\0b\""s}) {
        CAPTURE(text);
        CHECK_FALSE(parse_json(text));
    }
}

TEST_CASE("JSON that nests deeper than allowed is refused, whatever its strings hold", "[core][json]") {
    const auto nested = [](int depth) {
        return std::string(static_cast<std::size_t>(depth), '[') +
               std::string(static_cast<std::size_t>(depth), ']');
    };
    CHECK(parse_json(nested(8), 8));
    CHECK_FALSE(parse_json(nested(9), 8));
    CHECK(parse_json(R"(["[[[[[[[[[[\"[[[["])", 1));
    CHECK_FALSE(parse_json(nested(100'000)));
}

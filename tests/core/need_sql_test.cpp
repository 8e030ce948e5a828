// SPDX-License-Identifier: Apache-2.0
#include "core/need_sql.hpp"

#include "tests/support/catch.hpp"

using namespace enrichd;

TEST_CASE("need's words read back to what they name, and no other word does", "[core][need]") {
    for (const auto n :
         {need::done, need::legacy, need::kept, need::value, need::version, need::text_changed})
        CHECK(parse_need(name(n)) == n);
    for (const auto word : {"", "Done", "text changed", "stale"})
        CHECK_FALSE(parse_need(word));
}

TEST_CASE("SQL and needs_work() agree on which words need work", "[core][need]") {
    const auto sql = needs_work_sql("why");
    CHECK(sql.starts_with("why IN ("));
    for (const auto n :
         {need::done, need::legacy, need::kept, need::value, need::version, need::text_changed}) {
        const auto word = "'" + std::string(name(n)) + "'";
        CAPTURE(word);
        CHECK((sql.find(word) != std::string::npos) == needs_work(n));
    }
}

TEST_CASE("what is quoted cannot end its quotes", "[core][need]") {
    CHECK(quote_identifier("a\"; DROP TABLE b; --") == "\"a\"\"; DROP TABLE b; --\"");
    CHECK(quote_literal("it's") == "'it''s'");
    CHECK(quote_identifier(std::string_view("a\0b", 3)) == "\"a\"");
    CHECK(quote_literal("") == "''");
}

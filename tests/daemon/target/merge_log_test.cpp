// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/merge_log.hpp"

#include "tests/support/catch.hpp"

using namespace enrichd;
using namespace enrichd::target;

TEST_CASE("packed outcomes read back in order, however many are alike", "[target][merge_log]") {
    std::vector<merged_row> rows(1000);
    rows[0] = {outcome::gone, "not there"};
    rows[500] = {outcome::invalid, "quote \" and \xE0\xB8\x81"};
    rows[501] = {outcome::invalid, "another"};
    const auto packed = pack_outcomes(rows);
    CHECK(packed.size() < 200);
    const auto back = unpack_outcomes(packed, rows.size());
    REQUIRE(back.has_value());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        CHECK((*back)[i].how == rows[i].how);
        CHECK((*back)[i].reason == rows[i].reason);
    }
    CHECK(unpack_outcomes(pack_outcomes({}), 0)->empty());
}

TEST_CASE("a reason that is not UTF-8 is packed all the same", "[target][merge_log]") {
    const auto back = unpack_outcomes(pack_outcomes({{outcome::invalid, "bad \xFF byte"}}), 1);
    REQUIRE(back.has_value());
    CHECK((*back)[0].how == outcome::invalid);
}

TEST_CASE("a log row that does not fit the slice is an error", "[target][merge_log]") {
    const auto packed = pack_outcomes(std::vector<merged_row>(3));
    CHECK(unpack_outcomes(packed, 2).has_error());
    CHECK(unpack_outcomes(packed, 4).has_error());
    for (const auto text : {"", "{}", "[1]", R"([[1,"ok"]])", R"([[-1,"ok",""]])", R"([[1,"fine",""]])",
                            R"([["1","ok",""]])", R"([[18446744073709551615,"ok",""]])"})
        CHECK(unpack_outcomes(text, 1).has_error());
}

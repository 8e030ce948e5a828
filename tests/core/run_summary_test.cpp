// SPDX-License-Identifier: Apache-2.0
#include "core/run_summary.hpp"

#include "tests/support/catch.hpp"

using namespace enrichd;

namespace {

kind_summary filled() {
    kind_summary k;
    k.kind = kind::embeddings;
    k.model = "text-embedding-3-small";
    k.version = "text-embedding-3-small-0011aabbccdd";
    k.rows = {120, 10, 20, 30, 5, 6, 7, 8, 34, 3};
    k.totals.requests = 9;
    k.totals.bytes = 5'000'000'000;
    k.totals.embedding_inputs = 11;
    k.totals.reply_bytes = 99;
    k.totals.input_tokens = 12'345;
    k.totals.output_cap = 180;
    k.totals.bound = money{1'234'567'890'123};
    k.files = 2;
    k.replaced_texts = 1;
    k.in_flight_jobs = {4, 17};
    k.authorities["openssl"] = {6, 5, 7000, money{70}};
    k.authorities[""] = {4, 4, 5345, money{53}};
    k.warnings = {"the column has an HNSW index: merges are slow"};
    return k;
}

} // namespace

TEST_CASE("a summary reads back as it was written", "[core][run_summary]") {
    run_summary s;
    s.kinds = {kind_summary{}, filled()};
    s.would_fit = 0;
    const auto read = read_summary(to_json(s));
    REQUIRE(read.kinds.size() == 2);
    CHECK(read.would_fit == 0);
    const auto& k = read.kinds[1];
    const auto want = filled();
    CHECK(k.kind == want.kind);
    CHECK(k.model == want.model);
    CHECK(k.version == want.version);
    CHECK(k.rows.seen == 120);
    CHECK(k.rows.selected == 10);
    CHECK(k.rows.done == 20);
    CHECK(k.rows.legacy == 30);
    CHECK(k.rows.kept == 5);
    CHECK(k.rows.no_text == 6);
    CHECK(k.rows.too_short == 7);
    CHECK(k.rows.in_flight == 8);
    CHECK(k.rows.quarantined == 34);
    CHECK(k.rows.identical == 3);
    CHECK(k.totals.requests == 9);
    CHECK(k.totals.bytes == 5'000'000'000);
    CHECK(k.totals.embedding_inputs == 11);
    CHECK(k.totals.reply_bytes == 99);
    CHECK(k.totals.input_tokens == 12'345);
    CHECK(k.totals.output_cap == 180);
    CHECK(k.totals.bound == want.totals.bound);
    CHECK(k.files == 2);
    CHECK(k.replaced_texts == 1);
    CHECK(k.in_flight_jobs == want.in_flight_jobs);
    REQUIRE(k.authorities.size() == 2);
    CHECK(k.authorities.at("openssl").rows == 6);
    CHECK(k.authorities.at("openssl").requests == 5);
    CHECK(k.authorities.at("openssl").input_tokens == 7000);
    CHECK(k.authorities.at("").bound == money{53});
    CHECK(k.warnings == want.warnings);
    CHECK(read.kinds[0].kind == kind::summaries);
}

TEST_CASE("bound and requests of a run are the sums over its kinds", "[core][run_summary]") {
    run_summary s;
    CHECK(s.bound() == money{0});
    CHECK(s.requests() == 0);
    s.kinds = {filled(), filled()};
    CHECK(s.bound() == money{2 * 1'234'567'890'123});
    CHECK(s.requests() == 18);
}

TEST_CASE("what a summary does not say is zero", "[core][run_summary]") {
    for (const char* text : {"{}", "", "[]", "null", R"({"kinds": 7})", R"({"kinds": [7, "x"]})"}) {
        CAPTURE(text);
        const auto s = read_summary(text);
        CHECK(s.requests() == 0);
        CHECK(s.bound() == money{0});
        CHECK_FALSE(s.would_fit);
    }
    const auto s =
        read_summary(R"({"kinds": [{"kind": "embeddings", "rows": {"seen": "many", "done": 3}}]})");
    REQUIRE(s.kinds.size() == 1);
    CHECK(s.kinds[0].kind == kind::embeddings);
    CHECK(s.kinds[0].rows.seen == 0);
    CHECK(s.kinds[0].rows.done == 3);
}

TEST_CASE("authorities that are no UTF-8 are kept, and nothing of their counts is lost",
          "[core][run_summary]") {
    run_summary s;
    s.kinds.emplace_back();
    s.kinds[0].authorities["caf\xe9"] = {1, 1, 10, money{1}};
    s.kinds[0].authorities["caf\xe8"] = {2, 2, 20, money{2}};
    const auto read = read_summary(to_json(s));
    std::int64_t rows = 0;
    for (const auto& [name, a] : read.kinds.at(0).authorities) {
        CHECK(name.substr(0, 3) == "caf");
        rows += a.rows;
    }
    CHECK(rows == 3);
}

// Values of every column type, keys of every type, and values that the server refuses.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/sha256.hpp"
#include "tests/support/await.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/postgres_world.hpp"

using namespace enrichd;
using namespace enrichd::target;
using namespace enrichd::tests;

namespace {

const wanted vectors = {.kind = kind::embeddings, .model = "m", .version = "m-1"};

std::string schema_with(std::string_view embedding, std::string_view key = "text",
                        std::string_view more = "") {
    return fmt::format(
        "CREATE TABLE events (event_id {0} PRIMARY KEY, authority text, event_hash text, title text, "
        "pub_date date, embedding {1}); CREATE TABLE documents (document_id text, event_id {0}, "
        "clean_text text);{2}",
        key, embedding, more);
}

merge_row vector_row(std::string_view key, std::vector<float> v) {
    auto row = summary_row(key, "the text", "");
    row.value = std::move(v);
    return row;
}

} // namespace

TEST_CASE("PostgreSQL: an embedding fits every type of column", "[target][postgres]") {
    const auto [type, as_text] = GENERATE(
        table<std::string, std::string>({{"vector(3)", "[0.25,-1.5,0.1]"},
                                         {"vector", "[0.25,-1.5,0.1]"},
                                         {"halfvec(3)", "[0.25,-1.5,0.099975586]"},
                                         {"real[]", "{0.25,-1.5,0.1}"},
                                         {"double precision[]", "{0.25,-1.5,0.10000000149011612}"}}));
    CAPTURE(type);
    postgres_world w(schema_with(type));
    w.migrated();
    std::vector<merge_row> rows;
    for (int i = 0; i < 5; ++i) {
        w.add(fmt::format("k{}", i), "the text");
        rows.push_back(vector_row(rows.empty() ? "k0" : fmt::format("k{}", i), {0.25F, -1.5F, 0.1F}));
    }
    const auto report = await(w.loop(), w.db().inspect(kind::embeddings));
    REQUIRE(report.has_value());
    CAPTURE(report->problem);
    CHECK(report->ready);
    CHECK(report->dimensions.value_or(0) == (type.find('(') == std::string::npos ? 0U : 3U));
    for (const auto& row : w.merge({"s", 1, vectors, rows}).rows)
        CHECK(row.how == outcome::ok);
    CHECK(w.one("SELECT embedding::text FROM events WHERE event_id = 'k4'") == as_text);
    CHECK(w.one("SELECT count(*) FROM events WHERE embedding_version = 'm-1' AND embedding_model = 'm'") ==
          "5");
    const auto again = w.select({.want = vectors});
    CHECK(std::ranges::all_of(again, [](const auto& r) { return r.why == need::done; }));
}

TEST_CASE("PostgreSQL: a vector that no column of its type takes costs its row alone", "[target][postgres]") {
    const auto type = GENERATE(as<std::string>(), "vector(3)", "halfvec(3)", "real[]");
    CAPTURE(type);
    postgres_world w(schema_with(type));
    w.migrated();
    std::vector<merge_row> rows;
    for (int i = 0; i < 8; ++i) {
        w.add(fmt::format("k{}", i), "the text");
        rows.push_back(vector_row(fmt::format("k{}", i), {1, 2, 3}));
    }
    rows[1].value = std::vector<float>{1, NAN, 3};
    rows[2].value = std::vector<float>{};
    rows[3].value = std::vector<float>{1, INFINITY, 3};
    if (type != "real[]") rows[4].value = std::vector<float>{1, 2};
    if (type == "halfvec(3)") rows[5].value = std::vector<float>{70000, 2, 3};
    const auto reply = w.merge({"s", 1, vectors, rows});
    for (std::size_t i = 0; i < rows.size(); ++i) {
        CAPTURE(i, reply.rows[i].reason);
        const bool fine = i == 0 || i > 5 || (i == 4 && type == "real[]") || (i == 5 && type != "halfvec(3)");
        CHECK((reply.rows[i].how == outcome::ok) == fine);
        if (!fine) CHECK(reply.rows[i].how == outcome::invalid);
    }
}

TEST_CASE("PostgreSQL: rows that the server refuses are found among many, with its reason",
          "[target][postgres]") {
    const auto type = GENERATE(as<std::string>(), "vector(3)", "double precision[]");
    CAPTURE(type);
    postgres_world w(
        schema_with(type, "text",
                    "CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.event_id = "
                    "'k17' THEN RAISE EXCEPTION 'not this one'; END IF; IF NEW.event_id = 'k599' THEN "
                    "RETURN NULL; END IF; RETURN NEW; END $$; CREATE TRIGGER look BEFORE UPDATE ON events "
                    "FOR EACH ROW EXECUTE FUNCTION look();"));
    w.migrated();
    w.exec("INSERT INTO events (event_id, title) SELECT 'k' || i, 'A title' FROM generate_series(0, 599) i; "
           "INSERT INTO "
           "documents (document_id, event_id, clean_text) SELECT event_id, event_id, 'the text' FROM events; "
           "ALTER "
           "TABLE events ADD CHECK (event_id <> 'k300' OR embedding IS NULL)");
    std::vector<merge_row> rows;
    for (int i = 0; i < 600; ++i)
        rows.push_back(vector_row(fmt::format("k{}", i), {1, 2, 3}));
    const auto reply = w.merge({"s", 1, vectors, rows});
    for (std::size_t i = 0; i < rows.size(); ++i)
        if ((reply.rows[i].how == outcome::ok) == (i == 17 || i == 300 || i == 599)) FAIL("row " << i);
    CHECK(reply.rows[17].reason == "not this one");
    CHECK(reply.rows[300].reason.find("check constraint") != std::string::npos);
    CHECK(reply.rows[599].reason.find("trigger") != std::string::npos);
    CHECK(w.one("SELECT count(*) FROM events WHERE embedding IS NOT NULL") == "597");
}

TEST_CASE("PostgreSQL: a summary that is no text for the column costs its row alone", "[target][postgres]") {
    postgres_world w(
        schema_with("vector(3)", "text", "ALTER TABLE events ADD COLUMN summary_en varchar(10);"));
    w.migrated();
    std::vector<merge_row> rows;
    for (int i = 0; i < 6; ++i) {
        w.add(fmt::format("k{}", i), "the text");
        rows.push_back(summary_row(fmt::format("k{}", i), "the text", "fine"));
    }
    rows[0].value = "too long for ten characters";
    rows[2].value = "bad \xFF byte";
    rows[5].value = std::string("a\0b", 3);
    const auto reply = w.merge({"s", 1, summary_of(), rows});
    for (std::size_t i = 0; i < rows.size(); ++i)
        CHECK((reply.rows[i].how == outcome::ok) == (i != 0 && i != 2 && i != 5));
    CHECK(reply.rows[0].reason.find("too long") != std::string::npos);
}

TEST_CASE("PostgreSQL: constraints that are deferred refuse their row too", "[target][postgres]") {
    postgres_world w;
    w.migrated();
    w.exec("ALTER TABLE events ADD CONSTRAINT one UNIQUE (summary_en) DEFERRABLE INITIALLY DEFERRED");
    for (const auto key : {"a", "b"})
        w.add(key, "the text");
    const auto reply = w.merge(
        {"s", 1, summary_of(), {summary_row("a", "the text", "same"), summary_row("b", "the text", "same")}});
    CHECK(reply.rows[0].how == outcome::ok);
    CHECK(reply.rows[1].how == outcome::invalid);
}

TEST_CASE("PostgreSQL: keys of every scalar type are found again", "[target][postgres]") {
    const auto [type, key] =
        GENERATE(table<std::string, std::string>({{"uuid", "c9a646d3-9c61-4cb7-bfcd-ee2522c8f633"},
                                                  {"bigint", "-9223372036854775808"},
                                                  {"integer", "7"},
                                                  {"text", "it's \"a\", {key}, NULL \\ \xE0\xB8\x81"},
                                                  {"text", ""},
                                                  {"varchar(20)", "a,b"},
                                                  {"char(5)", "ab"},
                                                  {"numeric(20,3)", "12345678901234567.125"},
                                                  {"timestamptz", "2025-09-01 07:00:00.000001+00"},
                                                  {"date", "2025-09-01"}}));
    const auto embedding = GENERATE(as<std::string>(), "vector(3)", "real[]");
    CAPTURE(type, key, embedding);
    postgres_world w(schema_with(embedding, type));
    w.migrated().add(key, "the text");
    const auto rows = w.select({.want = vectors});
    REQUIRE(rows.size() == 1);
    CHECK(w.merge({"s", 1, vectors, {vector_row(rows[0].key, {1, 2, 3})}}).rows[0].how == outcome::ok);
    CHECK(w.one("SELECT embedding_version FROM events") == "m-1");
}

TEST_CASE("PostgreSQL: a column that was altered in flight blocks the merge, and blames no row",
          "[target][postgres]") {
    postgres_world w(schema_with("vector(3)"));
    w.migrated();
    w.add("k0", "the text");
    w.add("k1", "the text");
    const merge_slice slice{"s", 1, vectors, {vector_row("k0", {1, 0, 0})}, 3};
    for (const auto& row : w.merge(slice).rows)
        CHECK(row.how == outcome::ok);
    w.exec("ALTER TABLE events ALTER COLUMN embedding TYPE vector(2) USING NULL");

    const merge_slice next{"s", 2, vectors, {vector_row("k1", {1, 0, 0})}, 3};
    const auto blocked = await(w.loop(), w.db().merge(next));
    REQUIRE_FALSE(blocked.has_value());
    CHECK(blocked.error().code == errc::target_blocked);
    CAPTURE(blocked.error().detail);
    CHECK(blocked.error().detail.find("takes vectors of 2 dimensions, and those of this job have 3") !=
          std::string::npos);
    CHECK(blocked.error().detail.find("vector(3)") != std::string::npos);
    CHECK(w.merge(slice).replayed); // what is in the log needs no column

    w.exec("ALTER TABLE events ALTER COLUMN embedding TYPE vector(3)");
    CHECK(w.merge(next).rows.at(0).how == outcome::ok);
    // A vector that is not what was asked for is that answer's fault.
    w.add("k2", "the text");
    CHECK(w.merge({"s", 3, vectors, {vector_row("k2", {1, 0})}, 3}).rows.at(0).how == outcome::invalid);
}

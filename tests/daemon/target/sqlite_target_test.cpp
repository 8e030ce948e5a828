// SQLite as a target: rows are selected, and merged into.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/sqlite_target.hpp"

#include <fmt/format.h>

#include <cmath>

#include "tests/support/sqlite_world.hpp"

using namespace enrichd;
using namespace enrichd::target;
using enrichd::tests::await;
using enrichd::tests::other_table;
using enrichd::tests::sqlite_world;
using enrichd::tests::summary_of;
using enrichd::tests::summary_row;

TEST_CASE("SQLite: every case of need is told, and merged alike", "[target][sqlite]") {
    tests::every_need_is_told(sqlite_world().migrated());
}
TEST_CASE("SQLite: only rows that need work carry text", "[target][sqlite]") {
    tests::only_rows_that_need_work_carry_text(sqlite_world().migrated());
}
TEST_CASE("SQLite: rows come newest first, those without a date last, then by key", "[target][sqlite]") {
    tests::rows_come_in_order_and_filtered(sqlite_world().migrated());
}
TEST_CASE("SQLite: the documents of an event are one text", "[target][sqlite]") {
    tests::documents_are_joined(sqlite_world().migrated());
}
TEST_CASE("SQLite: without documents, a column of the table is the text", "[target][sqlite]") {
    sqlite_world w(
        "CREATE TABLE events (event_id TEXT PRIMARY KEY, authority TEXT, event_hash TEXT, title TEXT, "
        "pub_date TEXT, \"Body\" TEXT)",
        tests::with_text_column());
    tests::a_column_of_the_table_is_the_text(w.migrated());
}
TEST_CASE("SQLite: a text column serves a table of any name", "[target][sqlite]") {
    config c;
    c.source.text_column = "body";
    c.target.table = "press \"news\"";
    c.target.key_column = "nr";
    sqlite_world w("CREATE TABLE \"press \"\"news\"\"\" (nr INTEGER PRIMARY KEY, title, body)", c);
    w.migrated().exec(
        "INSERT INTO \"press \"\"news\"\"\" (nr, title, body) VALUES (7, 'A title', 'the text')");
    CHECK(w.select({.want = summary_of()})[0].text == "the text");
    CHECK(w.merge({"s", 1, summary_of(), {summary_row("7", "the text", "new")}}).rows[0].how == outcome::ok);
}
TEST_CASE("SQLite: each row of a slice ends as it should", "[target][sqlite]") {
    tests::each_row_ends_as_it_should(sqlite_world().migrated());
}
TEST_CASE("SQLite: a slice that comes again changes nothing", "[target][sqlite]") {
    tests::a_slice_that_comes_again_changes_nothing(sqlite_world().migrated());
}
TEST_CASE("SQLite: what selection wants, merge writes, and then nothing is left", "[target][sqlite]") {
    tests::selection_and_merge_agree(sqlite_world().migrated());
}
TEST_CASE("SQLite: a value that is refused costs its row alone", "[target][sqlite]") {
    tests::a_rejected_value_costs_its_row_alone(sqlite_world().migrated());
}

TEST_CASE("SQLite: an embedding is kept as little-endian float32", "[target][sqlite]") {
    sqlite_world w;
    w.migrated().add("k", "the text");
    wanted want{.kind = kind::embeddings, .model = "m", .version = "m-1"};
    auto row = summary_row("k", "the text", "");
    row.value = std::vector<float>{1.0F, -2.5F};
    CHECK(w.merge({"s", 1, want, {row}}).rows[0].how == outcome::ok);
    CHECK(w.one("SELECT hex(embedding) FROM events") == "0000803F000020C0");
    CHECK(w.one("SELECT embedding_version FROM events") == "m-1");
    row.value = std::vector<float>{1.0F, NAN};
    want.version = "m-2";
    CHECK(w.merge({"s", 2, want, {row}}).rows[0].how == outcome::invalid);
}

TEST_CASE("SQLite: text that is not UTF-8 passes through, and is hashed, as raw bytes", "[target][sqlite]") {
    sqlite_world w;
    w.migrated().add("k", "");
    w.exec("INSERT INTO documents VALUES ('d', 'k', CAST(x'41FF42' AS TEXT))");
    const auto rows = w.select({.want = summary_of()});
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].text == "A\xFF"
                          "B");
    CHECK(w.merge({"s",
                   1,
                   summary_of(),
                   {summary_row("k",
                                "A\xFF"
                                "B",
                                "short")}})
              .rows[0]
              .how == outcome::ok);
    CHECK(w.select({.want = summary_of()})[0].why == need::done);
}

TEST_CASE("SQLite: keys of every type are found again", "[target][sqlite]") {
    const auto declared = GENERATE(as<std::string>(), "INTEGER PRIMARY KEY", "TEXT PRIMARY KEY", "UNIQUE",
                                   "NUMERIC PRIMARY KEY", "UUID PRIMARY KEY", "BLOB PRIMARY KEY");
    const auto key = GENERATE(as<std::string>(), "7", "'7'", "-9223372036854775807", "'a b''c'", "x'00FF'",
                              "'c9a646d3-9c61-4cb7-bfcd-ee2522c8f633'");
    if (declared == "INTEGER PRIMARY KEY" && (key[0] == 'x' || key.size() > 21 || key == "'a b''c'")) return;
    CAPTURE(declared, key);
    sqlite_world w(fmt::format("CREATE TABLE news (id {}, headline, body, day)", declared), other_table());
    w.migrated().exec(fmt::format("INSERT INTO news (id, headline, body) VALUES ({}, 'A title', 'b')", key));
    const auto rows = w.select({.want = summary_of()});
    REQUIRE(rows.size() == 1);
    CHECK(w.merge({"s", 1, summary_of(), {summary_row(rows[0].key, "b", "new")}}).rows[0].how == outcome::ok);
    CHECK(w.one("SELECT \"short \"\"text\"\"\" FROM news") == "new");
}

TEST_CASE("SQLite: dates are read in all usual forms", "[target][sqlite]") {
    sqlite_world w("CREATE TABLE news (id INTEGER PRIMARY KEY, headline, body, day)", other_table());
    w.migrated();
    const std::pair<const char*, std::optional<std::int64_t>> forms[] = {
        {"'2025-09-01'", 1756684800000},
        {"'2025-09-01 00:00:01'", 1756684801000},
        {"'2025-09-01T07:00:00+07:00'", 1756684800000},
        {"'2025-09-01T00:00:00.250Z'", 1756684800250},
        {"1756684800", 1756684800000},
        {"1756684800250", 1756684800250},
        {"1756684800.5", 1756684800500},
        {"'last week'", std::nullopt},
        {"'2025'", std::nullopt},
        {"NULL", std::nullopt},
    };
    for (const auto& [sql, expected] : forms) {
        CAPTURE(sql);
        w.exec(fmt::format("DELETE FROM news; INSERT INTO news (id, body, day) VALUES (1, 'b', {})", sql));
        CHECK(w.select({.want = summary_of()})[0].date_ms == expected);
    }
}

TEST_CASE("SQLite: a long selection comes in pieces of about a megabyte, and holds no writer up",
          "[target][sqlite]") {
    sqlite_world w;
    w.migrated();
    const std::string text(100'000, 'x');
    w.exec("BEGIN");
    for (int i = 0; i < 300; ++i)
        w.add(fmt::format("{:03}", i), text);
    w.exec("COMMIT");
    auto stream = await(w.loop(), w.db().read({.want = summary_of()}));
    REQUIRE(stream.has_value());
    std::size_t rows = 0;
    std::size_t most = 0;
    for (int piece = 0;; ++piece) {
        const auto next = await(w.loop(), (*stream)->next());
        REQUIRE(next.has_value());
        if (next->empty()) break;
        rows += next->size();
        if (piece > 0) most = std::max(most, next->size());
        if (piece == 0)
            w.exec("DELETE FROM events WHERE event_id = '299'"); // would be locked out by a cursor
    }
    CHECK(rows == 299);
    CHECK(most == 10);
}

TEST_CASE("SQLite: a locked file is unavailable, and serves again afterwards", "[target][sqlite]") {
    sqlite_world w;
    w.migrated().add("k", "t");
    w.exec("BEGIN IMMEDIATE");
    const merge_slice slice{"s", 1, summary_of(), {summary_row("k", "t", "x")}};
    const auto merged = await(w.loop(), w.db().merge(slice));
    REQUIRE(merged.has_error());
    CHECK(merged.error().code == errc::target_unavailable);
    w.exec("COMMIT");
    CHECK(w.merge(slice).rows[0].how == outcome::ok);
}

TEST_CASE("SQLite: a trigger that ends the transaction costs its row alone, and nothing is half written",
          "[target][sqlite]") {
    sqlite_world w;
    std::vector<merge_row> rows;
    for (const auto key : {"a", "bad", "c", "worse", "e"}) {
        w.migrated().add(key, "the text");
        rows.push_back(summary_row(key, "the text", fmt::format("of {}", key)));
    }
    w.exec("CREATE TABLE seen (key); "
           "CREATE TRIGGER look AFTER UPDATE ON events BEGIN INSERT INTO seen VALUES (NEW.event_id); END; "
           "CREATE TRIGGER refuse BEFORE UPDATE ON events WHEN NEW.event_id IN ('bad', 'worse') BEGIN SELECT "
           "RAISE(ROLLBACK, 'not this one'); END");
    const auto reply = w.merge({"s", 1, summary_of(), rows});
    CHECK_FALSE(reply.replayed);
    REQUIRE(reply.rows.size() == 5);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const bool refused = i == 1 || i == 3;
        CAPTURE(rows[i].key, reply.rows[i].reason);
        CHECK(name(reply.rows[i].how) == name(refused ? outcome::invalid : outcome::ok));
        CHECK((reply.rows[i].reason.find("not this one") != std::string::npos) == refused);
    }
    CHECK(w.one("SELECT group_concat(summary_en, ', ') FROM events WHERE summary_en IS NOT NULL") ==
          "of a, of c, of e");
    CHECK(w.one("SELECT count(*) FROM seen") == "3"); // each was written in one transaction, with the log row
    CHECK(w.merge({"s", 1, summary_of(), rows}).replayed);
}

TEST_CASE("SQLite: a slice that a trigger ends after some rows leaves nothing if it cannot be begun again",
          "[target][sqlite]") {
    sqlite_world w;
    for (const auto key : {"a", "bad", "c"})
        w.migrated().add(key, "the text");
    // The log takes no row: whatever the trigger did before, none of the slice may stay.
    w.exec("CREATE TRIGGER refuse BEFORE UPDATE ON events WHEN NEW.event_id = 'bad' BEGIN SELECT "
           "RAISE(ROLLBACK, 'not this one'); END; "
           "CREATE TRIGGER full BEFORE INSERT ON enrichd_merge_log BEGIN SELECT RAISE(ABORT, 'no log'); END");
    const auto merged =
        await(w.loop(), w.db().merge({"s",
                                      1,
                                      summary_of(),
                                      {summary_row("a", "the text", "x"), summary_row("bad", "the text", "y"),
                                       summary_row("c", "the text", "z")}}));
    CHECK(merged.has_error());
    CHECK(w.one("SELECT count(*) FROM events WHERE summary_en IS NOT NULL") == "0");
}

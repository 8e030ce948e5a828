// SQLite as a target: its columns are made, and what is not ready is said.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/sqlite_target.hpp"

#include "tests/support/sqlite_world.hpp"

using namespace enrichd;
using namespace enrichd::target;
using enrichd::tests::await;
using enrichd::tests::other_table;
using enrichd::tests::sqlite_world;
using enrichd::tests::summary_of;
using enrichd::tests::summary_row;

TEST_CASE("SQLite: the migration shows its SQL, applies once, and again does nothing", "[target][sqlite]") {
    sqlite_world w;
    const auto plan = await(w.loop(), w.db().plan_migration());
    REQUIRE(plan.has_value());
    REQUIRE(plan->size() == 3);
    CHECK((*plan)[0].sql.find("ALTER TABLE events ADD COLUMN summary_version TEXT") != std::string::npos);
    for (const auto& step : *plan)
        CHECK_FALSE(step.applied);
    const auto report = await(w.loop(), w.db().inspect(kind::summaries));
    CHECK_FALSE(report->ready);
    CHECK(report->problem.find("enrichctl migrate") != std::string::npos);
    for (int i = 0; i < 2; ++i) {
        const auto done = await(w.loop(), w.db().migrate());
        REQUIRE(done.has_value());
        for (const auto& step : *done) {
            CAPTURE(step.name, step.note);
            CHECK(step.applied);
            CHECK(step.applied_now == (i == 0));
        }
    }
    for (const auto k : all_kinds) {
        const auto ready = await(w.loop(), w.db().inspect(k));
        CAPTURE(ready->problem);
        CHECK(ready->ready);
        CHECK(ready->warnings.empty());
    }
}

TEST_CASE("SQLite: columns that are there already are left alone", "[target][sqlite]") {
    sqlite_world w;
    w.exec("ALTER TABLE events ADD COLUMN Summary_En VARCHAR");
    w.migrated();
    CHECK(w.one("SELECT count(*) FROM pragma_table_info('events')") == "15");
}

TEST_CASE("SQLite: duplicates are listed, and the columns migrate without the index", "[target][sqlite]") {
    sqlite_world w;
    for (const auto key : {"a", "b"})
        w.add(key, "t");
    w.exec("UPDATE events SET event_hash = 'twice'");
    const auto steps = await(w.loop(), w.db().migrate());
    REQUIRE(steps.has_value());
    CHECK((*steps)[0].applied);
    CHECK((*steps)[1].applied);
    CHECK_FALSE((*steps)[2].applied);
    CHECK((*steps)[2].note.find("(MAS, twice) 2 times") != std::string::npos);
    CHECK(await(w.loop(), w.db().inspect(kind::summaries))->ready);
}

TEST_CASE("SQLite: another table gets its own SQL, without the index", "[target][sqlite]") {
    sqlite_world w("CREATE TABLE news (id INTEGER PRIMARY KEY, headline, body, day)", other_table());
    const auto steps = await(w.loop(), w.db().plan_migration());
    REQUIRE(steps->size() == 2);
    CHECK((*steps)[0].sql.find("ALTER TABLE \"news\" ADD COLUMN \"short \"\"text\"\"\" TEXT") !=
          std::string::npos);
    CHECK((*steps)[0].sql.find("ADD COLUMN embedding_version") != std::string::npos);
    CHECK(await(w.loop(), w.migrated().db().inspect(kind::embeddings))->ready);
    CHECK((*await(w.loop(), w.db().migrate()))[0].applied);
}

TEST_CASE("SQLite: what a person must mend is said with the fix", "[target][sqlite]") {
    const auto problem = [](sqlite_world& w) {
        const auto report = await(w.loop(), w.db().inspect(kind::summaries));
        REQUIRE(report.has_value());
        CHECK_FALSE(report->ready);
        const auto stream = await(w.loop(), w.db().read({.want = summary_of()}));
        REQUIRE(stream.has_error());
        CHECK(stream.error().code == errc::target_blocked);
        return report->problem;
    };
    SECTION("no documents, no query") {
        sqlite_world w("CREATE TABLE events (event_id TEXT PRIMARY KEY, title TEXT)");
        const auto said = problem(w.migrated());
        CHECK(said.find("[source] query") != std::string::npos);
        CHECK(said.find("[source] text_column") != std::string::npos);
    }
    SECTION("no documents, and no such text column") {
        sqlite_world w("CREATE TABLE events (event_id TEXT PRIMARY KEY, title TEXT)",
                       tests::with_text_column());
        CHECK(problem(w.migrated()).find("events has no column Body; set [source] text_column") !=
              std::string::npos);
    }
    SECTION("a query without a text column") {
        auto c = other_table();
        c.source.query = "SELECT id AS key FROM news";
        sqlite_world w("CREATE TABLE news (id INTEGER PRIMARY KEY)", c);
        CHECK(problem(w.migrated()).find("no column text") != std::string::npos);
    }
    SECTION("no such key column") {
        auto c = other_table();
        c.target.key_column = "nr";
        sqlite_world w("CREATE TABLE news (id INTEGER PRIMARY KEY, headline, body, day)", c);
        CHECK(problem(w.migrated()).find("[target] key_column") != std::string::npos);
    }
    SECTION("not migrated: a merge is refused") {
        sqlite_world w;
        w.add("k", "t");
        CHECK(problem(w).find("enrichctl migrate") != std::string::npos);
        const auto merged =
            await(w.loop(), w.db().merge({"s", 1, summary_of(), {summary_row("k", "t", "x")}}));
        REQUIRE(merged.has_error());
        CHECK(merged.error().code == errc::target_blocked);
        CHECK(merged.error().detail.find("enrichctl migrate") != std::string::npos);
    }
    SECTION("a key that comes twice") {
        auto c = other_table();
        c.source.query = "SELECT id AS key, 'a' AS text FROM news UNION ALL SELECT id, 'b' FROM news";
        sqlite_world w("CREATE TABLE news (id INTEGER PRIMARY KEY); INSERT INTO news VALUES (7)", c);
        w.migrated();
        const auto stream = await(w.loop(), w.db().read({.want = summary_of()}));
        REQUIRE(stream.has_error());
        CHECK(stream.error().detail.find("the key 7 more than once") != std::string::npos);
    }
}

TEST_CASE("SQLite: a file that is not there is named", "[target][sqlite]") {
    boost::asio::io_context loop;
    boost::asio::thread_pool pool(1);
    sqlite_target t(pool.get_executor(), "/nonexistent/rows.db", {});
    CHECK(t.identity() == "sqlite:/nonexistent/rows.db/events");
    const auto report = await(loop, t.inspect(kind::summaries));
    REQUIRE(report.has_error());
    CHECK(report.error().code == errc::target_blocked);
    CHECK(report.error().detail.find("/nonexistent/rows.db") != std::string::npos);
}

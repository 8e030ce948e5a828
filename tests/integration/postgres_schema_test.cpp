// Migrations, other tables than the original's, and what the catalogue tells.
// SPDX-License-Identifier: Apache-2.0
#include <boost/asio/co_spawn.hpp>
#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "tests/support/await.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/postgres_world.hpp"

using namespace enrichd;
using namespace enrichd::target;
using namespace enrichd::tests;

namespace {

bool holds(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

config other_table() {
    config c;
    c.source.query =
        "SELECT \"Nr\" AS key, body AS text, headline AS title, day AS date FROM press.\"News Items\" -- all";
    c.target = {.table = "press.\"News Items\"",
                .key_column = "Nr",
                .summary_column = "short \"text\"",
                .embedding_column = "vec"};
    return c;
}

constexpr const char* other_schema =
    "CREATE SCHEMA press; CREATE TABLE press.\"News Items\" (\"Nr\" bigint PRIMARY KEY, "
    "headline text, body text, day timestamp, vec halfvec(4));";

std::vector<migration_step> steps_of(postgres_world& w, bool apply) {
    const auto steps = await(w.loop(), apply ? w.db().migrate() : w.db().plan_migration());
    INFO((steps ? "" : steps.error().detail));
    REQUIRE(steps.has_value());
    return *steps;
}

column_report report_of(postgres_world& w, kind k) {
    const auto report = await(w.loop(), w.db().inspect(k));
    INFO((report ? "" : report.error().detail));
    REQUIRE(report.has_value());
    return *report;
}

} // namespace

TEST_CASE("PostgreSQL: the migration shows its SQL, applies once, and again does nothing",
          "[target][postgres]") {
    postgres_world w;
    const auto plan = steps_of(w, false);
    REQUIRE(plan.size() == 3);
    CHECK(holds(plan[0].sql, "ALTER TABLE events\n"));
    CHECK(holds(plan[0].sql, "ADD COLUMN IF NOT EXISTS summary_version text"));
    CHECK(holds(plan[2].sql, "ON events (authority, event_hash)"));
    for (const auto& step : plan)
        CHECK_FALSE(step.applied);
    CHECK(holds(report_of(w, kind::summaries).problem, "run: enrichctl migrate"));
    for (int i = 0; i < 2; ++i)
        for (const auto& step : steps_of(w, true)) {
            CAPTURE(step.name, step.note);
            CHECK(step.applied);
            CHECK(step.applied_now == (i == 0));
            CHECK(step.note.empty());
        }
    for (const auto k : all_kinds)
        CHECK(report_of(w, k).ready);
    CHECK(w.one("SELECT indisvalid FROM pg_index WHERE indexrelid = 'events_unique_hash'::regclass") == "t");
    w.exec("DROP TABLE enrichd_merge_log");
    CHECK_FALSE(steps_of(w, false)[1].applied);
    CHECK(steps_of(w, true)[1].applied);
}

TEST_CASE("PostgreSQL: duplicates are listed, and the columns migrate without the index",
          "[target][postgres]") {
    postgres_world w;
    for (const auto key : {"a", "b", "c"})
        w.add(key, "t");
    w.exec("UPDATE events SET event_hash = 'twice' WHERE event_id <> 'c'");
    const auto steps = steps_of(w, true);
    CHECK(steps[0].applied);
    CHECK(steps[1].applied);
    CHECK_FALSE(steps[2].applied);
    CHECK(holds(steps[2].note, "(MAS, twice) 2 times"));
    CHECK(report_of(w, kind::summaries).ready);
    w.exec("DELETE FROM documents; DELETE FROM events WHERE event_id = 'b'");
    CHECK(steps_of(w, true)[2].applied);
}

TEST_CASE("PostgreSQL: an index that was left invalid is noticed, with the fix", "[target][postgres]") {
    postgres_world w;
    for (const auto key : {"a", "b"})
        w.add(key, "t");
    w.exec("UPDATE events SET event_hash = 'twice'");
    CHECK_THROWS(
        w.exec("CREATE UNIQUE INDEX CONCURRENTLY events_unique_hash ON events (authority, event_hash)"));
    const auto step = steps_of(w, true)[2];
    CHECK_FALSE(step.applied);
    CHECK(holds(step.note, "invalid"));
    CHECK(holds(step.note, "DROP INDEX events_unique_hash"));
    w.exec("DROP INDEX events_unique_hash; UPDATE events SET event_hash = event_id");
    CHECK(steps_of(w, true)[2].applied);
}

TEST_CASE("PostgreSQL: a unique index of another name does as well", "[target][postgres]") {
    postgres_world w;
    w.exec("CREATE UNIQUE INDEX mine ON events (event_hash, authority)");
    CHECK(steps_of(w, false)[2].applied);
}

TEST_CASE("PostgreSQL: a role that may not migrate is told what its owner must run", "[target][postgres]") {
    postgres_client admin(postgres_server::shared().url());
    admin.exec("DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN");
    postgres_world w(original_schema, {}, "reader");
    w.exec("GRANT SELECT ON events, documents TO reader");
    const auto steps = await(w.loop(), w.db().migrate());
    REQUIRE(steps.has_error());
    CHECK(steps.error().code == errc::target_blocked);
    CHECK(holds(steps.error().detail, "role reader may not"));
    CHECK(holds(steps.error().detail, "ALTER TABLE events"));
}

TEST_CASE("PostgreSQL: a role with just the rights that are asked for can do everything",
          "[target][postgres]") {
    postgres_client admin(postgres_server::shared().url());
    admin.exec("DROP ROLE IF EXISTS writer; CREATE ROLE writer LOGIN");
    postgres_world w(original_schema, {}, "writer");
    w.exec("ALTER TABLE events ADD summary_en text, ADD summary_model text, ADD summary_ts timestamptz, ADD "
           "summary_version text, ADD summary_source_hash bytea; CREATE TABLE enrichd_merge_log (submission "
           "text, number "
           "bigint, outcomes text NOT NULL, merged_at timestamptz DEFAULT now(), PRIMARY KEY (submission, "
           "number)); "
           "GRANT SELECT ON documents TO writer");
    w.add("k", "the text");
    const auto report = report_of(w, kind::summaries);
    CHECK_FALSE(report.ready);
    const auto at = report.problem.find("GRANT");
    REQUIRE(at != std::string::npos);
    const auto merged =
        await(w.loop(), w.db().merge({"s", 1, summary_of(), {summary_row("k", "the text", "x")}}));
    REQUIRE(merged.has_error());
    CHECK(merged.error().code == errc::target_blocked);
    CHECK(holds(merged.error().detail, report.problem.substr(at)));
    w.exec(report.problem.substr(at));
    CHECK(report_of(w, kind::summaries).ready);
    CHECK(w.select({.want = summary_of()}).size() == 1);
    CHECK(w.merge({"s", 1, summary_of(), {summary_row("k", "the text", "x")}}).rows[0].how == outcome::ok);
}

TEST_CASE("PostgreSQL: a table that others hold locked is not waited for long", "[target][postgres][slow]") {
    postgres_world w;
    w.exec("BEGIN; LOCK TABLE events IN ACCESS SHARE MODE");
    const auto steps = await(w.loop(), w.db().migrate());
    REQUIRE(steps.has_error());
    CHECK(steps.error().code == errc::target_unavailable);
    w.exec("COMMIT");
    CHECK(steps_of(w, true)[0].applied);
}

TEST_CASE("PostgreSQL: an index in the making keeps no merge waiting", "[target][postgres]") {
    postgres_world w;
    w.migrated().add("k", "the text");
    w.add("another", "the text");
    w.exec("DROP INDEX events_unique_hash"); // by itself: it would be locked until the COMMIT
    w.exec("BEGIN; UPDATE events SET title = 'x' WHERE event_id = 'another'");
    std::optional<result<std::vector<migration_step>>> migrated;
    boost::asio::co_spawn(
        w.loop(), w.db().migrate(),
        [&](std::exception_ptr, result<std::vector<migration_step>> r) { migrated.emplace(r); });
    w.loop().restart(); // it has run out of work before
    postgres_client other(w.url());
    const auto is_waiting = [&] {
        return other.exec(
                   "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'enrichd' AND query LIKE "
                   "'CREATE UNIQUE INDEX%' AND wait_event_type = 'Lock' AND datname = current_database()") ==
               "1";
    };
    while (!migrated && !is_waiting())
        w.loop().run_for(std::chrono::milliseconds(5));
    CHECK(w.merge({"s", 1, summary_of(), {summary_row("k", "the text", "new")}}).rows[0].how == outcome::ok);
    CHECK(report_of(w, kind::summaries).ready);
    CHECK_FALSE(migrated);
    w.exec("COMMIT");
    while (!migrated)
        w.loop().run_one();
    REQUIRE(migrated->has_value());
    CHECK((**migrated)[2].applied_now);
    CHECK_FALSE((**migrated)[1].applied_now);
}

TEST_CASE("PostgreSQL: any other table works by its query, whatever its names", "[target][postgres]") {
    postgres_world w(other_schema, other_table());
    const auto plan = steps_of(w, false);
    REQUIRE(plan.size() == 2);
    CHECK(holds(plan[0].sql, "ALTER TABLE press.\"News Items\""));
    CHECK(holds(plan[0].sql, "\"short \"\"text\"\"\" text"));
    CHECK(holds(plan[1].sql, "press.enrichd_merge_log"));
    for (const auto& step : steps_of(w, true))
        CHECK(step.applied);
    for (const auto k : all_kinds) {
        const auto report = report_of(w, k);
        CAPTURE(report.problem);
        CHECK(report.ready);
    }
    CHECK(report_of(w, kind::embeddings).dimensions == 4U);
    w.exec("INSERT INTO press.\"News Items\" VALUES (7, 'A title', 'body', '2025-09-01 00:00:01')");
    const auto rows = w.select({.want = summary_of(), .since_ms = 1756684800000});
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].date_ms == 1756684801000);
    CHECK(w.merge({"s", 1, summary_of(), {summary_row("7", "body", "new")}}).rows[0].how == outcome::ok);
    CHECK(w.one("SELECT \"short \"\"text\"\"\" FROM press.\"News Items\"") == "new");
    CHECK(w.select({.want = summary_of()})[0].why == need::done);
}

TEST_CASE("PostgreSQL: a query may yield the key in another type than the column's", "[target][postgres]") {
    auto c = other_table();
    c.source.query = "SELECT \"Nr\"::int AS key, body AS text, headline AS title FROM press.\"News Items\";";
    postgres_world w(other_schema, c);
    w.migrated();
    w.exec("INSERT INTO press.\"News Items\" VALUES (7, 'A title', 'body', NULL)");
    CHECK(w.merge({"s", 1, summary_of(), {summary_row("7", "body", "new")}}).rows[0].how == outcome::ok);
}

TEST_CASE("PostgreSQL: a date within a text is the same for selection and merge", "[target][postgres]") {
    auto c = other_table();
    c.source.query =
        "SELECT \"Nr\" AS key, day::timestamptz::text AS text, headline AS title FROM press.\"News Items\"";
    postgres_world w(other_schema, c);
    w.exec("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = ''Asia/Tokyo''', "
           "current_database()); END $$");
    w.migrated().exec("INSERT INTO press.\"News Items\" VALUES (7, 'A title', 'body', '2025-09-01')");
    const auto rows = w.select({.want = summary_of()});
    REQUIRE(rows.size() == 1);
    CHECK(w.merge({"s", 1, summary_of(), {summary_row("7", *rows[0].text, "new")}}).rows[0].how ==
          outcome::ok);
    CHECK(w.select({.want = summary_of()})[0].why == need::done);
}

TEST_CASE("PostgreSQL: dates of every type mean UTC where they say nothing else", "[target][postgres]") {
    const auto [type, value, expected] =
        GENERATE(table<std::string, std::string, std::optional<std::int64_t>>(
            {{"date", "2025-09-01", 1756684800000},
             {"timestamp", "2025-09-01 00:00:00.25", 1756684800250},
             {"timestamptz", "2025-09-01 07:00:00+07", 1756684800000},
             {"text", "2025-09-01", 1756684800000},
             {"timestamptz", "infinity", std::nullopt}}));
    CAPTURE(type, value);
    postgres_world w(
        fmt::format("CREATE TABLE events (event_id text PRIMARY KEY, authority text, event_hash text, title "
                    "text, pub_date {}); CREATE TABLE documents (document_id text, event_id text, "
                    "clean_text text)",
                    type));
    w.exec("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = ''Asia/Tokyo''', "
           "current_database()); END $$");
    w.migrated().exec(fmt::format("INSERT INTO events (event_id, pub_date) VALUES ('k', '{}')", value));
    const auto rows = w.select({.want = summary_of()});
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].date_ms == expected);
    CHECK(w.select({.want = summary_of(), .since_ms = 1756684800000}).size() == 1);
    CHECK(w.select({.want = summary_of(), .since_ms = 1756684800001}).size() ==
          (expected == 1756684800000 ? 0 : 1));
}

TEST_CASE("PostgreSQL: what a person must mend is said with the fix", "[target][postgres]") {
    const auto problem = [](postgres_world& w, kind k = kind::summaries) {
        const auto report = report_of(w, k);
        CHECK_FALSE(report.ready);
        wanted want = summary_of();
        want.kind = k;
        const auto stream = await(w.loop(), w.db().read({.want = want}));
        REQUIRE(stream.has_error());
        CHECK(stream.error().code == errc::target_blocked);
        return report.problem;
    };
    SECTION("no such table") {
        postgres_world w("CREATE TABLE other (id int)");
        CHECK(holds(problem(w), "[target] table"));
    }
    SECTION("no such key column") {
        config c;
        c.target.key_column = "nr";
        postgres_world w(original_schema, c);
        CHECK(holds(problem(w), "[target] key_column"));
    }
    SECTION("no documents, no query") {
        postgres_world w("CREATE TABLE events (event_id text PRIMARY KEY, title text)");
        const auto said = problem(w.migrated());
        CHECK(holds(said, "[source] query"));
        CHECK(holds(said, "[source] text_column"));
    }
    SECTION("no documents, and no such text column") {
        postgres_world w("CREATE TABLE events (event_id text PRIMARY KEY, title text)", with_text_column());
        CHECK(holds(problem(w.migrated()), "events has no column Body; set [source] text_column"));
    }
    SECTION("no embedding column: its type is a choice") {
        postgres_world w(
            "CREATE TABLE events (event_id text PRIMARY KEY); CREATE TABLE documents (document_id int, "
            "event_id text, clean_text text)");
        CHECK(holds(problem(w.migrated(), kind::embeddings), "ADD COLUMN \"embedding\" vector(1536)"));
        CHECK(holds(steps_of(w, false)[0].note, "real[]"));
        CHECK(report_of(w, kind::summaries).ready);
    }
    SECTION("an embedding column of a type that holds none") {
        postgres_world w(
            "CREATE TABLE events (event_id text PRIMARY KEY, embedding jsonb); CREATE TABLE documents "
            "(document_id int, event_id text, clean_text text)");
        CHECK(holds(problem(w.migrated(), kind::embeddings), "is of type jsonb"));
    }
    SECTION("a column lost in the middle of a run") {
        postgres_world w;
        w.migrated().add("k", "the text");
        CHECK(w.merge({"s", 1, summary_of(), {}}).rows.empty());
        w.exec("ALTER TABLE events DROP COLUMN summary_version");
        const auto merged =
            await(w.loop(), w.db().merge({"s", 2, summary_of(), {summary_row("k", "the text", "x")}}));
        REQUIRE(merged.has_error());
        CHECK(merged.error().code == errc::target_blocked);
        CHECK(holds(merged.error().detail, "lacks summary_version; run: enrichctl migrate"));
        CHECK(holds(problem(w), "enrichctl migrate"));
    }
    SECTION("a query that is wrong") {
        auto c = other_table();
        c.source.query = "SELECT \"Nr\" AS key, bodi AS text FROM press.\"News Items\"";
        postgres_world w(other_schema, c);
        CHECK(holds(problem(w), "bodi"));
    }
    SECTION("a query that yields a key twice") {
        auto c = other_table();
        c.source.query =
            "SELECT n.\"Nr\" AS key, n.body AS text FROM press.\"News Items\" n, generate_series(1, 2)";
        postgres_world w(other_schema, c);
        w.migrated().exec("INSERT INTO press.\"News Items\" VALUES (7, 'A title', 'body', NULL)");
        const auto stream = await(w.loop(), w.db().read({.want = summary_of()}));
        REQUIRE(stream.has_error());
        CHECK(holds(stream.error().detail, "the key 7 more than once"));
    }
}

TEST_CASE("PostgreSQL: what makes merges slow is warned of", "[target][postgres]") {
    postgres_world w(
        "CREATE TABLE events (event_id text, title text, embedding vector(3)); CREATE TABLE documents "
        "(document_id int, event_id text, clean_text text)");
    w.migrated().exec("CREATE INDEX near ON events USING hnsw (embedding vector_l2_ops)");
    const auto report = report_of(w, kind::summaries);
    REQUIRE(report.warnings.size() == 2);
    CHECK(holds(report.warnings[0], "no unique index"));
    CHECK(holds(report.warnings[1], "hnsw index near"));
}

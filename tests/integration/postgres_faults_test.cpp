// A server that goes away, refuses, or is in the way.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "tests/support/await.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/postgres_world.hpp"

using namespace enrichd;
using namespace enrichd::target;
using namespace enrichd::tests;

namespace {

merge_slice one_row(std::int64_t number, std::string_view text = "the text") {
    return {"s", number, summary_of(), {summary_row("k", text, "new")}};
}

void restart(postgres_world& w) {
    postgres_server::shared().start();
    w.reconnect();
}

/// With the connection that writes open, as it is in the middle of a job.
void connect(postgres_world& w) {
    REQUIRE(await(w.loop(), w.db().inspect(kind::summaries)).has_value());
}

} // namespace

TEST_CASE("PostgreSQL: a server that stops is unavailable, and serves again when it is back",
          "[target][postgres]") {
    postgres_world w;
    w.migrated().add("k", "the text");
    connect(w);
    postgres_server::shared().stop("immediate");
    const auto merged = await(w.loop(), w.db().merge(one_row(1)));
    REQUIRE(merged.has_error());
    CHECK(merged.error().code == errc::target_unavailable);
    const auto stream = await(w.loop(), w.db().read({.want = summary_of()}));
    REQUIRE(stream.has_error());
    CHECK(stream.error().code == errc::target_unavailable);
    restart(w);
    CHECK(w.merge(one_row(1)).rows[0].how == outcome::ok);
}

TEST_CASE("PostgreSQL: a connection that died while nobody looked is replaced unnoticed",
          "[target][postgres]") {
    postgres_world w;
    w.migrated().add("k", "the text");
    connect(w);
    postgres_server::shared().stop("fast");
    restart(w);
    CHECK(w.merge(one_row(1)).rows[0].how == outcome::ok);
    w.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'enrichd'");
    CHECK(await(w.loop(), w.db().inspect(kind::summaries)).has_value());
}

TEST_CASE("PostgreSQL: a connection cut in the middle of a slice leaves nothing, and the slice comes again",
          "[target][postgres]") {
    postgres_world w;
    w.migrated().add("k", "the text");
    w.exec("CREATE SEQUENCE tries; CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF "
           "nextval('tries') <= 2 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NEW; "
           "END $$; "
           "CREATE TRIGGER cut BEFORE UPDATE ON events FOR EACH ROW EXECUTE FUNCTION cut()");
    // The kept connection is replaced once by itself; the new one's end is told.
    connect(w);
    const auto merged = await(w.loop(), w.db().merge(one_row(1)));
    REQUIRE(merged.has_error());
    CHECK(merged.error().code == errc::target_unavailable);
    CHECK(w.one("SELECT count(*) FROM enrichd_merge_log") == "0");
    const auto again = w.merge(one_row(1));
    CHECK_FALSE(again.replayed);
    CHECK(again.rows[0].how == outcome::ok);
}

TEST_CASE("PostgreSQL: an answer lost after COMMIT is found in the merge log", "[target][postgres]") {
    postgres_world w;
    w.migrated().add("k", "the text");
    CHECK_FALSE(w.merge(one_row(1)).replayed);
    postgres_server::shared().stop("immediate");
    restart(w);
    const auto again = w.merge(one_row(1));
    CHECK(again.replayed);
    CHECK(again.rows[0].how == outcome::ok);
}

TEST_CASE("PostgreSQL: serialization failures, deadlocks and lock timeouts are tried again",
          "[target][postgres]") {
    const auto state = GENERATE(as<std::string>(), "40001", "40P01", "55P03");
    const auto failures = GENERATE(3, 4);
    CAPTURE(state, failures);
    postgres_world w;
    w.migrated().add("k", "the text");
    w.exec(fmt::format(
        "CREATE SEQUENCE tries; CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF "
        "nextval('tries') <= {} THEN RAISE EXCEPTION 'in the way' USING ERRCODE = '{}'; END IF; RETURN "
        "NEW; END $$; CREATE TRIGGER refuse BEFORE UPDATE ON events FOR EACH ROW EXECUTE FUNCTION "
        "refuse()",
        failures, state));
    const auto merged = await(w.loop(), w.db().merge(one_row(1)));
    CHECK(merged.has_value() == (failures == 3));
    if (merged.has_error()) CHECK(merged.error().code == errc::target_unavailable);
    CHECK(w.one("SELECT last_value FROM tries") == "4");
}

TEST_CASE("PostgreSQL: a server that only reads is unavailable for writing, and still read from",
          "[target][postgres]") {
    postgres_world w;
    w.migrated().add("k", "the text");
    w.exec(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', "
        "current_database()); "
        "END $$; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'enrichd'");
    const auto merged = await(w.loop(), w.db().merge(one_row(1)));
    REQUIRE(merged.has_error());
    CHECK(merged.error().code == errc::target_unavailable);
    CHECK(w.select({.want = summary_of()}).size() == 1);
}

TEST_CASE("PostgreSQL: no such role or database needs a person", "[target][postgres]") {
    boost::asio::io_context loop;
    boost::asio::thread_pool pool(1);
    const auto [database, user] = GENERATE(
        table<std::string, std::string>({{"no_such_database", "postgres"}, {"postgres", "no_such_role"}}));
    config c;
    c.database_url = postgres_server::shared().url(database, user);
    postgres_target t(pool.get_executor(), *postgres_settings_from(c));
    const auto report = await(loop, t.inspect(kind::summaries));
    REQUIRE(report.has_error());
    CAPTURE(report.error().detail);
    CHECK(report.error().code == errc::target_blocked);
    CHECK(report.error().detail.find("[database] url") != std::string::npos);
}

TEST_CASE("PostgreSQL: a stream is read beside merges, and its server's end is told", "[target][postgres]") {
    postgres_world w;
    w.migrated();
    w.exec("INSERT INTO events (event_id, title) SELECT 'k' || i, 'A title' FROM generate_series(1, 4000) i; "
           "INSERT INTO "
           "documents (document_id, event_id, clean_text) SELECT event_id, event_id, repeat('the text ', "
           "1000) FROM "
           "events");
    auto stream = await(w.loop(), w.db().read({.want = summary_of()}));
    REQUIRE(stream.has_value());
    const auto first = await(w.loop(), (*stream)->next());
    REQUIRE(first.has_value());
    CHECK_FALSE(first->empty());
    CHECK(first->size() < 300); // about a megabyte
    w.exec("UPDATE documents SET clean_text = 'short' WHERE event_id = 'k1'");
    auto row = summary_row("k1", "short", "new");
    CHECK(w.merge({"s", 1, summary_of(), {row}}).rows[0].how == outcome::ok);
    postgres_server::shared().stop("immediate");
    auto next = await(w.loop(), (*stream)->next());
    for (int piece = 0; next && !next->empty() && piece < 100; ++piece)
        next = await(w.loop(), (*stream)->next());
    REQUIRE(next.has_error());
    CHECK(next.error().code == errc::target_unavailable);
    restart(w);
}

TEST_CASE("PostgreSQL: rows that somebody keeps locked are said to be, and read once they are free",
          "[target][postgres]") {
    postgres_world w;
    w.migrated().add("k", "the text");
    w.exec("BEGIN; LOCK TABLE events IN ACCESS EXCLUSIVE MODE");
    auto stream = await(w.loop(), w.db().read({.want = summary_of()}));
    REQUIRE(stream.has_value());
    const auto rows = await(w.loop(), (*stream)->next());
    REQUIRE(rows.has_error());
    CHECK(rows.error().code == errc::target_unavailable);
    CHECK(rows.error().detail.find("lock timeout (55P03)") != std::string::npos);
    w.exec("ROLLBACK");
    CHECK(w.select({.want = summary_of()}).size() == 1);
}

TEST_CASE("PostgreSQL: a stream that is let go of ends on the server too", "[target][postgres]") {
    postgres_world w;
    w.migrated();
    w.exec("INSERT INTO events (event_id, title) SELECT 'k' || i, 'A title' FROM generate_series(1, 4000) i; "
           "INSERT INTO "
           "documents (document_id, event_id, clean_text) SELECT event_id, event_id, repeat('the text ', "
           "1000) FROM "
           "events");
    {
        auto stream = await(w.loop(), w.db().read({.want = summary_of()}));
        REQUIRE(stream.has_value());
        CHECK_FALSE(await(w.loop(), (*stream)->next())->empty());
    }
    // The lock waits for the reading transaction to end; statement_timeout would say that it did not.
    CHECK_NOTHROW(w.exec("SET statement_timeout = '20s'; LOCK TABLE events IN ACCESS EXCLUSIVE MODE"));
}

TEST_CASE("PostgreSQL: nothing stays behind in the session", "[target][postgres]") {
    postgres_world w;
    w.migrated().add("k", "the text");
    w.merge(one_row(1));
    w.exec("CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF (SELECT count(*) FROM "
           "pg_prepared_statements WHERE name <> '') > 0 OR (SELECT count(*) FROM pg_class WHERE "
           "relpersistence = 't') "
           "> 0 OR (SELECT count(*) FROM pg_settings WHERE source = 'session' AND reset_val <> setting AND "
           "name IN "
           "('lock_timeout', 'statement_timeout') AND setting NOT IN ('5000', '60000')) > 0 THEN RAISE "
           "EXCEPTION 'state'; "
           "END IF; RETURN NEW; END $$; CREATE TRIGGER look BEFORE UPDATE ON events FOR EACH ROW EXECUTE "
           "FUNCTION look(); "
           "UPDATE documents SET clean_text = 'changed'");
    const auto reply = w.merge(one_row(2, "changed"));
    CAPTURE(reply.rows[0].reason);
    CHECK(reply.rows[0].how == outcome::ok);
}

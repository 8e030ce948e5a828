// The original guide's example workflow, command by command, on its own schema in PostgreSQL.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/deployment.hpp"
#include "tests/support/postgres_server.hpp"

using namespace enrichd::test;
using enrichd::tests::postgres_client;
using enrichd::tests::postgres_server;

namespace {

constexpr auto schema = R"SQL(
    CREATE TABLE events (
        event_id uuid PRIMARY KEY, authority text, event_hash text, title text, url text, pub_date date,
        access_ts timestamptz, summary_en text, embedding vector(1536));
    CREATE TABLE documents (document_id uuid PRIMARY KEY, event_id uuid REFERENCES events, clean_text text);
)SQL";

std::string filled_database(postgres_server& server, int rows) {
    const auto url = server.url(server.create_database());
    postgres_client client(url);
    client.exec(schema);
    client.exec("INSERT INTO events (event_id, authority, event_hash, title, pub_date) "
                "SELECT gen_random_uuid(), CASE n % 3 WHEN 0 THEN 'BOT' WHEN 1 THEN 'OJK' ELSE 'SBV' END, "
                "md5(n::text), "
                "'Notice ' || n, date '2025-09-01' + n FROM generate_series(1, " +
                std::to_string(rows) + ") AS n");
    // Two documents for every event: the original failed the whole batch over them.
    client.exec(
        "INSERT INTO documents SELECT gen_random_uuid(), event_id, 'The authority published ' || title || ' "
        "on ' || "
        "pub_date || '. ' || repeat('It concerns banks, insurers and payment services. ', 4 + part * 30) "
        "FROM events, generate_series(1, 2) AS part");
    return url;
}

} // namespace

TEST_CASE("the guide's example workflow works word for word", "[programs][postgres]") {
    auto& server = postgres_server::shared();
    const auto url = filled_database(server, 120);
    deployment d({.database_url = url});
    d.start_daemon();
    postgres_client psql(url);
    const auto file = d.path("data/batch/test.jsonl").string();

    // 1. Run migration (one-time), and once more
    REQUIRE(d.ctl({"migrate"}).code == 0);
    REQUIRE(d.ctl({"migrate"}).code == 0);
    CHECK(psql.exec("SELECT COUNT(*) FROM pg_indexes WHERE indexname = 'events_unique_hash'") == "1");

    // 2. Test with small batch
    const auto built = d.ctl({"build", "--kind", "summaries", "--since", "2025-09-01", "--limit", "100",
                              "--out", file, "--budget", "1.0"});
    INFO(built.out << built.err << d.daemon_log());
    REQUIRE(built.code == 0);
    REQUIRE(std::filesystem::exists(file));

    // 3. Submit and poll
    const auto submitted = d.ctl({"submit", "--kind", "summaries", "--input", file});
    INFO(submitted.out << submitted.err);
    REQUIRE(submitted.code == 0);
    const auto batch = d.ctl_json({"jobs", "--all"})["jobs"][0]["batch_id"].get<std::string>();
    CHECK(submitted.out.find(batch) != std::string::npos);
    const auto polled = d.ctl({"poll", "--batch-id", batch});
    INFO(polled.out << polled.err);
    REQUIRE(polled.code == 0);
    CHECK(std::filesystem::exists(d.state() / "batch" / (batch + ".results.jsonl")));

    // 4. Merge results; nothing was merged before
    CHECK(psql.exec("SELECT COUNT(*) FROM events WHERE summary_en IS NOT NULL") == "0");
    const auto merged = d.ctl({"merge", "--kind", "summaries", "--batch-id", batch});
    INFO(merged.out << merged.err);
    REQUIRE(merged.code == 0);

    // 5. Verify in database
    CHECK(psql.exec("SELECT COUNT(*) FROM events WHERE summary_model = 'gpt-4o-mini'") == "100");

    // Verify idempotency: rerun same batch to confirm skipped_count matches
    const auto again = d.ctl_json({"merge", "--kind", "summaries", "--batch-id", batch});
    CHECK(again["updated"] == 0);
    CHECK(again["skipped_count"] == 100);

    // Check batch status, by the provider's id and by ours
    CHECK(d.ctl({"status", "--batch-id", batch}).code == 0);
    CHECK(d.ctl({"status", "--batch-id", "1"}).code == 0);

    // 6. Run full pipeline
    const auto full = d.ctl({"run", "--mode", "enrich", "--auto", "--wait"});
    INFO(full.out << full.err);
    REQUIRE(full.code == 0);
    CHECK(psql.exec("SELECT COUNT(*) FROM events WHERE summary_en IS NULL OR embedding IS NULL") == "0");
    CHECK(psql.exec("SELECT COUNT(DISTINCT summary_version) || ' ' || COUNT(DISTINCT embedding_version) FROM "
                    "events") == "1 1");
    CHECK(d.ctl_json({"run", "--auto", "--wait"})["run"]["requests"] == 0);
}

TEST_CASE("an edited or foreign file is refused, with the way to rebuild it", "[programs][postgres]") {
    auto& server = postgres_server::shared();
    deployment d({.database_url = filled_database(server, 10)});
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);
    const auto file = d.path("out.jsonl").string();
    REQUIRE(d.ctl({"build", "--kind", "embeddings", "--out", file}).code == 0);
    write_file(file, read_file(file) + "{}\n");
    const auto refused = d.ctl({"submit", "--kind", "embeddings", "--input", file});
    CHECK(refused.code == 7);
    CHECK(refused.err.find("build") != std::string::npos);
    CHECK(d.truth()["files"].empty());
}

TEST_CASE("a database that stops in the middle only delays the merge", "[programs][postgres]") {
    postgres_server server;
    const auto url = filled_database(server, 30);
    deployment d({.database_url = url, .batch_seconds = "1"});
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);
    REQUIRE(d.ctl({"run", "--auto"}).code == 0);
    server.stop("immediate");
    const auto waiting = d.ctl({"poll", "r1", "--timeout", "3s"});
    CHECK(waiting.code == 9);
    server.start();
    const auto done = d.ctl({"poll", "r1"});
    INFO(done.out << done.err << d.daemon_log());
    CHECK(done.code == 0);
    CHECK(postgres_client(url).exec(
              "SELECT COUNT(*) FROM events WHERE summary_en IS NULL OR embedding IS NULL") == "0");
}

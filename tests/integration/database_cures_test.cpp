// A database that spoils a job in the middle: the job is held with reason and fix, others go on, the cure is
// enough.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/deployment.hpp"
#include "tests/support/postgres_server.hpp"

#include <string>
#include <vector>

using namespace enrichd::test;
using enrichd::tests::postgres_client;
using enrichd::tests::postgres_server;
using nlohmann::json;

namespace {

constexpr auto role = "cures_enricher";

struct illness {
    const char* name;
    std::vector<std::string> spoil; ///< statements, each a transaction
    std::vector<std::string> cure;  ///< none: the statement that the message names
    const char* code;
    const char* says;
    bool spares_summaries = true;
};

const std::vector<illness>& illnesses() {
    static const std::vector<illness> all = {
        {"the right to update is revoked",
         {"REVOKE UPDATE ON events FROM cures_enricher; GRANT UPDATE (summary_en, summary_model, summary_ts, "
          "summary_version, summary_source_hash) ON events TO cures_enricher"},
         {},
         "target_blocked",
         "role cures_enricher may not"},
        {"the column is dropped",
         {"ALTER TABLE events DROP COLUMN embedding"},
         {"ALTER TABLE events ADD COLUMN embedding vector(1536)"},
         "target_blocked",
         "embedding"},
        {"the column gets another type",
         {"ALTER TABLE events ALTER COLUMN embedding TYPE integer USING NULL"},
         {"ALTER TABLE events ALTER COLUMN embedding TYPE vector(1536) USING NULL"},
         "target_blocked",
         "is of type integer"},
        {"statements are cancelled",
         {"CREATE FUNCTION cancel() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM "
          "pg_cancel_backend(pg_backend_pid()); PERFORM pg_sleep(20); RETURN NEW; END $$; CREATE TRIGGER "
          "cancel "
          "BEFORE UPDATE OF embedding ON events FOR EACH ROW EXECUTE FUNCTION cancel()"},
         {"DROP TRIGGER cancel ON events"},
         "target_unavailable",
         "(57014)"},
        {"the server only reads",
         {"ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"},
         {"ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()"},
         "target_unavailable",
         "read-only",
         false},
    };
    return all;
}

// A database of events of which each has one document, owned by the role that enrichd works as.
struct patient {
    patient() : name(postgres_server::shared().create_database()) {
        postgres_client admin(postgres_server::shared().url());
        admin.exec("DO $$ BEGIN CREATE ROLE cures_enricher LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; "
                   "END $$");
        exec("CREATE TABLE events (event_id text PRIMARY KEY, authority text, event_hash text, title text, "
             "pub_date "
             "date, summary_en text, embedding vector(1536)); CREATE TABLE documents (document_id text "
             "PRIMARY KEY, "
             "event_id text REFERENCES events, clean_text text); INSERT INTO events (event_id, authority, "
             "event_hash, "
             "title) SELECT 'e-' || n, 'BOT', 'h' || n, 'Notice ' || n FROM generate_series(1, 12) AS n; "
             "INSERT INTO "
             "documents SELECT event_id, event_id, 'The authority published ' || title || '. ' || repeat('It "
             "concerns "
             "banks and insurers. ', 8) FROM events; ALTER TABLE events OWNER TO cures_enricher; ALTER TABLE "
             "documents "
             "OWNER TO cures_enricher; GRANT CREATE ON SCHEMA public TO cures_enricher");
    }
    ~patient() { // the server is every test's
        exec("ALTER SYSTEM RESET default_transaction_read_only");
        exec("SELECT pg_reload_conf()");
    }
    patient(const patient&) = delete;
    patient& operator=(const patient&) = delete;

    std::string exec(const std::string& sql) const {
        postgres_client client(postgres_server::shared().url(name));
        client.exec("SET default_transaction_read_only = off");
        return client.exec(sql);
    }
    std::string url() const { return postgres_server::shared().url(name, role); }

    std::string name;
};

// "...; as its owner, run: GRANT ..."
std::string statement_of(const std::string& message) {
    const auto at = message.find("GRANT ");
    return at == message.npos ? "SELECT 'the message names no GRANT' / 0" : message.substr(at);
}

bool is_merged(const json& job) {
    return job["state"] == "merged";
}

bool is_blocked(const json& job) {
    return !job["blocked"].is_null() && job["state"] == "fetched";
}

std::string job_of(const deployment& d, const std::string& kind) {
    const auto all = d.ctl_json({"jobs", "--all"});
    for (const auto& job : all["jobs"])
        if (job["kind"] == kind) return job["id"].get<std::string>();
    throw std::runtime_error("no job of " + kind);
}

bool is_told_by_status(const deployment& d, const json& blocked) {
    const auto status = d.ctl_json({"status"});
    for (const auto& alert : status["alerts"])
        if (alert["message"] == blocked["message"] && alert["code"] == blocked["code"]) return true;
    return false;
}

} // namespace

TEST_CASE("a database that spoils a merge holds its job with reason and fix, and once cured the job goes on",
          "[programs][postgres][cures]") {
    const auto which = GENERATE(range(0, 5));
    const bool by_command = GENERATE(true, false);
    const auto& ill = illnesses()[static_cast<std::size_t>(which)];
    CAPTURE(ill.name, by_command);
    const patient p;
    deployment d({.database_url = p.url(), .batch_seconds = "1"});
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);
    REQUIRE(d.ctl({"run", "--auto"}).code == 0);
    for (const auto& sql : ill.spoil)
        p.exec(sql);

    const auto spoiled = job_of(d, "embeddings");
    const auto job = d.job_when(spoiled, is_blocked);
    CAPTURE(job.dump(1), d.daemon_log());
    REQUIRE(is_blocked(job));
    CHECK(job["blocked"]["code"] == ill.code);
    const auto message = job["blocked"]["message"].get<std::string>();
    CHECK(message.find(ill.says) != std::string::npos);
    CHECK(job["blocked"]["hint"].get<std::string>().find("enrichctl retry " + spoiled) != std::string::npos);
    CHECK(is_told_by_status(d, job["blocked"]));
    if (ill.spares_summaries) CHECK(is_merged(d.job_when(job_of(d, "summaries"), is_merged)));

    for (const auto& sql : ill.cure.empty() ? std::vector{statement_of(message)} : ill.cure)
        p.exec(sql);
    if (by_command) CHECK(d.ctl({"retry", spoiled}).code == 0);
    CHECK(d.ctl({"poll", "r1", "--timeout", "90s"}).code == 0);
    CHECK(p.exec("SELECT count(*) FROM events WHERE summary_en IS NULL OR embedding IS NULL") == "0");
    CHECK(d.truth()["batches"].size() == 2);
    CHECK(d.booked_tokens() == d.billed_tokens());
    CHECK(d.ctl_json({"run", "--auto", "--wait"})["run"]["requests"] == 0);
}

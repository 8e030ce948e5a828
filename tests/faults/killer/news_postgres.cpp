// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/killer/news_postgres.hpp"

#include "tests/support/process.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace enrichd::killer {

namespace {

using tests::postgres_client;

constexpr const char* role = "enricher";

// As the migrations leave them, and as a person would look for them: nothing of enrichd's own code is asked.
constexpr const char* all_rows = R"SQL(
    SELECT coalesce(json_agg(json_build_object(
        'key', event_id, 'summary', summary_en, 'summary_version', summary_version,
        'embedding', embedding::text, 'embedding_version', embedding_version)), '[]') FROM events
)SQL";

constexpr const char* no_values = R"SQL(
    UPDATE events SET summary_en = NULL, summary_model = NULL, summary_ts = NULL, summary_version = NULL,
        summary_source_hash = NULL, embedding = NULL, embedding_model = NULL, embedding_ts = NULL,
        embedding_version = NULL, embedding_source_hash = NULL;
    TRUNCATE enrichd_merge_log
)SQL";

constexpr const char* cut_off =
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'enricher'";

void fill(const std::string& url, int rows) {
    const auto done = test::run(
        {"sh", "-c", "set -e; \"$0\" --postgres --schema --limit \"$1\" | psql -qX -v ON_ERROR_STOP=1 \"$2\"",
         ENRICHD_CHANGELOG_ROWS, std::to_string(rows), url});
    if (done.code != 0) throw std::runtime_error("changelog_rows | psql: " + done.err);
    // A second document for a third of the rows.
    postgres_client(url).exec(
        "INSERT INTO documents SELECT gen_random_uuid(), event_id, left(clean_text, 700) FROM documents "
        "WHERE get_byte(uuid_send(event_id), 0) % 3 = 0");
}

} // namespace

tests::postgres_server& news_server() {
    auto& server = tests::postgres_server::shared();
    static const bool has_role = [&] {
        postgres_client(server.url()).exec(fmt::format("CREATE ROLE {} LOGIN", role));
        server.require_password(role);
        return true;
    }();
    (void)has_role;
    return server;
}

news_in_postgres::news_in_postgres(const round_plan& p, const std::filesystem::path&)
    : database_(server_.create_database()), password_(p.password_text()) {
    fill(server_.url(database_), p.rows);
    exec(fmt::format(
        "ALTER ROLE {0} PASSWORD '{1}'; ALTER TABLE events OWNER TO {0}; ALTER TABLE documents OWNER TO "
        "{0}; GRANT CREATE ON SCHEMA public TO {0}",
        role, password_));
    const auto plain = server_.url(database_, role); // postgresql:///name?host=...&user=...
    const auto encoded = percent_encoded(password_);
    if (p.password == password_place::environment)
        url_ = plain;
    else if (p.password == password_place::word)
        url_ = plain + "&password=" + encoded;
    else
        url_ = fmt::format("postgresql://{}:{}@{}", role, encoded,
                           plain.substr(std::string("postgresql://").size()));
}

news_in_postgres::~news_in_postgres() {
    try {
        let_go();
        restart();
        postgres_client client(server_.url());
        client.exec("SET client_min_messages = error"); // a round that failed may have no copy
        for (const auto& name : {database_, database_ + "_copy"})
            client.exec(fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", name));
    } catch (const std::exception&) {
        // It goes with the server.
    }
}

std::string news_in_postgres::exec_in(const std::string& database, const std::string& sql) {
    if (is_down_) throw std::runtime_error("the server is down");
    postgres_client client(server_.url(database));
    client.exec("SET default_transaction_read_only = off; SET lock_timeout = '3s'");
    return client.exec(sql);
}

void news_in_postgres::hold() {
    if (is_down_) return;
    holder_.emplace(server_.url(database_));
    holder_->exec("SET lock_timeout = '3s'");
    holder_->exec("BEGIN; LOCK TABLE events IN ACCESS EXCLUSIVE MODE");
}

void news_in_postgres::crash() {
    if (is_down_) return;
    holder_.reset();
    server_.stop("immediate");
    is_down_ = true;
}

void news_in_postgres::restart() {
    if (!is_down_) return;
    server_.start();
    is_down_ = false;
}

std::vector<trick> news_in_postgres::tricks() const {
    return {
        {"the right to update is revoked",
         {"REVOKE UPDATE ON events FROM enricher"},
         {"GRANT UPDATE ON events TO enricher"}},
        {"the column of summaries is renamed",
         {"ALTER TABLE events RENAME COLUMN summary_en TO summary_away"},
         {"ALTER TABLE events RENAME COLUMN summary_away TO summary_en"}},
        {"the column of embeddings has another type",
         {"ALTER TABLE events RENAME COLUMN embedding TO embedding_away; ALTER TABLE events ADD COLUMN "
          "embedding integer"},
         {"ALTER TABLE events DROP COLUMN embedding; ALTER TABLE events RENAME COLUMN embedding_away TO "
          "embedding"}},
        {"the server only reads",
         {"ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"},
         {"ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()"}},
        {"statements get a millisecond",
         {"ALTER ROLE enricher SET statement_timeout = '1ms'", cut_off},
         {"ALTER ROLE enricher RESET statement_timeout", cut_off}},
        {"the password is another",
         {"ALTER ROLE enricher PASSWORD 'another'", cut_off},
         {fmt::format("ALTER ROLE enricher PASSWORD '{}'", password_)}},
        {"connections are cut", {cut_off}, {}},
        {"statements are cancelled",
         {"SELECT pg_cancel_backend(pid) FROM pg_stat_activity, generate_series(1, 20), LATERAL "
          "pg_sleep(0.02) "
          "WHERE usename = 'enricher'"},
         {}},
    };
}

void news_in_postgres::audit() {
    exec(R"SQL(
        CREATE TABLE killer_audit (event_id text, kind text, digest text, hash text);
        CREATE FUNCTION killer_audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN
            INSERT INTO killer_audit
            SELECT NEW.event_id, TG_ARGV[0], md5(string_agg(clean_text, '|' ORDER BY document_id)),
                   to_jsonb(NEW) ->> TG_ARGV[0]
            FROM documents WHERE event_id = NEW.event_id AND to_jsonb(NEW) ->> TG_ARGV[0] IS NOT NULL;
            RETURN NULL;
        END $$;
        CREATE TRIGGER audit_summaries AFTER UPDATE OF summary_en ON events FOR EACH ROW
            EXECUTE FUNCTION killer_audit('summary_source_hash');
        CREATE TRIGGER audit_embeddings AFTER UPDATE OF embedding ON events FOR EACH ROW
            EXECUTE FUNCTION killer_audit('embedding_source_hash'))SQL");
}

std::string news_in_postgres::snapshot() {
    return exec(all_rows);
}

std::string news_in_postgres::copy_without_values() {
    const auto copy = database_ + "_copy";
    exec_in("postgres", fmt::format("CREATE DATABASE {} TEMPLATE {}", copy, database_));
    exec_in(copy, no_values);
    return server_.url(copy);
}

std::string news_in_postgres::snapshot_of_copy() {
    return exec_in(database_ + "_copy", all_rows);
}

std::string news_in_postgres::log() const {
    return server_.log();
}

} // namespace enrichd::killer

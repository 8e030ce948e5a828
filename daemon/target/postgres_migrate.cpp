// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/postgres_migrate.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/target/migration_text.hpp"
#include "daemon/target/postgres_sql.hpp"

namespace enrichd::target {

namespace {

using namespace std::chrono_literals;

constexpr auto look_limit = 2min;
constexpr auto step_limit = 2min;
constexpr auto index_limit = 60min; ///< it waits for every older transaction, and reads the table twice

constexpr const char* migrate_settings_sql =
    "SELECT set_config('lock_timeout', '3s', true), set_config('statement_timeout', "
    "'60s', true)";

/// Vector indexes of the table: each update of a row that is not HOT enters it there anew.
constexpr const char* vector_indexes_sql =
    "SELECT i.relname, m.amname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_am m ON "
    "m.oid = i.relam "
    "WHERE x.indrelid = to_regclass($1::text) AND m.amname IN ('hnsw', 'ivfflat') ORDER BY 1";

constexpr const char* key_is_unique_sql = "SELECT FROM pg_index x JOIN pg_attribute a ON a.attrelid = "
                                          "x.indrelid AND a.attnum = x.indkey[0] WHERE x.indrelid "
                                          "= to_regclass($1::text) AND a.attname = $2::text AND "
                                          "x.indisunique AND x.indisvalid AND x.indnkeyatts = 1 AND "
                                          "x.indpred IS NULL";

/// A unique index over exactly (authority, event_hash), or one of our name: its name, and whether it is
/// valid.
constexpr const char* unique_hash_sql = "SELECT x.indexrelid::regclass::text, x.indisvalid FROM pg_index x "
                                        "JOIN pg_class i ON i.oid = x.indexrelid WHERE "
                                        "x.indrelid = to_regclass($1::text) AND x.indisunique AND (i.relname "
                                        "= 'events_unique_hash' OR (x.indpred IS NULL "
                                        "AND x.indnkeyatts = 2 AND (SELECT array_agg(a.attname::text ORDER "
                                        "BY a.attname) FROM pg_attribute a WHERE "
                                        "a.attrelid = x.indrelid AND a.attnum = ANY(x.indkey)) = "
                                        "ARRAY['authority', 'event_hash'])) ORDER BY 2 DESC";

struct view {
    postgres_catalogue catalogue;
    std::string unique_index; ///< empty if there is none
    bool unique_index_valid = false;
    bool key_is_unique = false;
    std::vector<std::pair<std::string, std::string>> vector_indexes; ///< name, method
};

error failed(const postgres_connection& c, std::string_view doing, const sql_failure& f) {
    return to_error(fmt::format("{} {}", doing, c.place()), f);
}

awaitable<result<view>> look(postgres_connection& c, const postgres_settings& s) {
    std::vector<sql_step> steps = {{unique_hash_sql, {s.target.table}},
                                   {key_is_unique_sql, {s.target.table, s.target.key_column}},
                                   {vector_indexes_sql, {s.target.table}}};
    const auto first = steps.size();
    for (auto& step : catalogue_steps(s))
        steps.push_back(std::move(step));
    const auto reply = co_await c.run(std::move(steps), look_limit);
    if (!reply) co_return reply.error();
    if (reply->failure) co_return failed(c, "inspecting", *reply->failure);
    auto catalogue = read_catalogue(s, reply->results, first);
    if (!catalogue) co_return catalogue.error();
    view v{std::move(*catalogue), "", false, reply->results[1].size() != 0, {}};
    if (const auto& index = reply->results[0]; index.size() != 0) {
        v.unique_index = index.text(0, 0);
        v.unique_index_valid = index.boolean(0, 1);
    }
    const auto& vectors = reply->results[2];
    for (int i = 0; i < vectors.size(); ++i)
        v.vector_indexes.emplace_back(vectors.text(i, 0), vectors.text(i, 1));
    co_return v;
}

std::vector<migration> texts(const postgres_settings& s, const postgres_catalogue& c) {
    const auto& t = s.target;
    const bool plain = t.table == "events" && c.in_path;
    return migrations(sql_dialect::postgresql,
                      {.table = plain ? "events" : c.table,
                       .merge_log = plain ? "enrichd_merge_log" : c.log,
                       .summary_column = t.summary_column,
                       .embedding_column = t.embedding_column},
                      t.table == "events" && s.source.query.empty());
}

bool has_all_columns(const postgres_catalogue& c, const target_config& t) {
    for (const auto k : all_kinds)
        for (const auto& name : columns_of(k, t).all())
            if (name != t.embedding_column && !c.column(name)) return false;
    return true;
}

/// Some of the pairs that keep the unique index from being made.
awaitable<result<std::string>> duplicates(postgres_connection& c, std::string table) {
    std::vector<sql_step> steps = {
        {fmt::format(
             "SELECT authority::text, event_hash::text, count(*) FROM {} WHERE authority IS NOT NULL AND "
             "event_hash IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1 ORDER BY 3 DESC, 1, 2 LIMIT 5",
             table),
         {}}};
    const auto reply = co_await c.run(std::move(steps), look_limit);
    if (!reply) co_return reply.error();
    if (reply->failure) co_return failed(c, "looking for duplicates in", *reply->failure);
    std::string list;
    const auto& rows = reply->results[0];
    for (int i = 0; i < rows.size(); ++i)
        list += fmt::format("{}({}, {}) {} times", list.empty() ? "" : ", ", rows.text(i, 0), rows.text(i, 1),
                            rows.integer(i, 2));
    co_return list;
}

/// Why the unique index is not, and cannot be made now.
awaitable<result<std::string>> index_problem(postgres_connection& c, const view& v) {
    if (!v.unique_index.empty())
        co_return fmt::format(
            "the index {0} is invalid: it is being built, or a CREATE INDEX CONCURRENTLY failed. If "
            "nobody builds it, run: DROP INDEX {0}; and then: enrichctl migrate",
            v.unique_index);
    for (const auto name : {"authority", "event_hash"})
        if (!v.catalogue.column(name))
            co_return fmt::format("{} has no column {}, so there is no such rule", v.catalogue.table, name);
    const auto list = co_await duplicates(c, v.catalogue.table);
    if (!list) co_return list.error();
    if (list->empty()) co_return std::string();
    co_return fmt::format("duplicates of (authority, event_hash) forbid the unique index: {}", *list);
}

awaitable<result<migration_step>> look_at(postgres_connection& c, const postgres_settings& s, const view& v,
                                          migration m) {
    migration_step step{m.name, m.sql, false, false, {}};
    if (m.name == "0001_enrichment_columns") {
        step.applied = has_all_columns(v.catalogue, s.target);
        if (!v.catalogue.column(s.target.embedding_column))
            step.note = column_problem(v.catalogue, s.target, kind::embeddings, right::read);
    } else if (m.name == "0002_merge_log") {
        step.applied = v.catalogue.has_log || v.catalogue.log_is_barred;
    } else {
        step.applied = v.unique_index_valid;
        if (!step.applied) {
            auto note = co_await index_problem(c, v);
            if (!note) co_return note.error();
            step.note = std::move(*note);
        }
    }
    co_return step;
}

error refused(const postgres_connection& c, const migration_step& step, const sql_failure& f) {
    if (f.state == "42501")
        return {errc::target_blocked,
                fmt::format("migration {}: role {} may not: {} (42501). As the owner of the table, "
                            "run:\n{}",
                            step.name, c.role(), f.message, step.sql)};
    if (f.state == "55P03")
        return {errc::target_unavailable,
                fmt::format("migration {}: the table is locked by another session; nothing "
                            "was changed, try again later (55P03)",
                            step.name)};
    return to_error(fmt::format("migration {} of {}", step.name, c.place()), f);
}

awaitable<result<void>> apply_in_transaction(postgres_connection& c, const migration_step& step) {
    std::vector<sql_step> steps = {{"BEGIN", {}}, {migrate_settings_sql, {}}};
    for (auto& statement : split_statements(step.sql))
        steps.push_back({std::move(statement), {}});
    steps.push_back({"COMMIT", {}});
    const auto reply = co_await c.run(std::move(steps), step_limit);
    if (!reply) co_return reply.error();
    if (!reply->failure) co_return result<void>();
    std::vector<sql_step> undo = {{"ROLLBACK", {}}};
    const auto undone = co_await c.run(std::move(undo), step_limit);
    co_return refused(c, step, *reply->failure);
}

/// Takes no lock that a reader or writer would wait for, so there is no lock_timeout; a session's setting
/// would not be safe behind a pooler either.
awaitable<result<void>> make_index(postgres_connection& c, const postgres_settings& s,
                                   const migration_step& step) {
    std::vector<sql_step> make;
    for (auto& statement : split_statements(step.sql))
        make.push_back({std::move(statement), {}});
    const auto made = co_await c.run(std::move(make), index_limit);
    if (!made) co_return made.error();
    if (!made->failure) co_return result<void>();
    const auto now = co_await look(c, s);
    if (now && !now->unique_index.empty() && !now->unique_index_valid) {
        std::vector<sql_step> drop = {{"DROP INDEX CONCURRENTLY IF EXISTS " + now->unique_index, {}}};
        const auto dropped = co_await c.run(std::move(drop), step_limit);
        if (!dropped) co_return dropped.error();
    }
    // Duplicates that came meanwhile are told of by the plan.
    if (made->failure->state == "23505") co_return result<void>();
    co_return refused(c, step, *made->failure);
}

} // namespace

awaitable<result<column_report>> inspect_postgres(postgres_connection& c, const postgres_settings& s,
                                                  enrichd::kind k) {
    const auto v = co_await look(c, s);
    if (!v) {
        if (v.error().code != errc::target_blocked) co_return v.error();
        column_report report;
        report.problem = v.error().detail;
        co_return report;
    }
    column_report report;
    report.problem = column_problem(v->catalogue, s.target, k, right::write);
    if (report.problem.empty()) report.problem = source_problem(v->catalogue, s);
    report.ready = report.problem.empty();
    const auto* column = v->catalogue.column(s.target.embedding_column);
    if (k == kind::embeddings && column && column->modifier > 0)
        report.dimensions = static_cast<std::uint32_t>(column->modifier);
    if (!v->key_is_unique)
        report.warnings.push_back(
            fmt::format("{}.{} has no unique index of its own: each merge searches the whole "
                        "table",
                        v->catalogue.table, s.target.key_column));
    for (const auto& [name, method] : v->vector_indexes)
        report.warnings.push_back(
            fmt::format("the {} index {} makes merges of either kind many times slower; consider "
                        "dropping it for the run and creating it again afterwards",
                        method, name));
    co_return report;
}

awaitable<result<std::vector<migration_step>>> plan_postgres_migration(postgres_connection& c,
                                                                       const postgres_settings& s) {
    const auto v = co_await look(c, s);
    if (!v) co_return v.error();
    std::vector<migration_step> steps;
    for (const auto& m : texts(s, v->catalogue)) {
        auto step = co_await look_at(c, s, *v, m);
        if (!step) co_return step.error();
        steps.push_back(std::move(*step));
    }
    co_return steps;
}

awaitable<result<std::vector<migration_step>>> migrate_postgres(postgres_connection& c,
                                                                const postgres_settings& s) {
    const auto plan = co_await plan_postgres_migration(c, s);
    if (!plan) co_return plan;
    for (const auto& step : *plan) {
        if (step.applied) continue;
        if (step.name != "0003_unique_hash") {
            if (auto done = co_await apply_in_transaction(c, step); !done) co_return done.error();
        } else if (step.note.empty()) {
            if (auto done = co_await make_index(c, s, step); !done) co_return done.error();
        }
    }
    auto after = co_await plan_postgres_migration(c, s);
    if (after) mark_applied_now(*after, *plan);
    co_return after;
}

} // namespace enrichd::target

// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/sqlite_schema.hpp"

#include <fmt/format.h>

#include "daemon/target/migration_text.hpp"

namespace enrichd::target {

namespace {

bool object_exists(sqlite::database& db, std::string_view type, std::string_view name) {
    sqlite::statement find(db, "SELECT 1 FROM sqlite_schema WHERE type = ? AND name = ? COLLATE NOCASE");
    return find(type, name).next();
}

std::vector<migration> texts(const sqlite_settings& s) {
    const auto& t = s.target;
    const bool original = t.table == "events" && s.source.query.empty();
    return migrations(sql_dialect::sqlite,
                      {.table = t.table == "events" ? t.table : quote_identifier(t.table),
                       .merge_log = "enrichd_merge_log",
                       .summary_column = t.summary_column,
                       .embedding_column = t.embedding_column},
                      original);
}

/// The column that "ALTER TABLE t ADD COLUMN c TYPE" adds.
std::string added_column(const std::string& statement) {
    constexpr std::string_view words = "ADD COLUMN ";
    auto rest = std::string_view(statement).substr(statement.find(words) + words.size());
    if (!rest.starts_with('"')) return std::string(rest.substr(0, rest.find(' ')));
    std::string name;
    for (std::size_t i = 1; i < rest.size() && (rest[i] != '"' || rest.substr(i, 2) == "\"\""); ++i) {
        name += rest[i];
        if (rest[i] == '"') ++i;
    }
    return name;
}

std::vector<std::string> missing_columns(sqlite::database& db, const sqlite_settings& s, const migration& m) {
    const auto columns = table_columns(db, s.target.table);
    std::vector<std::string> statements;
    for (auto& statement : split_statements(m.sql))
        if (!has_column(columns, added_column(statement))) statements.push_back(std::move(statement));
    return statements;
}

/// Some of the pairs that keep the unique index from being made.
std::string duplicates(sqlite::database& db) {
    sqlite::statement find(
        db, "SELECT authority, event_hash, count(*) FROM events WHERE authority IS NOT NULL AND "
            "event_hash IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1 ORDER BY 3 DESC, 1, 2 LIMIT 5");
    std::string list;
    for (auto row = find(); row.next();)
        list += fmt::format("{}({}, {}) {} times", list.empty() ? "" : ", ", row.text(0), row.text(1),
                            row.integer(2));
    return list;
}

std::string index_problem(sqlite::database& db) {
    const auto columns = table_columns(db, "events");
    for (const auto column : {"authority", "event_hash"})
        if (!has_column(columns, column))
            return fmt::format("events has no column {}, so there is no such rule", column);
    const auto list = duplicates(db);
    return list.empty()
               ? ""
               : fmt::format("duplicates of (authority, event_hash) forbid the unique index: {}", list);
}

migration_step look_at(sqlite::database& db, const sqlite_settings& s, const migration& m) {
    migration_step step{m.name, m.sql, false, false, {}};
    if (m.name == "0001_enrichment_columns") {
        step.applied = missing_columns(db, s, m).empty();
    } else if (m.name == "0002_merge_log") {
        step.applied = object_exists(db, "table", "enrichd_merge_log");
    } else {
        step.applied = object_exists(db, "index", "events_unique_hash");
        if (!step.applied) step.note = index_problem(db);
    }
    return step;
}

std::string missing_words(const std::vector<std::string>& columns,
                          const std::vector<std::string_view>& wanted) {
    std::string missing;
    for (const auto column : wanted)
        if (!has_column(columns, column)) missing += fmt::format("{}{}", missing.empty() ? "" : ", ", column);
    return missing;
}

bool is_unique(sqlite::database& db, const target_config& t) {
    // An INTEGER PRIMARY KEY has no index of its own.
    sqlite::statement find(
        db, "SELECT 1 FROM pragma_table_info(?1) WHERE name = ?2 COLLATE NOCASE AND pk = 1 AND "
            "(SELECT max(pk) FROM pragma_table_info(?1)) = 1 UNION ALL "
            "SELECT 1 FROM pragma_index_list(?1) l WHERE l.\"unique\" AND NOT l.partial AND "
            "(SELECT group_concat(name) FROM pragma_index_info(l.name)) = ?2 COLLATE NOCASE");
    return find(t.table, t.key_column).next();
}

std::string problem_of(sqlite::database& db, const sqlite_settings& s, enrichd::kind k) {
    const auto columns = table_columns(db, s.target.table);
    if (columns.empty()) return fmt::format("there is no table {}; set [target] table", s.target.table);
    if (!has_column(columns, s.target.key_column))
        return fmt::format("{} has no column {}; set [target] key_column", s.target.table,
                           s.target.key_column);
    const auto names = columns_of(k, s.target);
    const auto all = names.all();
    if (const auto missing = missing_words(columns, {all.begin(), all.end()}); !missing.empty())
        return fmt::format("{} lacks {}; run: enrichctl migrate", s.target.table, missing);
    if (!object_exists(db, "table", "enrichd_merge_log"))
        return "there is no table enrichd_merge_log; run: enrichctl migrate";
    const auto source = sqlite_source(db, s, "");
    return source ? "" : source.error().detail;
}

} // namespace

column_report inspect_sqlite(sqlite::database& db, const sqlite_settings& s, enrichd::kind k) {
    column_report report;
    report.problem = problem_of(db, s, k);
    report.ready = report.problem.empty();
    if (report.ready && !is_unique(db, s.target))
        report.warnings.push_back(
            fmt::format("{}.{} has no unique index of its own: each merged value searches the "
                        "whole table",
                        s.target.table, s.target.key_column));
    return report;
}

result<std::vector<migration_step>> plan_sqlite_migration(sqlite::database& db, const sqlite_settings& s) {
    if (table_columns(db, s.target.table).empty())
        return error{errc::target_blocked,
                     fmt::format("there is no table {}; set [target] table", s.target.table)};
    std::vector<migration_step> steps;
    for (const auto& m : texts(s))
        steps.push_back(look_at(db, s, m));
    return steps;
}

result<std::vector<migration_step>> migrate_sqlite(sqlite::database& db, const sqlite_settings& s) {
    auto before = plan_sqlite_migration(db, s);
    if (!before) return before;
    for (const auto& m : texts(s)) {
        sqlite::transaction tx(db);
        const auto step = look_at(db, s, m);
        if (step.applied || !step.note.empty()) continue;
        for (const auto& statement :
             m.name == "0001_enrichment_columns" ? missing_columns(db, s, m) : split_statements(m.sql))
            db.exec(statement);
        tx.commit();
    }
    auto after = plan_sqlite_migration(db, s);
    if (after) mark_applied_now(*after, *before);
    return after;
}

} // namespace enrichd::target

// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/sqlite_connection.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <strings.h>

#include "core/sha256.hpp"

namespace enrichd::target {

namespace {

using namespace std::string_view_literals;

sha256_digest hash_source(std::span<const std::string_view> arguments) {
    return sha256().update(arguments[0]).update("\0"sv).update(arguments[1]).finish();
}

/// `alias`.`column` under its own name, or NULL where the table has none.
std::string column_or_null(const std::vector<std::string>& columns, std::string_view alias,
                           std::string_view column, std::string_view as) {
    if (!has_column(columns, column)) return fmt::format("NULL AS {}", as);
    return fmt::format("{}.{} AS {}", alias, column, as);
}

/// Whether a database with this error is worth another try later.
bool may_pass(int code) {
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_PROTOCOL:
    case SQLITE_INTERRUPT: return true;
    default: return false;
    }
}

std::string_view fix_for(const sqlite::sqlite_error& e) {
    const std::string_view text = e.what();
    switch (e.code() & 0xff) {
    case SQLITE_CANTOPEN: return "; the file and its folder must exist and be accessible: see [database] url";
    case SQLITE_READONLY: return "; the daemon's user needs write access to the file and its folder";
    case SQLITE_NOTADB: return "; [database] url must name a SQLite file";
    case SQLITE_CORRUPT: return "; check the file with: PRAGMA integrity_check";
    default: break;
    }
    return text.find("no such ") != std::string_view::npos
               ? "; look at [source], [target] and enrichctl migrate --plan"
               : "";
}

/// Title, date and authority of the table's own rows, where it has them.
std::string row_columns(const std::vector<std::string>& table) {
    return fmt::format("{}, {}, {}", column_or_null(table, "e", "title", "title"),
                       column_or_null(table, "e", "pub_date", "date"),
                       column_or_null(table, "e", "authority", "authority"));
}

/// The table alone: one of its columns is the text.
result<std::string> column_source(sqlite::database& db, const sqlite_settings& s,
                                  std::string_view only_keys) {
    const auto& text = s.source.text_column;
    const auto& table = s.target.table;
    const auto columns = table_columns(db, table);
    if (text.empty())
        return error{errc::target_blocked,
                     fmt::format("there is no table documents beside {} that holds the texts; {}", table,
                                 text_column_hint(table))};
    if (!has_column(columns, text)) return error{errc::target_blocked, no_text_column(table, text)};
    const auto key = quote_identifier(s.target.key_column);
    return fmt::format("SELECT e.{0} AS key, nullif(e.{1}, '') AS text, {2} FROM {3} e{4}", key,
                       quote_identifier(text), row_columns(columns), quote_identifier(table),
                       only_keys.empty() ? "" : fmt::format(" WHERE e.{} IN {}", key, only_keys));
}

/// The table with the texts of its documents: each that is not empty, in order, a blank line between.
/// A window, because an aggregate's order is not defined before SQLite 3.44.
result<std::string> document_source(sqlite::database& db, const sqlite_settings& s,
                                    const std::vector<std::string>& documents, std::string_view only_keys) {
    for (const auto column : {"event_id", "document_id", "clean_text"})
        if (!has_column(documents, column))
            return error{errc::target_blocked,
                         fmt::format("documents has no column {}; {}", column, source_query_hint)};
    const auto key = quote_identifier(s.target.key_column);
    const auto only = [&](std::string_view column, std::string_view word) {
        return only_keys.empty() ? "" : fmt::format(" {} {} IN {}", word, column, only_keys);
    };
    return fmt::format(
        "SELECT e.{key} AS key, d.text AS text, {columns} FROM {table} e LEFT JOIN (SELECT event_id, text "
        "FROM "
        "(SELECT event_id, row_number() OVER in_order AS n, group_concat(clean_text, char(10, 10)) OVER "
        "(in_order ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS text FROM documents WHERE "
        "clean_text <> ''{only_documents} WINDOW in_order AS (PARTITION BY event_id ORDER BY document_id)) "
        "WHERE n = 1) d ON d.event_id = e.{key}{only_rows}",
        fmt::arg("key", key), fmt::arg("columns", row_columns(table_columns(db, s.target.table))),
        fmt::arg("table", quote_identifier(s.target.table)),
        fmt::arg("only_documents", only("event_id", "AND")),
        fmt::arg("only_rows", only("e." + key, "WHERE")));
}

/// The columns that the user's query yields.
std::vector<std::string> query_columns(sqlite::database& db, const std::string& query) {
    db.exec("DROP VIEW IF EXISTS temp.enrichd_source");
    db.exec(fmt::format("CREATE TEMP VIEW enrichd_source AS SELECT * FROM {}", as_subquery(query)));
    const sqlite::statement read(db, "SELECT * FROM enrichd_source"); // says what is wrong with the query
    return table_columns(db, "enrichd_source");
}

} // namespace

sqlite::database open_sqlite_target(const sqlite_settings& s) {
    sqlite::database db(s.path, sqlite::open_mode::read_write);
    db.exec(fmt::format("PRAGMA busy_timeout = {}", s.busy_ms));
    db.define(std::string(sqlite_source_hash_function), 2, hash_source);
    db.exec("CREATE TEMP TABLE enrichd_slice (candidate);"
            "CREATE TEMP TABLE enrichd_selection (id INTEGER PRIMARY KEY, key, authority, date_ms, why)");
    return db;
}

error sqlite_failure(std::string_view doing, const sqlite::sqlite_error& e) {
    const auto code = may_pass(e.code()) ? errc::target_unavailable : errc::target_blocked;
    return {code, fmt::format("{}: {}{}", doing, e.what(), fix_for(e))};
}

bool is_refused_value(const sqlite::sqlite_error& e) {
    const int code = e.code() & 0xff;
    return code == SQLITE_CONSTRAINT || code == SQLITE_TOOBIG || code == SQLITE_MISMATCH;
}

std::vector<std::string> table_columns(sqlite::database& db, const std::string& table) {
    std::vector<std::string> names;
    sqlite::statement list(db, "SELECT name FROM pragma_table_xinfo(?) ORDER BY cid");
    for (auto row = list(table); row.next();)
        names.push_back(row.text(0));
    return names;
}

bool has_column(const std::vector<std::string>& columns, std::string_view name) {
    return std::ranges::any_of(columns, [&](const std::string& c) {
        return c.size() == name.size() && strncasecmp(c.data(), name.data(), name.size()) == 0;
    });
}

result<std::string> sqlite_source(sqlite::database& db, const sqlite_settings& s,
                                  std::string_view only_keys) {
    if (s.source.query.empty()) {
        const auto documents = table_columns(db, "documents");
        return documents.empty() ? column_source(db, s, only_keys)
                                 : document_source(db, s, documents, only_keys);
    }
    const auto columns = query_columns(db, s.source.query);
    for (const auto column : {"key", "text"})
        if (!has_column(columns, column))
            return error{errc::target_blocked,
                         fmt::format("[source] query yields no column {}; {}", column, source_query_hint)};
    return fmt::format("SELECT q.key AS key, q.text AS text, {}, {}, {} FROM {} q{}{}",
                       column_or_null(columns, "q", "title", "title"),
                       column_or_null(columns, "q", "date", "date"),
                       column_or_null(columns, "q", "authority", "authority"), as_subquery(s.source.query),
                       only_keys.empty() ? "" : " WHERE q.key IN ", only_keys);
}

std::string sqlite_key_text(std::string_view column) {
    return fmt::format(
        "CASE typeof({0}) WHEN 'blob' THEN 'x''' || hex({0}) || '''' ELSE CAST({0} AS TEXT) END", column);
}

} // namespace enrichd::target

// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/sqlite_read.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

namespace enrichd::target {

namespace {

constexpr std::int64_t piece_bytes = 1 << 20;
constexpr std::int64_t piece_rows = 500;

/// UTC milliseconds of a date in any of SQLite's usual forms: ISO text (with or without a zone), or a number
/// of seconds or, from 1e11 on, milliseconds since 1970. NULL for what is none of these.
constexpr std::string_view date_ms_sql =
    "CASE typeof(s.date) WHEN 'integer' THEN CASE WHEN abs(s.date) < 100000000000 THEN s.date * 1000 ELSE "
    "s.date END "
    "WHEN 'real' THEN CAST(round(s.date * 1000) AS INTEGER) "
    "WHEN 'text' THEN CASE WHEN s.date GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*' THEN "
    "CAST(round((julianday(s.date) - 2440587.5) * 86400000) AS INTEGER) END END";

std::string select_sql(const sqlite_settings& s, const selection& what, const std::string& source) {
    const auto columns = columns_of(what.want.kind, s.target);
    const auto hash = source_hash_sql(sql_dialect::sqlite, "s.title", "s.text");
    std::string sql =
        fmt::format("INSERT INTO temp.enrichd_selection (key, authority, date_ms, why) SELECT * FROM (SELECT "
                    "t.{key} AS key, "
                    "s.authority AS authority, {date} AS date_ms, {need} AS why FROM ({source}) s JOIN "
                    "{table} t ON t.{key} = "
                    "s.key WHERE t.{key} IS NOT NULL) WHERE true",
                    fmt::arg("key", quote_identifier(s.target.key_column)), fmt::arg("date", date_ms_sql),
                    fmt::arg("need", row_need_sql("t", columns, what.want, hash)), fmt::arg("source", source),
                    fmt::arg("table", quote_identifier(s.target.table)));
    if (what.since_ms) sql += fmt::format(" AND date_ms >= {}", *what.since_ms);
    for (std::size_t i = 0; i < what.authorities.size(); ++i)
        sql += fmt::format("{} ?", i == 0 ? " AND authority IN (" : ",");
    if (!what.authorities.empty()) sql += ")";
    return sql + " ORDER BY date_ms DESC NULLS LAST, key";
}

void select(sqlite::database& db, const std::string& sql, const std::vector<std::string>& authorities) {
    sqlite::statement fill(db, sql);
    auto use = fill();
    for (const auto& a : authorities)
        use.bind(a);
    use.run();
}

/// A key that comes twice would be bought twice.
std::optional<error> find_duplicate(sqlite::database& db) {
    sqlite::statement find(
        db, fmt::format("SELECT {} FROM temp.enrichd_selection GROUP BY key HAVING count(*) > 1 "
                        "LIMIT 1",
                        sqlite_key_text("key")));
    auto row = find();
    if (!row.next()) return std::nullopt;
    return error{
        errc::target_blocked,
        fmt::format("the source yields the key {} more than once; [source] query must yield one row a key, "
                    "and the target's key column must be unique",
                    row.text(0))};
}

constexpr std::string_view piece_keys = "(SELECT key FROM temp.enrichd_selection WHERE id > ?1 AND id <= ?2 "
                                        "AND why IN ('value', 'version', 'text_changed'))";

} // namespace

result<std::unique_ptr<sqlite_selection>> sqlite_selection::open(const sqlite_settings& s,
                                                                 const selection& what) {
    auto db = open_sqlite_target(s);
    const auto source = sqlite_source(db, s, "");
    if (!source) return source.error();
    select(db, select_sql(s, what, *source), what.authorities);
    if (const auto twice = find_duplicate(db)) return *twice;
    const auto of_keys = sqlite_source(db, s, piece_keys);
    if (!of_keys) return of_keys.error();
    return std::unique_ptr<sqlite_selection>(new sqlite_selection(std::move(db), *of_keys));
}

sqlite_selection::sqlite_selection(sqlite::database db, std::string source)
    : db_(std::move(db)),
      index_(db_, fmt::format(
                      "SELECT id, {}, authority, date_ms, why FROM temp.enrichd_selection WHERE id > ? ORDER "
                      "BY id LIMIT ?",
                      sqlite_key_text("key"))),
      texts_(db_, fmt::format("SELECT {}, title, text FROM ({})", sqlite_key_text("key"), source)) {}

std::vector<source_row> sqlite_selection::next() {
    while (true) {
        auto rows = read_index();
        if (rows.empty()) return rows;
        read_texts(rows);
        if (!rows.empty()) return rows; // else all of them were deleted since the selection
    }
}

std::vector<source_row> sqlite_selection::read_index() {
    std::vector<source_row> rows;
    for (auto row = index_(last_, wanted_); row.next();) {
        last_ = row.integer(0);
        rows.push_back({.key = row.text(1),
                        .authority = row.text(2),
                        .date_ms = row.optional_integer(3),
                        .title = {},
                        .text = {},
                        .why = parse_need(row.text(4)).value()});
    }
    return rows;
}

void sqlite_selection::read_texts(std::vector<source_row>& rows) {
    std::unordered_map<std::string, source_row*> missing;
    for (auto& row : rows)
        if (needs_work(row.why)) missing.emplace(row.key, &row);
    const auto count = static_cast<std::int64_t>(rows.size());
    std::int64_t bytes = 1;
    for (auto found = texts_(last_ - count, last_); found.next();) {
        const auto at = missing.find(found.text(0));
        if (at == missing.end()) continue;
        at->second->title = found.text(1);
        at->second->text = found.optional_text(2);
        bytes += static_cast<std::int64_t>(at->second->title.size() + at->second->text.value_or("").size());
        missing.erase(at);
    }
    std::erase_if(rows, [&](const source_row& row) { return missing.contains(row.key); });
    wanted_ = std::clamp(count * piece_bytes / bytes, std::int64_t{1}, piece_rows);
}

} // namespace enrichd::target

// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/postgres_sql.hpp"

#include "daemon/target/postgres_binary.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace enrichd::target {

namespace {

std::string key_of(const target_config& t) {
    return quote_identifier(t.key_column);
}

/// The slice's keys in the type of this column.
std::string keys_as(const postgres_column& column) {
    return fmt::format("ANY($1::text[]::{}[])", column.type);
}

std::string column_or_null(bool there, std::string_view expression, std::string_view type,
                           std::string_view as) {
    return there ? fmt::format("{} AS {}", expression, as) : fmt::format("NULL::{} AS {}", type, as);
}

/// Title, date and authority of the table's own rows, where it has them.
std::string row_columns(const postgres_catalogue& c) {
    return fmt::format("{}, {}, {}", column_or_null(c.column("title"), "e.title::text", "text", "title"),
                       column_or_null(c.column("pub_date"), "e.pub_date", "date", "date"),
                       column_or_null(c.column("authority"), "e.authority", "text", "authority"));
}

std::string only_slice(const postgres_catalogue& c, const target_config& t, bool of_slice) {
    return of_slice ? fmt::format(" WHERE e.{} = {}", key_of(t), keys_as(*c.column(t.key_column))) : "";
}

/// The table alone: one of its columns is the text.
result<std::string> column_source(const postgres_catalogue& c, const postgres_settings& s, bool of_slice) {
    const auto& text = s.source.text_column;
    if (text.empty())
        return error{errc::target_blocked,
                     fmt::format("there is no table documents beside {0} that holds the texts; {1}", c.table,
                                 text_column_hint(c.table))};
    if (!c.column(text)) return error{errc::target_blocked, no_text_column(c.table, text)};
    return fmt::format("SELECT e.{} AS key, nullif(e.{}::text, '') AS text, {} FROM {} e{}", key_of(s.target),
                       quote_identifier(text), row_columns(c), c.table, only_slice(c, s.target, of_slice));
}

/// The table joined with its documents: each that is not empty, in order, a blank line between.
result<std::string> document_source(const postgres_catalogue& c, const target_config& t, bool of_slice) {
    for (const auto name : {"event_id", "document_id", "clean_text"})
        if (!c.document_column(name))
            return error{errc::target_blocked,
                         fmt::format("{} has no column {}; {}", c.documents, name, source_query_hint)};
    // Restricted on both sides: the planner does not carry an ANY() through the join into the aggregate.
    const auto only_documents =
        of_slice ? " AND event_id = " + keys_as(*c.document_column("event_id")) : std::string();
    return fmt::format(
        "SELECT e.{key} AS key, d.text AS text, {columns} FROM {table} e LEFT JOIN "
        "(SELECT event_id, string_agg(clean_text, E'\\n\\n' ORDER BY document_id) AS text FROM "
        "{documents} WHERE clean_text <> ''{only_documents} GROUP BY event_id) d ON d.event_id = "
        "e.{key}{only_rows}",
        fmt::arg("key", key_of(t)), fmt::arg("columns", row_columns(c)), fmt::arg("table", c.table),
        fmt::arg("documents", c.documents), fmt::arg("only_documents", only_documents),
        fmt::arg("only_rows", only_slice(c, t, of_slice)));
}

result<std::string> query_source(const postgres_catalogue& c, const postgres_settings& s, bool of_slice) {
    const auto has = [&](std::string_view name) {
        return std::ranges::find(c.query_columns, name) != c.query_columns.end();
    };
    for (const auto name : {"key", "text"})
        if (!has(name))
            return error{errc::target_blocked,
                         fmt::format("[source] query yields no column {}; {}", name, source_query_hint)};
    const auto* key = c.column(s.target.key_column);
    // Where the types differ, the join alone restricts the query.
    const auto only =
        of_slice && key->type_oid == c.query_key_oid ? " WHERE q.key = " + keys_as(*key) : std::string();
    return fmt::format("SELECT q.key AS key, q.text::text AS text, {}, {}, {} FROM {} q{}",
                       column_or_null(has("title"), "q.title::text", "text", "title"),
                       column_or_null(has("date"), "q.date", "date", "date"),
                       column_or_null(has("authority"), "q.authority", "text", "authority"),
                       as_subquery(s.source.query), only);
}

result<std::string> source_sql(const postgres_catalogue& c, const postgres_settings& s, bool of_slice) {
    if (!s.source.query.empty()) return query_source(c, s, of_slice);
    return c.documents.empty() ? column_source(c, s, of_slice) : document_source(c, s.target, of_slice);
}

/// UTC, since the transaction's time zone is: dates and timestamps without a zone mean UTC.
constexpr std::string_view date_ms = "CASE WHEN isfinite(s.date::timestamptz) THEN "
                                     "(extract(epoch FROM s.date::timestamptz) * 1000)::bigint END";

std::string hash_sql() {
    return source_hash_sql(sql_dialect::postgresql, "s.title", "s.text");
}

std::string assignments(const target_config& t, enrichd::kind k, std::string_view value,
                        std::string_view hash) {
    const auto c = columns_of(k, t);
    return fmt::format("{} = {}, {} = {}, {} = $4::text, {} = $5::text, {} = now()",
                       quote_identifier(c.value), value, quote_identifier(c.source_hash), hash,
                       quote_identifier(c.model), quote_identifier(c.version), quote_identifier(c.ts));
}

} // namespace

result<sql_step> select_step(const postgres_catalogue& c, const postgres_settings& s, const selection& what) {
    const auto source = source_sql(c, s, false);
    if (!source) return source.error();
    std::string filter;
    if (what.since_ms)
        filter += fmt::format(" AND s.date::timestamptz >= to_timestamp({} / 1000.0)", *what.since_ms);
    sql_step step;
    if (!what.authorities.empty()) {
        filter += " AND s.authority::text = ANY($1::text[])";
        const std::vector<std::string_view> names(what.authorities.begin(), what.authorities.end());
        step.parameters.push_back(binary_array(text_oid, names));
    }
    const auto open = needs_work_sql("why");
    // OFFSET 0 keeps the planner from computing the need, and with it the hash, once for each of its uses;
    // above it only texts that are needed are sorted and sent.
    step.sql = fmt::format(
        "SELECT key::text, authority, date_ms, why, CASE WHEN {open} THEN title END, CASE WHEN {open} THEN "
        "text END "
        "FROM (SELECT t.{key} AS key, s.authority::text AS authority, {date_ms} AS date_ms, {need} AS why, "
        "s.title, "
        "s.text FROM ({source}) s JOIN {table} t ON t.{key} = s.key WHERE true{filter} OFFSET 0) r "
        "ORDER BY date_ms DESC NULLS LAST, r.key",
        fmt::arg("open", open), fmt::arg("key", key_of(s.target)), fmt::arg("date_ms", date_ms),
        fmt::arg("need", row_need_sql("t", columns_of(what.want.kind, s.target), what.want, hash_sql())),
        fmt::arg("source", *source), fmt::arg("table", c.table), fmt::arg("filter", filter));
    return step;
}

std::string source_problem(const postgres_catalogue& c, const postgres_settings& s) {
    const auto source = source_sql(c, s, false);
    return source ? "" : source.error().detail;
}

std::optional<sql_step> duplicate_step(const postgres_settings& s) {
    if (s.source.query.empty()) return std::nullopt;
    return sql_step{
        fmt::format("SELECT key::text FROM {} q WHERE key IS NOT NULL GROUP BY key HAVING count(*) > 1 "
                    "LIMIT 1",
                    as_subquery(s.source.query)),
        {}};
}

std::string lock_sql(const postgres_catalogue& c, const target_config& t) {
    return fmt::format("SELECT FROM {} t WHERE t.{} = {} ORDER BY t.{} FOR NO KEY UPDATE OF t", c.table,
                       key_of(t), keys_as(*c.column(t.key_column)), key_of(t));
}

result<std::string> state_sql(const postgres_catalogue& c, const postgres_settings& s, const wanted& want) {
    const auto source = source_sql(c, s, true);
    if (!source) return source.error();
    const auto need = row_need_sql("t", columns_of(want.kind, s.target), want, hash_sql());
    return fmt::format(
        "SELECT t.{0}::text, {1}, {2} FROM ({3}) s JOIN {4} t ON t.{0} = s.key WHERE t.{0} = {5}",
        key_of(s.target), need, hash_sql(), *source, c.table, keys_as(*c.column(s.target.key_column)));
}

result<std::string> recheck_sql(const postgres_catalogue& c, const postgres_settings& s, const wanted& want) {
    const auto source = source_sql(c, s, true);
    if (!source) return source.error();
    return fmt::format(
        "SELECT key, why, is_other, CASE WHEN is_other THEN title END, CASE WHEN is_other THEN text END FROM "
        "(SELECT key, why, {open} AND current <> sent AS is_other, title, text FROM "
        "(SELECT t.{key}::text AS key, {need} AS why, {hash} AS current, v.hash AS sent, s.title, s.text "
        "FROM ({source}) s JOIN {table} t ON t.{key} = s.key "
        "JOIN unnest($1::text[], $2::bytea[]) AS v (key, hash) ON v.key = t.{key}::text "
        "WHERE t.{key} = {keys} OFFSET 0) r) q",
        fmt::arg("open", needs_work_sql("why")), fmt::arg("key", key_of(s.target)),
        fmt::arg("need", row_need_sql("t", columns_of(want.kind, s.target), want, hash_sql())),
        fmt::arg("hash", hash_sql()), fmt::arg("source", *source), fmt::arg("table", c.table),
        fmt::arg("keys", keys_as(*c.column(s.target.key_column))));
}

std::string update_many_sql(const postgres_catalogue& c, const target_config& t, enrichd::kind k,
                            std::string_view value_type) {
    return fmt::format(
        "UPDATE {} t SET {} FROM unnest($1::text[]::{}[], $2::{}[], $3::bytea[]) AS v (key, value, "
        "hash) WHERE t.{} = v.key",
        c.table, assignments(t, k, "v.value", "v.hash"), c.column(t.key_column)->type, value_type, key_of(t));
}

std::string update_one_sql(const postgres_catalogue& c, const target_config& t, enrichd::kind k,
                           std::string_view value_type) {
    return fmt::format("UPDATE {} t SET {} WHERE t.{} = $1::text::{}", c.table,
                       assignments(t, k, fmt::format("$2::{}", value_type), "$3::bytea"), key_of(t),
                       c.column(t.key_column)->type);
}

} // namespace enrichd::target

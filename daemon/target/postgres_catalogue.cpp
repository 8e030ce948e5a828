// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/postgres_catalogue.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace enrichd::target {

namespace {

constexpr const char* table_sql =
    "SELECT format('%I.%I', n.nspname, c.relname), format('%I.enrichd_merge_log', n.nspname), l.oid IS NOT "
    "NULL, "
    "coalesce(has_table_privilege(l.oid, 'SELECT') AND has_table_privilege(l.oid, 'INSERT'), false), "
    "coalesce(n.nspname = current_schema(), false), quote_ident(current_user), "
    "CASE WHEN d.oid IS NULL THEN '' ELSE format('%I.%I', n.nspname, d.relname) END "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "LEFT JOIN pg_class l ON l.relnamespace = n.oid AND l.relname = 'enrichd_merge_log' "
    "LEFT JOIN pg_class d ON d.relnamespace = n.oid AND d.relname = 'documents' AND d.relkind IN ('r', 'p', "
    "'v', 'm', "
    "'f') WHERE c.oid = to_regclass($1::text)";

/// -1 as the modifier gives names without a length that mean any length: bpchar, where none would give
/// character.
constexpr std::string_view columns_sql =
    "SELECT a.attname, format_type(a.atttypid, -1), t.typname, a.atttypmod, a.atttypid, "
    "has_column_privilege(a.attrelid, a.attnum, 'UPDATE') FROM pg_attribute a JOIN pg_type t ON t.oid = "
    "a.atttypid "
    "WHERE a.attrelid = {} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

constexpr std::string_view documents_oid = "(SELECT d.oid FROM pg_class c JOIN pg_class d ON d.relnamespace "
                                           "= c.relnamespace AND d.relname = 'documents' "
                                           "WHERE c.oid = to_regclass($1::text))";

std::vector<postgres_column> read_columns(const sql_rows& rows) {
    std::vector<postgres_column> out;
    out.reserve(static_cast<std::size_t>(rows.size()));
    for (int i = 0; i < rows.size(); ++i)
        out.push_back({.name = rows.text(i, 0),
                       .type = rows.text(i, 1),
                       .type_name = rows.text(i, 2),
                       .modifier = static_cast<int>(rows.integer(i, 3)),
                       .type_oid = static_cast<std::uint32_t>(rows.integer(i, 4)),
                       .may_update = rows.boolean(i, 5)});
    return out;
}

const postgres_column* find(const std::vector<postgres_column>& columns, std::string_view name) {
    const auto at = std::ranges::find(columns, name, &postgres_column::name);
    return at == columns.end() ? nullptr : &*at;
}

error blocked(std::string detail) {
    return {errc::target_blocked, std::move(detail)};
}

void append(std::string& list, std::string_view word) {
    list += fmt::format("{}{}", list.empty() ? "" : ", ", word);
}

std::string vector_column_problem(const postgres_catalogue& c, const target_config& t) {
    const auto* column = c.column(t.embedding_column);
    if (!column)
        return fmt::format("{0} has no column {1}; its type is your choice: ALTER TABLE {0} ADD COLUMN {1} "
                           "vector(1536) with pgvector, or real[] without",
                           c.table, quote_identifier(t.embedding_column));
    if (!vector_type_of(*column))
        return fmt::format(
            "{}.{} is of type {}; enrichd writes vector, halfvec, real[] and double precision[]", c.table,
            quote_identifier(column->name), column->type);
    return "";
}

} // namespace

const postgres_column* postgres_catalogue::column(std::string_view name) const {
    return find(columns, name);
}

const postgres_column* postgres_catalogue::document_column(std::string_view name) const {
    return find(document_columns, name);
}

std::vector<sql_step> catalogue_steps(const postgres_settings& s) {
    std::vector<sql_step> steps = {
        {table_sql, {s.target.table}},
        {fmt::format(columns_sql, "to_regclass($1::text)"), {s.target.table}},
    };
    if (s.source.query.empty())
        steps.push_back({fmt::format(columns_sql, documents_oid), {s.target.table}});
    else
        steps.push_back({fmt::format("SELECT * FROM {} q LIMIT 0", as_subquery(s.source.query)), {}});
    return steps;
}

result<postgres_catalogue> read_catalogue(const postgres_settings& s, const std::vector<sql_rows>& results,
                                          std::size_t first) {
    const auto& table = results[first];
    if (table.size() == 0)
        return blocked(
            fmt::format("there is no table {} in the search path; set [target] table, with its schema if "
                        "need be",
                        s.target.table));
    postgres_catalogue c{.table = table.text(0, 0),
                         .log = table.text(0, 1),
                         .has_log = table.boolean(0, 2) && table.boolean(0, 3),
                         .log_is_barred = table.boolean(0, 2) && !table.boolean(0, 3),
                         .in_path = table.boolean(0, 4),
                         .role = table.text(0, 5),
                         .columns = read_columns(results[first + 1]),
                         .documents = table.text(0, 6),
                         .document_columns = {},
                         .query_columns = {}};
    if (s.source.query.empty()) {
        c.document_columns = read_columns(results[first + 2]);
    } else {
        c.query_columns = results[first + 2].columns();
        const auto key = std::ranges::find(c.query_columns, "key");
        if (key != c.query_columns.end())
            c.query_key_oid = results[first + 2].column_type(static_cast<int>(key - c.query_columns.begin()));
    }
    if (!c.column(s.target.key_column))
        return blocked(
            fmt::format("{} has no column {}; set [target] key_column", c.table, s.target.key_column));
    return c;
}

std::optional<vector_type> vector_type_of(const postgres_column& c) {
    if (c.type_name == "vector") return vector_type::vector;
    if (c.type_name == "halfvec") return vector_type::halfvec;
    if (c.type_name == "_float4") return vector_type::real_array;
    if (c.type_name == "_float8") return vector_type::double_array;
    return std::nullopt;
}

std::string grants_for(const postgres_catalogue& c, const target_config& t, enrichd::kind k) {
    std::string columns;
    for (const auto& name : columns_of(k, t).all())
        append(columns, quote_identifier(name));
    return fmt::format("GRANT SELECT, UPDATE ({}) ON {} TO {}; GRANT SELECT, INSERT ON {} TO {}", columns,
                       c.table, c.role, c.log, c.role);
}

std::string column_problem(const postgres_catalogue& c, const target_config& t, enrichd::kind k,
                           right needed) {
    if (k == kind::embeddings)
        if (auto problem = vector_column_problem(c, t); !problem.empty()) return problem;
    std::string missing;
    std::string barred;
    for (const auto& name : columns_of(k, t).all()) {
        const auto* column = c.column(name);
        if (!column)
            append(missing, name);
        else if (!column->may_update)
            append(barred, name);
    }
    if (!missing.empty()) return fmt::format("{} lacks {}; run: enrichctl migrate", c.table, missing);
    const auto hash = columns_of(k, t).source_hash;
    if (c.column(hash)->type_oid != 17)
        return fmt::format("{}.{} is of type {}, not bytea", c.table, hash, c.column(hash)->type);
    if (needed == right::read) return "";
    if (!c.has_log && !c.log_is_barred)
        return fmt::format("there is no table {}; run: enrichctl migrate", c.log);
    if (!barred.empty() || c.log_is_barred)
        return fmt::format("role {} may not write {}; as the owner, run: {}", c.role,
                           barred.empty() ? c.log : c.table + " (" + barred + ")", grants_for(c, t, k));
    return "";
}

} // namespace enrichd::target

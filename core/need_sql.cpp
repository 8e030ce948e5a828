// SPDX-License-Identifier: Apache-2.0
#include "core/need_sql.hpp"

#include <fmt/format.h>

namespace enrichd {

namespace {

constexpr need all_needs[] = {need::done,  need::legacy,  need::kept,
                              need::value, need::version, need::text_changed};

std::string quote(std::string_view text, char mark) {
    text = text.substr(0, text.find('\0'));
    std::string out(1, mark);
    for (const char c : text) {
        if (c == mark) out += mark;
        out += c;
    }
    return out += mark;
}

} // namespace

std::string need_sql(const need_terms& t) {
    return fmt::format("CASE WHEN {value} IS NULL THEN 'value' "
                       "WHEN {stored} IS NOT NULL AND {stored} <> {current} THEN 'text_changed' "
                       "WHEN {version} = {wanted} THEN 'done' "
                       "WHEN {version} = {legacy} THEN '{legacy_word}' "
                       "ELSE '{other_word}' END",
                       fmt::arg("value", t.value), fmt::arg("stored", t.stored_hash),
                       fmt::arg("current", t.current_hash), fmt::arg("version", t.version),
                       fmt::arg("wanted", t.wanted_version), fmt::arg("legacy", t.legacy_version),
                       fmt::arg("legacy_word", name(t.refresh_legacy ? need::version : need::legacy)),
                       fmt::arg("other_word", name(t.keep_versions ? need::kept : need::version)));
}

std::string needs_work_sql(std::string_view word_column) {
    std::string words;
    for (const need n : all_needs)
        if (needs_work(n)) words += fmt::format("{}'{}'", words.empty() ? "" : ", ", name(n));
    return fmt::format("{} IN ({})", word_column, words);
}

std::string source_hash_sql(sql_dialect d, std::string_view title, std::string_view text) {
    if (d == sql_dialect::sqlite) return fmt::format("{}({}, {})", sqlite_source_hash_function, title, text);
    return fmt::format("sha256(convert_to(coalesce({}, ''), 'UTF8') || '\\x00'::bytea || "
                       "convert_to(coalesce({}, ''), 'UTF8'))",
                       title, text);
}

std::string_view name(need n) {
    switch (n) {
    case need::done: return "done";
    case need::legacy: return "legacy";
    case need::kept: return "kept";
    case need::value: return "value";
    case need::version: return "version";
    case need::text_changed: return "text_changed";
    }
    return "";
}

std::optional<need> parse_need(std::string_view word) {
    for (const need n : all_needs)
        if (word == name(n)) return n;
    return std::nullopt;
}

std::string quote_identifier(std::string_view id) {
    return quote(id, '"');
}

std::string quote_literal(std::string_view text) {
    return quote(text, '\'');
}

} // namespace enrichd

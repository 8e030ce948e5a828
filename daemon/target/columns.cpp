// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/columns.hpp"

#include "core/overloaded.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace enrichd::target {

kind_columns columns_of(enrichd::kind k, const target_config& t) {
    if (k == kind::summaries)
        return {t.summary_column, "summary_model", "summary_ts", "summary_version", "summary_source_hash"};
    return {t.embedding_column, "embedding_model", "embedding_ts", "embedding_version",
            "embedding_source_hash"};
}

std::string row_need_sql(std::string_view alias, const kind_columns& c, const wanted& want,
                         std::string_view current_hash) {
    const auto column = [&](std::string_view name) {
        return fmt::format("{}.{}", alias, quote_identifier(name));
    };
    return need_sql({.value = column(c.value),
                     .version = column(c.version),
                     .stored_hash = column(c.source_hash),
                     .current_hash = std::string(current_hash),
                     .wanted_version = quote_literal(want.version),
                     .legacy_version = quote_literal(want.model + "-v1"),
                     .refresh_legacy = want.refresh_legacy,
                     .keep_versions = want.keep_versions});
}

std::string text_column_hint(std::string_view table) {
    return fmt::format("set [source] text_column to the column of {} that does, or {}", table,
                       source_query_hint.substr(std::string_view("set ").size()));
}

std::string no_text_column(std::string_view table, std::string_view column) {
    return fmt::format("{} has no column {}; set [source] text_column to the one that holds the texts", table,
                       column);
}

std::string as_subquery(std::string_view query) {
    const auto end = query.find_last_not_of(" \t\r\n;");
    // The newline ends a comment on the query's last line.
    return fmt::format("({}\n)", query.substr(0, end == std::string_view::npos ? 0 : end + 1));
}

std::string value_problem(const merge_row& row, std::uint32_t dimensions) {
    return std::visit(overloaded{
                          [](const std::string& text) -> std::string {
                              return text.find('\0') == std::string::npos ? "" : "the text holds a zero byte";
                          },
                          [&](const std::vector<float>& v) -> std::string {
                              if (v.empty()) return "the vector is empty";
                              if (dimensions != 0 && v.size() != dimensions)
                                  return fmt::format("the vector has {} dimensions, the column takes {}",
                                                     v.size(), dimensions);
                              const bool finite =
                                  std::ranges::all_of(v, [](float x) { return std::isfinite(x); });
                              return finite ? "" : "the vector holds a value that is not a finite number";
                          },
                      },
                      row.value);
}

} // namespace enrichd::target

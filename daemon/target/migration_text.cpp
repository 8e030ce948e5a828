// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/migration_text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

extern "C" {
extern const char enrichd_postgresql_0001_begin[], enrichd_postgresql_0001_end[];
extern const char enrichd_postgresql_0002_begin[], enrichd_postgresql_0002_end[];
extern const char enrichd_postgresql_0003_begin[], enrichd_postgresql_0003_end[];
extern const char enrichd_sqlite_0001_begin[], enrichd_sqlite_0001_end[];
extern const char enrichd_sqlite_0002_begin[], enrichd_sqlite_0002_end[];
extern const char enrichd_sqlite_0003_begin[], enrichd_sqlite_0003_end[];
}

namespace enrichd::target {

namespace {

bool is_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// Puts `to` in place of each whole word `from`, except in comments (our files have only whole-line ones).
std::string replace_word(std::string_view text, std::string_view from, std::string_view to) {
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
        const bool at_start = i == 0 || text[i - 1] == '\n';
        std::size_t end = i + 1;
        if (at_start && text.substr(i, 2) == "--")
            end = std::min(text.find('\n', i), text.size());
        else if (is_word(text[i]))
            while (end < text.size() && is_word(text[end]))
                ++end;
        const auto word = text.substr(i, end - i);
        out += word == from ? to : word;
        i = end;
    }
    return out;
}

std::string column_name(std::string_view original, const std::string& configured) {
    return configured == original ? configured : quote_identifier(configured);
}

} // namespace

std::vector<migration> migrations(sql_dialect d, const migration_names& names, bool with_unique_index) {
    using texts = std::array<std::string_view, 3>;
    const auto files = d == sql_dialect::postgresql
                           ? texts{{{enrichd_postgresql_0001_begin, enrichd_postgresql_0001_end},
                                    {enrichd_postgresql_0002_begin, enrichd_postgresql_0002_end},
                                    {enrichd_postgresql_0003_begin, enrichd_postgresql_0003_end}}}
                           : texts{{{enrichd_sqlite_0001_begin, enrichd_sqlite_0001_end},
                                    {enrichd_sqlite_0002_begin, enrichd_sqlite_0002_end},
                                    {enrichd_sqlite_0003_begin, enrichd_sqlite_0003_end}}};
    auto columns = replace_word(files[0], "summary_en", column_name("summary_en", names.summary_column));
    columns = replace_word(columns, "embedding", column_name("embedding", names.embedding_column));
    std::vector<migration> out = {
        {"0001_enrichment_columns", replace_word(columns, "events", names.table)},
        {"0002_merge_log", replace_word(files[1], "enrichd_merge_log", names.merge_log)},
    };
    if (with_unique_index) out.push_back({"0003_unique_hash", replace_word(files[2], "events", names.table)});
    return out;
}

void mark_applied_now(std::vector<migration_step>& steps, const std::vector<migration_step>& before) {
    for (auto& step : steps) {
        const auto same = std::ranges::find(before, step.name, &migration_step::name);
        step.applied_now = step.applied && same != before.end() && !same->applied;
    }
}

std::vector<std::string> split_statements(std::string_view sql) {
    std::vector<std::string> out;
    std::string statement;
    while (!sql.empty()) {
        const auto line = sql.substr(0, sql.find('\n'));
        sql.remove_prefix(std::min(line.size() + 1, sql.size()));
        if (line.starts_with("--") || line.empty()) continue;
        statement += line;
        if (line.ends_with(';'))
            out.push_back(std::move(statement)), statement.clear();
        else
            statement += '\n';
    }
    return out;
}

} // namespace enrichd::target

// The target's migrations: files of migrations/, carried by the program, with the names of the configured
// table.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/config.hpp"
#include "core/need_sql.hpp"
#include "daemon/target/target.hpp"

#include <string>
#include <vector>

namespace enrichd::target {

struct migration {
    std::string name; ///< "0001_enrichment_columns"
    std::string sql;
};

/// The names in the files are those of the original's schema; any other is put in their place, quoted.
struct migration_names {
    std::string table;     ///< as SQL; "events" stays as it is
    std::string merge_log; ///< as SQL
    std::string summary_column;
    std::string embedding_column;
};

/// In order. The unique index belongs to the original's `events` alone.
std::vector<migration> migrations(sql_dialect d, const migration_names& names, bool with_unique_index);

/// Marks the steps that were not applied before, and are now.
void mark_applied_now(std::vector<migration_step>& steps, const std::vector<migration_step>& before);

/// The statements of a text, without comments. Good for our own files, which have no semicolon inside a
/// literal.
std::vector<std::string> split_statements(std::string_view sql);

} // namespace enrichd::target

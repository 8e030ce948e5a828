// A connection to a SQLite target, and what its tables look like.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/config.hpp"
#include "daemon/target/columns.hpp"
#include "state/sqlite.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace enrichd::target {

/// What the target's calls share; kept alive by each that is under way on the pool.
struct sqlite_settings {
    std::string path;
    std::string name; ///< given by the user; empty: the path and the table
    source_config source;
    target_config target;
    int busy_ms = 5000; ///< how long another writer is waited for
};

/// Opens the file, which must exist, with the source hash function and the temporary tables. Throws
/// sqlite::sqlite_error.
sqlite::database open_sqlite_target(const sqlite_settings& s);

/// Runs `work`, and tells what SQLite threw as an error that says whether waiting may help. `doing` begins
/// its text.
template <class T>
result<T> guard_sqlite(std::string_view doing, const std::function<result<T>()>& work);

/// The error for a failed call, as guard_sqlite() gives it.
error sqlite_failure(std::string_view doing, const sqlite::sqlite_error& e);

/// Whether this failure is about the row's value, so that other rows may still be written.
bool is_refused_value(const sqlite::sqlite_error& e);

/// The columns of a table or view, in order; empty if there is no such table.
std::vector<std::string> table_columns(sqlite::database& db, const std::string& table);
bool has_column(const std::vector<std::string>& columns, std::string_view name);

/// The source as a SELECT that yields key, text, title, date and authority. `only_keys` restricts it to the
/// keys that a one-column subselect yields ("(SELECT ...)"); empty: all rows. Errors: target_blocked, naming
/// what to configure.
result<std::string> sqlite_source(sqlite::database& db, const sqlite_settings& s, std::string_view only_keys);

/// The text form of a key, which is what callers see of it: numbers and texts as themselves, a BLOB as x'..'.
std::string sqlite_key_text(std::string_view column);

template <class T>
result<T> guard_sqlite(std::string_view doing, const std::function<result<T>()>& work) {
    try {
        return work();
    } catch (const sqlite::sqlite_error& e) {
        return sqlite_failure(doing, e);
    }
}

} // namespace enrichd::target

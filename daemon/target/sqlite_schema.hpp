// What the tables of a SQLite target lack, and putting it there.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/target/sqlite_connection.hpp"
#include "daemon/target/target.hpp"

#include <vector>

namespace enrichd::target {

// All block, and throw sqlite::sqlite_error.

column_report inspect_sqlite(sqlite::database& db, const sqlite_settings& s, enrichd::kind k);

/// Errors: target_blocked if the table is not there at all.
result<std::vector<migration_step>> plan_sqlite_migration(sqlite::database& db, const sqlite_settings& s);
result<std::vector<migration_step>> migrate_sqlite(sqlite::database& db, const sqlite_settings& s);

} // namespace enrichd::target

// Values into a SQLite target.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/target/sqlite_connection.hpp"
#include "daemon/target/target.hpp"

namespace enrichd::target {

/// One slice in one transaction. Blocks. Throws sqlite::sqlite_error; errors as sqlite_source() has them.
result<merge_reply> merge_into_sqlite(sqlite::database& db, const sqlite_settings& s,
                                      const merge_slice& slice);

} // namespace enrichd::target

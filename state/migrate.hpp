// Brings a ledger to this program's schema.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "state/sqlite.hpp"

namespace enrichd {

/// "enrd" in ASCII: PRAGMA application_id of a ledger.
inline constexpr std::int64_t ledger_application_id = 0x656e7264;

/// Throws fatal_error for a foreign file, or a ledger of a newer program. To be called before anything is
/// written, the journal mode included.
void refuse_unknown_ledger(sqlite::database& db, const std::string& path);

/// The newest schema that this program knows.
std::int64_t ledger_schema();

/// Applies what is missing up to this schema, each step in one transaction with its PRAGMA user_version.
void migrate_ledger(sqlite::database& db, std::int64_t up_to = ledger_schema());

} // namespace enrichd

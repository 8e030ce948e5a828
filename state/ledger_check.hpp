// Whether a file may be taken for our ledger: asked before anything is written.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "state/sqlite.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace enrichd {

/// Below this size the ledger is checked at every start, which costs well under a second; a larger one only
/// if its last daemon was cut off.
inline constexpr std::uint64_t checked_at_every_start = 64ULL << 20;

/// Throws fatal_error(invalid_input), which says the way out, for a file that is no ledger, is damaged, has
/// no byte though the spool beside it has files, or is of a newer program; the ledger and its -wal are then
/// as they were, to the byte. errc::unavailable: another program holds a lock on it; errc::io: it cannot be
/// read. A file that is not there is no fault: it will be made.
void refuse_broken_ledger(const std::string& path);

/// What SQLite's own check finds wrong, at most 20 findings: structure, types and constraints; `thorough`
/// also that indexes and tables tell the same.
std::vector<std::string> check_structure(sqlite::database& db, bool thorough);

} // namespace enrichd

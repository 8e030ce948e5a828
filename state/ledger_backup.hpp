// A copy of the ledger while its daemon goes on, and whether a ledger is sound.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace enrichd {

/// Makes `copy`: the ledger at `path` as it is at one moment, whole, checked and durable, in a file of its
/// own without a log. Uses a connection of its own that only reads, so that it may run beside the daemon's,
/// on another thread. What was at `copy` is gone. Throws sqlite_error, or fatal_error: io, or internal if the
/// copy is not sound.
void back_up_ledger(const std::string& path, const std::string& copy);

/// What a look at the whole ledger found.
struct ledger_findings {
    std::vector<std::string> faults; ///< at most some twenty, in words; empty: it is sound
    std::int64_t jobs = 0;
    std::int64_t requests = 0; ///< that it has still: those of old jobs are forgotten
};

/// Reads all of the ledger at `path`, and writes nothing: SQLite's own check of structure, types and
/// references; and that the books add up. For each job whose requests are still there: as many requests as
/// its file has, its tally of each outcome is what the requests say, and what is reserved is the bound of
/// those that are open; a job that is being built has its sums at the end. For each job and run: its history
/// ends in its state. Throws sqlite_error where it cannot be read.
ledger_findings verify_ledger(const std::string& path);

} // namespace enrichd

// Whether what is left of a state directory can be gone on from, and holds what its ledger says.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/faults/sim/sim_provider.hpp"

#include <filesystem>
#include <string>
#include <vector>

struct sqlite3;

namespace enrichd::faults {

/// A digest of everything in all tables. Equal if and only if the ledger tells the same.
std::string content_of(sqlite3* ledger);

struct looked_into {
    std::string content; ///< of the ledger; empty: there is none, or one that was not made to its end
    std::vector<std::string> violations;
};

/// Opens the ledger as the daemon does, verifies all of it as `enrichctl verify` does, its books too, and
/// compares the files beside it with what it says of them: request files, fetched results, reports. Changes
/// the folder.
looked_into look_into(const std::filesystem::path& state, sim_provider& provider);

} // namespace enrichd::faults

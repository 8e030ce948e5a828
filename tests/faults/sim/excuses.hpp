// What of the provider's truth need not be in the ledger, and why.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "state/ledger.hpp"
#include "state/twin_table.hpp"
#include "tests/faults/sim/sim_provider.hpp"
#include "tests/faults/sim/simulation.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace enrichd::faults {

/// Empty where the batch is none of ours.
std::string submission_of(const sim_batch& b);
bool is_strangers(const sim_batch& b);

/// What the ledger knows of batches beside those that its jobs kept, by the batch's id.
using twins = std::map<std::string, twin_row>;
twins twins_of(sqlite::database& db, sim_provider& provider);

/// Whether the twin's job has the answers of another batch.
bool is_beside_another(sqlite::database& db, const twin_row& twin, sim_provider& provider);

/// Batches that were taken into the ledger by adopting.
std::set<std::string> adopted(sqlite::database& db);

/// Batches of which the user gave the answers up: by abandoning their run, or by cancelling it while the
/// provider did not name the files of one that had ended. Also those that ledgers before this one knew.
std::set<std::string> batches_given_up(sqlite::database& db, sim_provider& provider,
                                       const promises& promised);
std::set<std::string> batches_given_up(const std::filesystem::path& ledger_file, sim_provider& provider,
                                       const promises& promised);

} // namespace enrichd::faults

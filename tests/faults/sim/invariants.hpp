// What must hold after every case, whatever happened in it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "state/ledger.hpp"
#include "tests/faults/sim/sim_provider.hpp"
#include "tests/faults/sim/sim_target.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace enrichd::faults {

struct promises;

/// I4, at any moment: what a run spent, may have spent and may still spend is within its limit.
void check_budget(ledger& l, std::int64_t run_id, std::vector<std::string>& violations);

/// I2 to I5, when everything has ended: the ledger against the truths of provider and target. Where the case
/// did not come to its end, only what holds at any moment.
void check_books(const std::filesystem::path& ledger_file, sim_provider& provider, const sim_target& target,
                 const scenario& s, const promises& promised, bool ended,
                 std::vector<std::string>& violations);

/// Which runs and jobs have not ended, and what they say that they wait for.
std::string reasons_to_wait(ledger& l);

} // namespace enrichd::faults

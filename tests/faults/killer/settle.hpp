// After the faults: all work is brought to its end, with the commands that a user has.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/faults/killer/victim.hpp"

namespace enrichd::killer {

/// I7: within so many looks; what is left then is told in the daemon's own words. I5: a rerun buys nothing.
/// `lost_ledger`: what it knew is taken in first.
void settle(victim& v, bool lost_ledger, violations& out);

} // namespace enrichd::killer

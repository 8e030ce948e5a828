// A round: the real programs on a database of their own, killed and hindered as its seed says, then checked.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/faults/killer/victim.hpp"

namespace enrichd::killer {

struct round_result {
    violations found;
    int kills = 0;
    int stops = 0; ///< of the database
    std::size_t requests = 0;
    std::size_t rows = 0;
    int acknowledged = 0;
};

/// `keep`: where the round's folder is copied to if it fails; empty: nowhere. `trace`: tell each deed on
/// stderr.
round_result play(const round_plan& p, const std::filesystem::path& keep, bool trace);

} // namespace enrichd::killer

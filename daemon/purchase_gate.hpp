// Whether something new may be bought: not before it is known what an earlier life of the ledger bought.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"
#include "state/ledger.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace enrichd {

/// "2 batches at the provider are not in the ledger (...)", and what helps.
std::string tell_unknown(const std::string& installation, const std::vector<unknown_row>& batches);

/// Why no run may be built: batches stand in the ledger's list of unknown ones, or the look of this life was
/// not tried yet. Absent: it may. A provider that is away holds no building up.
std::optional<error> why_not_build(ledger& l);

/// Why no job may upload or submit. A look that failed is no look.
std::optional<error> why_not_send(ledger& l);

/// Waits for one of these.
bool is_held_at_gate(const waiting& w);

/// What waits for something that stands in the way no more is due now. Within a transaction of the caller's.
void release_held(ledger& l, std::int64_t now_ms);

} // namespace enrichd

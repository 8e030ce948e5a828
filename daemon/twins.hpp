// Batches that a submission has beside the one that its job kept: what they cost, and who is told.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/batch_status.hpp"
#include "state/ledger.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace enrichd {

/// Records a twin as it was seen just now, owes looks at it until it has ended, and then books what it cost,
/// once. Until that is known, and where the provider tells no usage of work that it did, the job's bound
/// counts as unproven. The report of a run that has ended is owed anew. `kept`: the job's own batch; empty:
/// it has none. Returns true if nobody knew of this twin yet. Within a transaction of the caller's.
bool record_twin(ledger& l, const job_row& job, const std::string& kept, const batch_object& twin,
                 std::int64_t now_ms);

/// The journal's word of a new twin, at the level of what a person must know.
void log_twin(const job_row& job, const std::string& kept, const batch_object& twin);

/// The longest wait of `[submit] reconcile_seconds`: what has not shown by then was not expected any more.
std::int64_t longest_look_wait_ms(const std::vector<double>& reconcile_seconds);

/// A job of which a submission was sent again, or given up while it was in doubt, may have a batch that no
/// look has shown yet: it is looked for once more after `wait_ms`; where the one that was found then may be
/// the first one's, after twice as long; when the provider has ended with the job; and a day later, when any
/// batch of it has ended. Within a transaction of the caller's.
void owe_looks_for_twins(ledger& l, const job_row& before, const job::state& next, std::int64_t now_ms,
                         std::int64_t wait_ms);

} // namespace enrichd

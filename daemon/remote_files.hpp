// The files of a job at the provider: when they are owed a delete.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/job.hpp"
#include "state/ledger.hpp"

#include <cstdint>

namespace enrichd {

/// Notes the files that a transition makes known, and owes their delete once the job has ended: of results,
/// only after all of them are merged, which is durable by then; of the request file, once no batch can need
/// it. What a job leaves that was given up stays until the provider lets it expire. Within a transaction of
/// the caller's.
void note_remote_files(ledger& l, const job_row& before, const job::state& next, const job::event::any& what,
                       std::int64_t now_ms);

} // namespace enrichd

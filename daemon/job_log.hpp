// Journal entries about jobs and runs: one a state change, never one a row.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/log.hpp"
#include "state/job_row.hpp"
#include "state/job_table.hpp"

#include <string_view>

namespace enrichd {

/// With ENRICHD_JOB, ENRICHD_RUN, ENRICHD_KIND, ENRICHD_STATE and, where known, ENRICHD_BATCH_ID.
void log_job(log::level l, const job_row& job, std::string_view message);

/// "job 7 (summaries): submitted -> polling"; quiet where the name of the state stays.
void log_transition(const job_row& before, const job_change& change);

/// "job 7 (summaries): built, 120 requests, at most $0.02".
void log_built(const job_row& job);

void log_run(log::level l, std::int64_t run_id, std::string_view message);

} // namespace enrichd

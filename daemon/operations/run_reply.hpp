// RUN objects of the control protocol, out of the ledger.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/run_summary.hpp"
#include "daemon/operations/job_reply.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace enrichd {

class run_reply {
public:
    run_reply(ledger& l, const spool& s, double deadline_hours)
        : ledger_(l), spool_(s), jobs_(l, s, deadline_hours) {}

    /// The RUN object; `with_jobs`: with its JOB objects.
    nlohmann::json object(const run_row& run, bool with_jobs);

private:
    nlohmann::json outcomes(const std::vector<job_row>& jobs, std::int64_t requests);
    nlohmann::json report_path(const run_row& run) const;

    ledger& ledger_;
    const spool& spool_;
    job_reply jobs_;
};

/// Why a refused run was refused.
std::string refusal_message(const run_row& run);

/// Counts of rows under their names in replies.
nlohmann::json row_object(const row_counts& rows);

/// The ids of jobs as replies hold them.
nlohmann::json job_names(const std::set<std::int64_t>& jobs);

} // namespace enrichd

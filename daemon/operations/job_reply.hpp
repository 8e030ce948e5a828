// JOB objects of the control protocol, out of the ledger.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/spool.hpp"
#include "state/ledger.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace enrichd {

/// Makes JOB objects (docs/control-protocol.md). Good for one reply: what it has looked up about a run is
/// kept.
class job_reply {
public:
    job_reply(ledger& l, const spool& s, double deadline_hours)
        : ledger_(l), spool_(s), deadline_hours_(deadline_hours), paused_(l.paused()) {}

    /// Without the details.
    nlohmann::json object(const job_row& job);
    nlohmann::json array(const std::vector<job_row>& jobs);

    /// With history, submissions, samples and files. `with_rows`: samples with what they say about a row's
    /// text.
    nlohmann::json details(const job_row& job, bool with_rows);

private:
    nlohmann::json file_place(const job_row& job);
    nlohmann::json submissions(const job_row& job, const std::vector<history_row>& history) const;
    nlohmann::json samples(const job_row& job, bool with_rows);

    ledger& ledger_;
    const spool& spool_;
    double deadline_hours_;
    bool paused_;
    std::map<std::int64_t, std::vector<job_row>> runs_; ///< jobs of the runs that were asked for
};

/// Counts by outcome, every outcome and "pending" (requests without one) with its number.
nlohmann::json outcome_object(const outcome_tallies::counts& ended, std::int64_t requests);

/// Rows that were written, and rows that a merge leaves alone: skipped, stale, gone.
std::int64_t updated_rows(const outcome_tallies& t);
std::int64_t skipped_rows(const outcome_tallies& t);

} // namespace enrichd

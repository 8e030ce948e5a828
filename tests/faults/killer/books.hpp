// The promises, checked from outside: what enrichctl says against the provider's truth and the database's
// rows.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/faults/killer/ledger_loss.hpp"
#include "tests/faults/killer/news.hpp"
#include "tests/faults/killer/victim.hpp"

namespace enrichd::killer {

class books {
public:
    books(test::deployment& d, victim& v, const round_plan& p, const ledger_loss& l, violations& out);

    /// I1: what was acknowledged is there, and is the same.
    void check_runs(const std::vector<nlohmann::json>& acknowledged);
    /// I2: each request has one outcome, each row of a run a place, and nothing is open.
    void check_outcomes();
    /// I3: one batch a submission, a second one stopped and followed, every batch known, no answer bought
    /// twice. Of a ledger that was lost those are known of which anything is to be had.
    void check_batches();
    /// I4: booked is what was billed; a lost ledger's too, by the batches that were adopted.
    void check_bills();

    std::size_t requests() const;

private:
    const nlohmann::json* twin(const std::string& batch_id) const;
    bool is_out_of_reach(const nlohmann::json& batch) const;
    std::string content_of(const std::string& file_id) const;
    std::vector<std::string> answered(const nlohmann::json& batch) const;
    nlohmann::json job_of_batch(const std::string& batch_id) const;

    test::deployment& deployment_;
    victim& victim_;
    const round_plan& plan_;
    const ledger_loss& loss_;
    violations& out_;
    nlohmann::json truth_;
    std::vector<nlohmann::json> jobs_; ///< with their details
};

/// I3, I4: a second batch, as the provider has it and as the ledger tells of it. It was stopped unless it had
/// ended by the time that it was found, was followed to its end, and what it cost is booked.
void check_twin(const nlohmann::json& batch, const nlohmann::json& twin, violations& out);

/// I5: the rows are those of a calm run on the same texts, but for summaries that another program wrote.
void check_rows(const std::string& rows, const std::string& calm_rows,
                const std::set<std::string>& enriched_elsewhere, violations& out);

} // namespace enrichd::killer

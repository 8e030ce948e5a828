// Whether the provider's queue takes another batch: limits by model, what is in it, and how often a batch may
// be made. The ledger is the memory; a job holds its place from the recorded intent on.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/config.hpp"
#include "core/model.hpp"
#include "daemon/clock.hpp"
#include "state/ledger.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace enrichd {

/// The most tokens of a model that an account may have enqueued, and who says so.
struct queue_limit {
    std::uint64_t tokens = 0; ///< as the provider counts them
    std::uint64_t used = 0;   ///< of these, by our count; fewer where the provider's is higher
    std::string
        source; ///< "[quota] summaries_tokens", "the table's for tier 1", "the provider's own, told ..."
};

/// What is configured counts first, else what the provider's refusals told, else the table's entry for
/// [quota] tier. Of the first two the lower one. Absent: none is known, and only a refusal will tell.
std::optional<queue_limit> limit_of_queue(ledger& l, const quota_config& c, const model& m);

/// Tokens of one request file, so that more than one job fits into the queue at a time. Absent: no limit is
/// known.
std::optional<std::uint64_t> tokens_of_file(ledger& l, const quota_config& c, const model& m);

/// Refusals that no limit explains, in a row, though nothing is in the queue: one sentence for each model.
std::vector<std::string> tell_stuck_queues(ledger& l);

class quota_gate {
public:
    /// References outlive the gate.
    quota_gate(ledger& l, const clock& c) : ledger_(l), clock_(c) {}

    void set_limits(quota_config c, std::shared_ptr<const model_catalogue> models) {
        config_ = c;
        models_ = std::move(models);
    }

    /// What a job may do that is about to send something.
    struct verdict {
        std::optional<waiting> hold; ///< it waits
        std::uint64_t cut_to = 0; ///< above 0: it can never fit, and is to be cut into jobs of so many tokens
        std::string why;          ///< of the cut
    };
    /// `creates`: a batch, for which there must be room; an upload needs none.
    verdict judge(const job_row& job, bool creates);

    /// True from the recorded intent to create a batch until that has ended.
    static bool holds_place(const job::state& s);

    /// The provider refused a batch of this job, for its queue is full. Within the caller's transaction.
    void note_refusal(const job_row& job, const std::string& words, double random);
    /// A batch of the model was taken. Within the caller's transaction.
    void note_taken(const std::string& model);
    /// A batch has ended: even a queue that is full beyond all accounts may have room. As let_in().
    void note_end(const std::string& model);
    /// There may be room: what fits now is due. Within the caller's transaction.
    void let_in(const std::string& model);
    /// The same of all models: the limits may be others.
    void let_in();

private:
    std::optional<model> known(const job_plan& plan) const;
    verdict judge_creation(const job_row& job, const std::optional<queue_limit>& limit);
    void use_less(quota_row& row);
    queue_room room(const std::string& model, const std::optional<queue_limit>& limit);
    std::optional<waiting> wait_for_hour(const job_row& job);
    std::optional<waiting> wait_for_queue(const job_row& job, const std::optional<queue_limit>& limit);

    ledger& ledger_;
    const clock& clock_;
    quota_config config_;
    std::shared_ptr<const model_catalogue> models_;
};

} // namespace enrichd

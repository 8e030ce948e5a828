// What is known of the provider's queue, by model, and what this ledger has in it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/admission.hpp"
#include "state/sqlite.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace enrichd {

/// A model's queue, as the provider's refusals told it.
struct quota_row {
    std::string model;
    std::optional<std::uint64_t> tokens; ///< the most that may be enqueued; absent: no refusal told it
    std::int64_t told_ms = 0;            ///< when
    std::int64_t percent = 100; ///< of a limit that is used: the provider counts more tokens than we do
    std::int64_t refusals = 0;  ///< in a row that no limit explains
    std::int64_t since_ms = 0;  ///< the first of these
    std::int64_t next_ms = 0;   ///< nothing is asked for before
    std::string text;           ///< the provider's words of the last refusal

    bool operator==(const quota_row&) const = default;
};

/// What waits or is worked on at the provider, of one model or of all.
struct in_queue {
    std::int64_t batches = 0;
    std::uint64_t tokens = 0;
    std::uint64_t requests = 0;
};

class quota_table {
public:
    explicit quota_table(sqlite::database& db);

    std::optional<quota_row> find(const std::string& model);
    std::vector<quota_row> list();
    void put(const quota_row& q);

    /// Batches that are, or may be, enqueued or at work: from the recorded intent to create one until it is
    /// seen to have ended; second batches of a job too.
    in_queue queued(const std::string& model);
    in_queue queued();
    /// Jobs of the model that are uploaded, may go on and wait for the queue, and this one.
    std::vector<queue_place> waiting(const std::string& model, std::int64_t and_job, std::int64_t now_ms);
    /// When the nth newest try to create a batch was, of those between these times; absent: there are fewer.
    std::optional<std::int64_t> nth_newest_creation(std::int64_t n, std::int64_t after_ms,
                                                    std::int64_t until_ms);

private:
    sqlite::statement find_, list_, put_, queued_, twins_, waiting_, nth_;
};

} // namespace enrichd

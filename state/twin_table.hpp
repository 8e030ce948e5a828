// Batches that a submission has beside the one that its job kept.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/batch_status.hpp"
#include "core/money.hpp"
#include "state/sqlite.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace enrichd {

struct twin_row {
    std::string batch_id;
    std::int64_t job_id = 0;
    std::string kept_batch; ///< the job's own; empty: it has none
    std::string status;     ///< the provider's last word about it
    std::int64_t completed = 0;
    token_usage used; ///< what it billed, once it has ended
    money cost;       ///< of that; part of what its job cost
    money unproven;   ///< bound of what it may have billed, where no usage was told
    std::int64_t found_ms = 0;
    bool ended = false; ///< and what it cost is booked: nothing of it changes any more

    bool operator==(const twin_row&) const = default;
};

class twin_table {
public:
    explicit twin_table(sqlite::database& db);

    std::optional<twin_row> find(const std::string& batch_id);
    /// The first time it is found, and at every later look.
    void put(const twin_row& twin);
    /// Oldest first.
    std::vector<twin_row> of_job(std::int64_t job_id);
    /// Of all jobs of a run, oldest first.
    std::vector<twin_row> of_run(std::int64_t run_id);
    /// All that were found since then, oldest first.
    std::vector<twin_row> found_since(std::int64_t ms);

private:
    sqlite::statement find_, put_, of_job_, of_run_, found_since_;
};

} // namespace enrichd

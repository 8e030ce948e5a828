// What failed in a job, as it is told to people: by cause, and by example.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/outcome.hpp"
#include "state/sqlite.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace enrichd {

/// How many, and an example.
struct outcome_count {
    outcome how{};
    std::string reason; ///< empty where counted by outcome alone
    int http_status = 0;
    std::int64_t count = 0;
    std::string sample_key;
};

/// A request that failed, with a row of it.
struct failed_sample {
    std::string key;
    outcome how{};
    int http_status = 0;
    std::string reason;
    std::uint64_t file_offset = 0; ///< of its line
    std::uint64_t file_length = 0;
};

class failure_table {
public:
    explicit failure_table(sqlite::database& db);

    /// The first failed requests of each outcome: all outcomes but ok, skipped, stale and gone.
    std::vector<failed_sample> samples(std::int64_t job_id, std::int64_t of_each);
    /// Failures by cause, most frequent first, each with a sample row.
    std::vector<outcome_count> causes(std::int64_t job_id, std::int64_t limit);

private:
    sqlite::statement samples_, causes_;
};

} // namespace enrichd

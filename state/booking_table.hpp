// The books in the ledger. What writes them is a trigger of the jobs' own money.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/batch_result.hpp"
#include "core/kind.hpp"
#include "core/money.hpp"
#include "state/sqlite.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace enrichd {

/// What one change of a job did to the money.
struct booking {
    std::int64_t id = 0;
    std::int64_t at_ms = 0;
    std::int64_t run_id = 0;
    std::int64_t job_id = 0;
    enrichd::kind kind{};
    std::string model;
    std::string batch_id; ///< the job's own, as far as it is known by now
    money reserved;       ///< less than 0: released
    money spent;
    money unproven; ///< may have been billed, though no usage was told; less than 0: it is known now
    token_usage used;
};

/// What a time, or a kind, cost.
struct outlay {
    money spent;
    money unproven; ///< second batches of a submission too
    money reserved; ///< of jobs that are on their way now, whenever they were begun
};

struct day_outlay {
    std::int64_t day_ms = 0; ///< 00:00 UTC
    money spent;
    token_usage used;
};

class booking_table {
public:
    explicit booking_table(sqlite::database& db);

    /// Booked then or later; of one kind, or of both.
    outlay since(std::int64_t since_ms, std::optional<enrichd::kind> k = {});
    /// Days of UTC with a booking, then or later, oldest first.
    std::vector<day_outlay> days(std::int64_t since_ms);
    /// At most `limit` that follow this id, in order.
    std::vector<booking> list(std::int64_t after, std::int64_t limit);

private:
    sqlite::statement booked_, of_twins_, reserved_, days_, list_;
};

} // namespace enrichd

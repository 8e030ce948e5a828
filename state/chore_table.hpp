// Calls that are owed to the provider beside the turns of jobs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "state/sqlite.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace enrichd {

enum class chore {
    find_twins,  ///< look through the provider's list for batches of a job beside its own
    follow_twin, ///< look at such a batch until it has ended
};

std::string_view name(chore c);

struct chore_row {
    chore what{};
    std::string subject; ///< of find_twins the job, of follow_twin the batch
    std::int64_t job_id = 0;
    std::int64_t due_ms = 0;
    std::int64_t failures = 0; ///< tries in a row that could not be done
};

class chore_table {
public:
    explicit chore_table(sqlite::database& db);

    /// Owed from then on; one that is owed already takes the new time.
    void owe(const chore_row& c);
    /// It was done, or is tried again later. Nothing where it was owed anew meanwhile.
    void done(const chore_row& c);
    void postpone(const chore_row& c, std::int64_t due_ms);
    /// The first whose time has come.
    std::optional<chore_row> due(std::int64_t now_ms);
    std::optional<std::int64_t> next_due();

private:
    sqlite::statement owe_, done_, postpone_, due_, next_due_;
};

} // namespace enrichd

// Which job has a row in flight, as seen by someone who reads the target meanwhile.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/kind.hpp"
#include "state/sqlite.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace enrichd {

/// The jobs that may write rows of a target from some moment on: those that were open then, and all that
/// are made later.
struct flight_mark {
    std::string target;
    enrichd::kind kind{};
    std::set<std::int64_t> open; ///< jobs that had not ended
    std::int64_t newest = 0;     ///< the last job that had been made
};

class flight_table {
public:
    explicit flight_table(sqlite::database& db);

    /// Jobs that are open and write rows of another target, with that target; at most `limit`.
    std::vector<std::pair<std::int64_t, std::string>> elsewhere(const std::string& target,
                                                                std::int64_t limit);

    /// To be taken before the target is read.
    flight_mark mark(const std::string& target, kind k);

    /// The job that has the row in flight, or had it at any time since the mark. What was read of the target
    /// after the mark says nothing of such a row: it may have been merged, and have ended here, after its
    /// reading.
    std::optional<std::int64_t> holder(const flight_mark& since, const std::string& key);

private:
    sqlite::statement elsewhere_, open_, newest_, jobs_of_row_;
};

} // namespace enrichd

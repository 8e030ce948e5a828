// SPDX-License-Identifier: Apache-2.0
#include "state/flight_table.hpp"

namespace enrichd {

flight_table::flight_table(sqlite::database& db)
    : elsewhere_(db,
                 "SELECT id, target FROM jobs WHERE ended_ms IS NULL AND target <> ? ORDER BY id LIMIT ?"),
      open_(db, "SELECT id FROM jobs WHERE ended_ms IS NULL AND target = ? AND kind = ?"),
      newest_(db, "SELECT COALESCE(MAX(id), 0) FROM jobs"),
      jobs_of_row_(db, R"SQL(
          SELECT job_id, state = 'open' FROM job_rows WHERE target = ? AND kind = ? AND key = ? ORDER BY job_id DESC
      )SQL") {}

std::vector<std::pair<std::int64_t, std::string>> flight_table::elsewhere(const std::string& target,
                                                                          std::int64_t limit) {
    std::vector<std::pair<std::int64_t, std::string>> all;
    auto jobs = elsewhere_(target, limit);
    while (jobs.next())
        all.emplace_back(jobs.integer(0), jobs.text(1));
    return all;
}

flight_mark flight_table::mark(const std::string& target, kind k) {
    flight_mark m{target, k, {}, 0};
    auto jobs = open_(target, name(k));
    while (jobs.next())
        m.open.insert(jobs.integer(0));
    auto newest = newest_();
    if (newest.next()) m.newest = newest.integer(0);
    return m;
}

std::optional<std::int64_t> flight_table::holder(const flight_mark& since, const std::string& key) {
    auto rows = jobs_of_row_(since.target, name(since.kind), key);
    while (rows.next()) {
        const auto job = rows.integer(0);
        // A row that is still open in a job that has ended waits for being sent again.
        if (rows.integer(1) != 0 || job > since.newest || since.open.contains(job)) return job;
    }
    return std::nullopt;
}

} // namespace enrichd

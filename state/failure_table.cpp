// SPDX-License-Identifier: Apache-2.0
#include "state/failure_table.hpp"

namespace enrichd {

failure_table::failure_table(sqlite::database& db)
    : samples_(db, R"SQL(
          SELECT COALESCE((SELECT MIN(r.key) FROM job_rows AS r WHERE r.job_id = q.job_id AND r.text = q.text), ''),
                 q.outcome, q.http_status, q.reason, q.file_offset, q.file_length
          FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY outcome ORDER BY number) AS place
                FROM requests
                WHERE job_id = ?1 AND outcome NOT IN ('ok', 'skipped', 'stale', 'gone')) AS q
          WHERE q.place <= ?2
          ORDER BY q.outcome, q.number
      )SQL"),
      causes_(db, R"SQL(
          SELECT q.outcome, q.reason, q.http_status, COUNT(*),
                 (SELECT MIN(r.key) FROM job_rows AS r WHERE r.job_id = q.job_id AND r.text = MIN(q.text))
          FROM requests AS q
          WHERE q.job_id = ?1 AND q.outcome IS NOT NULL AND q.outcome <> 'ok'
          GROUP BY q.outcome, q.reason, q.http_status
          ORDER BY COUNT(*) DESC, q.outcome, q.reason LIMIT ?2
      )SQL") {}

std::vector<failed_sample> failure_table::samples(std::int64_t job_id, std::int64_t of_each) {
    return samples_(job_id, of_each).all([](const auto& row) {
        return failed_sample{row.text(0),
                             parse_outcome(row.text(1)).value_or(outcome::missing),
                             static_cast<int>(row.integer(2)),
                             row.text(3),
                             static_cast<std::uint64_t>(row.integer(4)),
                             static_cast<std::uint64_t>(row.integer(5))};
    });
}

std::vector<outcome_count> failure_table::causes(std::int64_t job_id, std::int64_t limit) {
    std::vector<outcome_count> all;
    auto rows = causes_(job_id, limit);
    while (rows.next()) {
        const auto how = parse_outcome(rows.text(0));
        if (!how) continue; // the ledger is ours: it holds no other
        all.push_back({*how, rows.text(1), static_cast<int>(rows.integer(2)), rows.integer(3), rows.text(4)});
    }
    return all;
}

} // namespace enrichd

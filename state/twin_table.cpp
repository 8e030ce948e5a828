// SPDX-License-Identifier: Apache-2.0
#include "state/twin_table.hpp"

#include <fmt/format.h>

namespace enrichd {

namespace {

std::string select_twins(std::string_view rest) {
    return fmt::format(
        "SELECT batch_id, job_id, kept_batch, status, completed, used_input, used_cached, used_output, "
        "used_reasoning, cost_pd, unproven_pd, found_ms, ended FROM twins {}",
        rest);
}

twin_row read_twin(const sqlite::statement::use& r) {
    return {r.text(0),           r.integer(1),
            r.text(2),           r.text(3),
            r.integer(4),        {r.integer(5), r.integer(6), r.integer(7), r.integer(8)},
            money{r.integer(9)}, money{r.integer(10)},
            r.integer(11),       r.integer(12) != 0};
}

} // namespace

twin_table::twin_table(sqlite::database& db)
    : find_(db, select_twins("WHERE batch_id = ?")),
      put_(db, R"SQL(
          INSERT INTO twins (batch_id, job_id, kept_batch, status, completed, used_input, used_cached, used_output,
                             used_reasoning, cost_pd, unproven_pd, found_ms, ended)
          VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
          ON CONFLICT (batch_id) DO UPDATE
          SET status = ?4, completed = ?5, used_input = ?6, used_cached = ?7, used_output = ?8, used_reasoning = ?9,
              cost_pd = ?10, unproven_pd = ?11, ended = ?13
      )SQL"),
      of_job_(db, select_twins("WHERE job_id = ? ORDER BY found_ms, batch_id")),
      of_run_(db, select_twins(
                      "WHERE job_id IN (SELECT id FROM jobs WHERE run_id = ?) ORDER BY found_ms, batch_id")),
      found_since_(db, select_twins("WHERE found_ms >= ? ORDER BY found_ms, batch_id")) {}

std::optional<twin_row> twin_table::find(const std::string& batch_id) {
    auto row = find_(batch_id);
    if (!row.next()) return std::nullopt;
    return read_twin(row);
}

void twin_table::put(const twin_row& t) {
    put_(t.batch_id, t.job_id, t.kept_batch, t.status, t.completed, t.used.input_tokens, t.used.cached_tokens,
         t.used.output_tokens, t.used.reasoning_tokens, t.cost.picodollars, t.unproven.picodollars,
         t.found_ms, t.ended ? 1 : 0)
        .run();
}

std::vector<twin_row> twin_table::of_job(std::int64_t job_id) {
    return of_job_(job_id).all(read_twin);
}

std::vector<twin_row> twin_table::of_run(std::int64_t run_id) {
    return of_run_(run_id).all(read_twin);
}

std::vector<twin_row> twin_table::found_since(std::int64_t ms) {
    return found_since_(ms).all(read_twin);
}

} // namespace enrichd

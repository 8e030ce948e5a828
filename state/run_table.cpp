// SPDX-License-Identifier: Apache-2.0
#include "state/run_table.hpp"

#include <fmt/format.h>

namespace enrichd {

namespace {

constexpr auto run_columns = R"SQL(
    id, state, goal, order_json, limit_pd, cancel_wanted, summary_json, detail,
    due_ms, failures, waiting_for, cause, created_ms, changed_ms, ended_ms
)SQL";

std::string select_runs(std::string_view rest) {
    return fmt::format("SELECT {} FROM runs {}", run_columns, rest);
}

run_row read_run(const sqlite::statement::use& r) {
    run_row row;
    row.id = r.integer(0);
    row.state = run::parse_state(r.text(1)).value_or(run::state::requested);
    row.until = parse_goal(r.text(2)).value_or(job::goal::built);
    row.order_json = r.text(3);
    row.limit = money{r.integer(4)};
    row.cancel_wanted = r.integer(5) != 0;
    row.summary_json = r.text(6);
    row.detail = r.text(7);
    row.waiting = {r.optional_integer(8), r.integer(9), r.text(10), parse_cause(r.optional_text(11))};
    row.created_ms = r.integer(12);
    row.changed_ms = r.integer(13);
    row.ended_ms = r.optional_integer(14);
    return row;
}

} // namespace

run_table::run_table(sqlite::database& db)
    : insert_(db, R"SQL(
          INSERT INTO runs (state, goal, order_json, limit_pd, cancel_wanted, summary_json, detail, due_ms, failures,
                            waiting_for, cause, created_ms, changed_ms, ended_ms)
          VALUES ('requested', ?1, ?2, ?3, 0, '{}', '', ?4, 0, '', NULL, ?4, ?4, NULL)
      )SQL"),
      find_(db, select_runs("WHERE id = ?")),
      list_(db, select_runs("ORDER BY id DESC LIMIT ?")),
      list_open_(db, select_runs("WHERE ended_ms IS NULL ORDER BY id DESC")),
      list_ended_(db, select_runs("WHERE ended_ms IS NOT NULL ORDER BY ended_ms DESC, id DESC LIMIT ?")),
      timetable_(db, "SELECT id, state, due_ms FROM runs WHERE due_ms IS NOT NULL ORDER BY due_ms, id"),
      record_(db, R"SQL(
          UPDATE runs
          SET state = ?3, detail = ?4, due_ms = ?5, failures = ?6, waiting_for = ?7, cause = ?8, changed_ms = ?9,
              ended_ms = CASE WHEN ?3 IN ('done', 'refused', 'cancelled') THEN ?9 END
          WHERE id = ?1 AND state = ?2
      )SQL"),
      postpone_(db, R"SQL(
          UPDATE runs SET due_ms = ?2, failures = ?3, waiting_for = ?4, cause = ?5, changed_ms = ?6 WHERE id = ?1
      )SQL"),
      summary_(db, "UPDATE runs SET summary_json = ?2, changed_ms = ?3 WHERE id = ?1"),
      limit_(db, "UPDATE runs SET limit_pd = ?2 WHERE id = ?1"),
      cancel_(db, "UPDATE runs SET cancel_wanted = 1, changed_ms = ?2 WHERE id = ?1"),
      history_(db, R"SQL(
          INSERT INTO history (at_ms, run_id, job_id, from_state, to_state, event, detail)
          VALUES (?, ?, NULL, ?, ?, ?, ?)
      )SQL") {}

std::int64_t run_table::create(job::goal until, const std::string& order_json, money limit,
                               std::int64_t now_ms) {
    // `build` makes runs that end at built; every other goal is a run that goes on to merged.
    insert_(name(until == job::goal::built ? job::goal::built : job::goal::merged), order_json,
            limit.picodollars, now_ms)
        .run();
    // The rowid of the statement just run: nothing else uses this connection.
    auto newest = list_(1);
    newest.next();
    const auto id = newest.integer(0);
    history_(now_ms, id, "", name(run::state::requested), "requested", "").run();
    return id;
}

std::optional<run_row> run_table::find(std::int64_t id) {
    auto row = find_(id);
    if (!row.next()) return std::nullopt;
    return read_run(row);
}

std::vector<run_row> run_table::list(std::int64_t limit) {
    return list_(limit).all(read_run);
}

std::vector<run_row> run_table::list_open() {
    return list_open_().all(read_run);
}

std::vector<run_row> run_table::list_ended(std::int64_t limit) {
    return list_ended_(limit).all(read_run);
}

std::vector<due_run> run_table::timetable() {
    return timetable_().all([](const auto& row) {
        return due_run{row.integer(0), run::parse_state(row.text(1)).value_or(run::state::requested),
                       row.integer(2)};
    });
}

result<void> run_table::record(const run_row& before, run::state to, run::event e, const std::string& detail,
                               const waiting& next, std::int64_t now_ms) {
    const auto changed = record_(before.id, name(before.state), name(to), detail, next.due_ms, next.failures,
                                 next.reason, cause_word(next), now_ms)
                             .run();
    if (changed != 1)
        return error{errc::lost_race,
                     fmt::format("run {} is no longer {}", run_name(before.id), name(before.state))};
    if (before.state != to) history_(now_ms, before.id, name(before.state), name(to), name(e), detail).run();
    return {};
}

void run_table::postpone(std::int64_t id, const waiting& next, std::int64_t now_ms) {
    postpone_(id, next.due_ms, next.failures, next.reason, cause_word(next), now_ms).run();
}

void run_table::set_summary(std::int64_t id, const std::string& summary_json, std::int64_t now_ms) {
    summary_(id, summary_json, now_ms).run();
}

void run_table::set_limit(std::int64_t id, money limit) {
    limit_(id, limit.picodollars).run();
}

void run_table::want_cancel(std::int64_t id, std::int64_t now_ms) {
    cancel_(id, now_ms).run();
}

} // namespace enrichd

// SPDX-License-Identifier: Apache-2.0
#include "state/ledger.hpp"

#include "state/ledger_check.hpp"
#include "state/migrate.hpp"

#include <fmt/format.h>

namespace enrichd {

namespace {

constexpr int checkpoint_pages = 1000; // SQLite's own default: 4 MiB of log

history_row read_history(const sqlite::statement::use& r) {
    return {r.integer(0), r.optional_integer(1), r.text(2), r.text(3), r.text(4), r.text(5)};
}

std::string installation_of(sqlite::database& db) {
    db.exec(R"SQL(
        INSERT OR IGNORE INTO installation (id, uuid, paused, outlived_ms, stopped_cleanly)
        VALUES (1, lower(hex(randomblob(4))), 0, 0, 0)
    )SQL");
    sqlite::statement read(db, "SELECT uuid FROM installation WHERE id = 1");
    auto row = read();
    row.next();
    return row.text(0);
}

} // namespace

// An unknown file is refused before anything is written, the journal mode included.
ledger::opened::opened(const std::string& where) : path(where), db((refuse_broken_ledger(where), where)) {
    configure();
    migrate_ledger(db);
}

void ledger::opened::configure() {
    {
        sqlite::statement to_wal(db, "PRAGMA journal_mode = WAL");
        if (auto mode = to_wal(); !mode.next() || mode.text(0) != "wal")
            throw fatal_error(
                errc::io, fmt::format("{}: the file system does not allow SQLite's WAL journal (a network "
                                      "share?); put [state] directory on a local disk",
                                      path));
    }
    db.exec("PRAGMA synchronous = FULL");
    db.exec("PRAGMA foreign_keys = ON");
    db.exec("PRAGMA trusted_schema = OFF");
    db.exec("PRAGMA cell_size_check = ON");
    db.exec("PRAGMA journal_size_limit = 67108864");
    db.stop_at_io_failure(checkpoint_pages);
}

ledger::ledger(const std::string& path)
    : file_(path),
      db_(file_.db),
      runs_(db_),
      jobs_(db_),
      requests_(db_),
      failures_(db_),
      flights_(db_),
      quarantine_(db_),
      twins_(db_),
      chores_(db_),
      unknown_(db_),
      bookings_(db_),
      quotas_(db_),
      paused_(db_, "SELECT paused FROM installation WHERE id = 1"),
      set_paused_(db_, "UPDATE installation SET paused = ? WHERE id = 1"),
      outlived_(db_, "SELECT outlived_ms FROM installation WHERE id = 1"),
      set_outlived_(db_, "UPDATE installation SET outlived_ms = MAX(outlived_ms, ?) WHERE id = 1"),
      move_jobs_(db_, "UPDATE jobs SET due_ms = due_ms + ? WHERE due_ms IS NOT NULL"),
      move_runs_(db_, "UPDATE runs SET due_ms = due_ms + ? WHERE due_ms IS NOT NULL"),
      move_chores_(db_, "UPDATE chores SET due_ms = due_ms + ? WHERE due_ms IS NOT NULL"),
      pull_in_jobs_(db_, R"SQL(
          UPDATE jobs AS j SET due_ms = ?1 + w.longest
          FROM (SELECT id, CASE WHEN state = 'submit_unknown' THEN ?3
                                WHEN state IN ('submitted', 'polling') AND failures = 0 THEN ?2
                                ELSE ?4 END AS longest
                FROM jobs WHERE due_ms IS NOT NULL) AS w
          WHERE w.id = j.id AND j.due_ms > ?1 + w.longest
      )SQL"),
      pull_in_runs_(db_, "UPDATE runs SET due_ms = ?1 + ?2 WHERE due_ms > ?1 + ?2"),
      pull_in_chores_(db_, R"SQL(
          UPDATE chores SET due_ms = ?1 + w.longest
          FROM (SELECT 'find_twins' AS what, MAX(?2, ?3) AS longest
                UNION ALL SELECT 'sweep_files', ?4
                UNION ALL SELECT column1, ?3 FROM (VALUES ('follow_twin'), ('delete_input'), ('delete_result'), ('find_unknown'), ('write_report'))) AS w
          WHERE w.what = chores.what AND due_ms > ?1 + w.longest
      )SQL"),
      mark_stopped_(db_,
                    "UPDATE installation SET stopped_cleanly = ?1 WHERE id = 1 AND stopped_cleanly <> ?1"),
      job_history_(db_, R"SQL(
          SELECT at_ms, job_id, from_state, to_state, event, detail FROM history WHERE job_id = ? ORDER BY id
      )SQL"),
      run_history_(db_, R"SQL(
          SELECT at_ms, job_id, from_state, to_state, event, detail FROM history WHERE run_id = ? ORDER BY id
      )SQL"),
      totals_(db_, R"SQL(
          SELECT COALESCE(SUM(actual_pd), 0), COALESCE(SUM(CASE WHEN goal <> 'built' THEN open_bound_pd ELSE 0 END), 0)
          FROM jobs
      )SQL"),
      spent_of_run_(db_, "SELECT COALESCE(SUM(actual_pd), 0) FROM jobs WHERE run_id = ?"),
      unproven_of_run_(db_, R"SQL(
          SELECT COALESCE(SUM(unproven_pd + (SELECT COALESCE(SUM(t.unproven_pd), 0) FROM twins AS t WHERE t.job_id = j.id)),
                          0)
          FROM jobs AS j WHERE run_id = ?
      )SQL"),
      reserved_of_run_(db_, R"SQL(
          SELECT COALESCE(SUM(open_bound_pd), 0) FROM jobs
          WHERE run_id = ? AND ended_ms IS NULL AND goal <> 'built'
      )SQL"),
      job_times_(db_, R"SQL(
          SELECT MAX(at_ms), MAX(CASE WHEN to_state = 'submitted' THEN at_ms END)
          FROM history WHERE job_id = ? AND from_state <> to_state
      )SQL"),
      prunable_(db_, R"SQL(
          SELECT j.id FROM jobs AS j JOIN runs AS r ON r.id = j.run_id
          WHERE r.ended_ms < ?1 AND EXISTS (SELECT 1 FROM requests AS q WHERE q.job_id = j.id)
            AND NOT EXISTS (SELECT 1 FROM job_rows AS w WHERE w.job_id = j.id AND w.state = 'open')
          ORDER BY j.id
      )SQL"),
      prune_requests_(db_, "DELETE FROM requests WHERE job_id = ?"),
      prune_rows_(db_, "DELETE FROM job_rows WHERE job_id = ?"),
      prune_parts_(db_, "DELETE FROM part_vectors WHERE run_id = (SELECT run_id FROM jobs WHERE id = ?)"),
      files_of_jobs_(db_, "SELECT file_name, batch_id FROM jobs"),
      installation_(installation_of(db_)) {}

bool ledger::paused() {
    auto row = paused_();
    return row.next() && row.integer(0) != 0;
}

void ledger::set_paused(bool paused) {
    set_paused_(paused ? 1 : 0).run();
}

std::int64_t ledger::outlived_ms() {
    auto row = outlived_();
    return row.next() ? row.integer(0) : 0;
}

void ledger::set_outlived(std::int64_t until_ms) {
    set_outlived_(until_ms).run();
}

void ledger::move_due_times(std::int64_t step_ms) {
    auto all_at_once = begin();
    move_jobs_(step_ms).run();
    move_runs_(step_ms).run();
    move_chores_(step_ms).run();
    all_at_once.commit();
}

std::int64_t ledger::pull_in_due_times(std::int64_t now_ms, const longest_waits& waits) {
    auto all_at_once = begin();
    auto moved = pull_in_jobs_(now_ms, waits.poll_ms, waits.look_ms, waits.other_ms).run();
    moved += pull_in_runs_(now_ms, waits.other_ms).run();
    moved += pull_in_chores_(now_ms, waits.look_ms, waits.other_ms, waits.sweep_ms).run();
    all_at_once.commit();
    return moved;
}

void ledger::reopen() {
    db_.reopen();
    file_.configure();
}

void ledger::mark_stopped(bool cleanly) {
    mark_stopped_(cleanly ? 1 : 0).run();
}

std::vector<history_row> ledger::history_of_job(std::int64_t job_id) {
    return job_history_(job_id).all(read_history);
}

std::vector<history_row> ledger::history_of_run(std::int64_t run_id) {
    return run_history_(run_id).all(read_history);
}

money_totals ledger::totals() {
    auto row = totals_();
    if (!row.next()) return {};
    return {money{row.integer(0)}, money{row.integer(1)}};
}

money ledger::spent_of_run(std::int64_t run_id) {
    auto row = spent_of_run_(run_id);
    return row.next() ? money{row.integer(0)} : money{};
}

money ledger::unproven_of_run(std::int64_t run_id) {
    auto row = unproven_of_run_(run_id);
    return row.next() ? money{row.integer(0)} : money{};
}

money ledger::reserved_of_run(std::int64_t run_id) {
    auto row = reserved_of_run_(run_id);
    return row.next() ? money{row.integer(0)} : money{};
}

job_times ledger::times_of_job(std::int64_t job_id) {
    auto row = job_times_(job_id);
    if (!row.next()) return {};
    return {row.optional_integer(0).value_or(0), row.optional_integer(1)};
}

std::vector<std::int64_t> ledger::prunable(std::int64_t ended_before_ms) {
    return prunable_(ended_before_ms).all([](const auto& row) { return row.integer(0); });
}

void ledger::prune(std::int64_t job_id) {
    auto all_of_a_job = begin();
    prune_rows_(job_id).run();
    prune_requests_(job_id).run();
    prune_parts_(job_id).run();
    all_of_a_job.commit();
}

std::vector<std::pair<std::string, std::optional<std::string>>> ledger::files_of_jobs() {
    return files_of_jobs_().all([](const auto& row) { return std::pair(row.text(0), row.optional_text(1)); });
}

} // namespace enrichd

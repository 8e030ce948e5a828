// SPDX-License-Identifier: Apache-2.0
#include "state/chore_table.hpp"

namespace enrichd {

namespace {

constexpr chore all_chores[] = {chore::find_twins,    chore::follow_twin, chore::delete_input,
                                chore::delete_result, chore::sweep_files, chore::find_unknown,
                                chore::write_report};

chore parse_chore(const std::string& word) {
    for (const auto c : all_chores)
        if (name(c) == word) return c;
    throw fatal_error(errc::internal, "the ledger owes something that this program does not know: " + word);
}

chore_row read_chore(const sqlite::statement::use& row) {
    return {parse_chore(row.text(0)),
            row.text(1),
            row.optional_integer(2).value_or(0),
            row.optional_integer(3).value_or(0),
            row.integer(4),
            row.integer(5),
            row.text(6)};
}

} // namespace

std::string_view name(chore c) {
    switch (c) {
    case chore::find_twins: return "find_twins";
    case chore::follow_twin: return "follow_twin";
    case chore::delete_input: return "delete_input";
    case chore::delete_result: return "delete_result";
    case chore::sweep_files: return "sweep_files";
    case chore::find_unknown: return "find_unknown";
    case chore::write_report: return "write_report";
    }
    return "";
}

chore_table::chore_table(sqlite::database& db)
    : owe_(db, R"SQL(
          INSERT INTO chores (what, subject, job_id, due_ms, failures, missing, reason) VALUES (?1, ?2, NULLIF(?3, 0), ?4, ?5, ?6, ?7)
          ON CONFLICT (what, subject) DO UPDATE SET due_ms = ?4, failures = ?5, missing = ?6, reason = ?7
      )SQL"),
      owe_at_end_(db, R"SQL(
          INSERT OR IGNORE INTO chores (what, subject, job_id, due_ms, failures, missing, reason) VALUES (?, ?, ?, NULL, 0, 0, '')
      )SQL"),
      done_(db, "DELETE FROM chores WHERE what = ? AND subject = ? AND due_ms = ?"),
      postpone_(db, R"SQL(
          UPDATE chores SET due_ms = ?4, failures = failures + 1, missing = IIF(?5, missing + 1, 0), reason = ?6
          WHERE what = ?1 AND subject = ?2 AND due_ms = ?3
      )SQL"),
      release_(db, "UPDATE chores SET due_ms = ?3 WHERE what = ?1 AND job_id = ?2 AND due_ms IS NULL"),
      drop_(db, "DELETE FROM chores WHERE what = ?1 AND job_id = ?2 AND due_ms IS NULL"),
      is_owed_(db, "SELECT 1 FROM chores WHERE what = ? LIMIT 1"),
      find_(db,
            "SELECT what, subject, job_id, due_ms, failures, missing, reason FROM chores WHERE what = ? AND "
            "subject = ''"),
      // Jobs and runs wait for the look at start: it goes before what is owed longer.
      due_(db, R"SQL(
          SELECT what, subject, job_id, due_ms, failures, missing, reason FROM chores WHERE due_ms <= ?
          ORDER BY what <> 'find_unknown', due_ms LIMIT 1
      )SQL"),
      next_due_(db, "SELECT MIN(due_ms) FROM chores") {}

void chore_table::owe(const chore_row& c) {
    owe_(name(c.what), c.subject, c.job_id, c.due_ms, c.failures, c.missing, c.reason).run();
}

void chore_table::done(const chore_row& c) {
    done_(name(c.what), c.subject, c.due_ms).run();
}

void chore_table::postpone(const chore_row& c, std::int64_t due_ms, const std::string& why, bool missing) {
    postpone_(name(c.what), c.subject, c.due_ms, due_ms, missing ? 1 : 0, why).run();
}

void chore_table::owe_at_end(chore what, const std::string& subject, std::int64_t job_id) {
    owe_at_end_(name(what), subject, job_id).run();
}

void chore_table::release(chore what, std::int64_t job_id, std::int64_t due_ms) {
    release_(name(what), job_id, due_ms).run();
}

void chore_table::drop(chore what, std::int64_t job_id) {
    drop_(name(what), job_id).run();
}

bool chore_table::is_owed(chore what) {
    return is_owed_(name(what)).next();
}

std::optional<chore_row> chore_table::find(chore what) {
    auto row = find_(name(what));
    if (!row.next()) return std::nullopt;
    return read_chore(row);
}

std::optional<chore_row> chore_table::due(std::int64_t now_ms) {
    auto row = due_(now_ms);
    if (!row.next()) return std::nullopt;
    return read_chore(row);
}

std::optional<std::int64_t> chore_table::next_due() {
    auto row = next_due_();
    if (!row.next()) return std::nullopt;
    return row.optional_integer(0);
}

} // namespace enrichd

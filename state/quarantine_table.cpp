// SPDX-License-Identifier: Apache-2.0
#include "state/quarantine_table.hpp"

namespace enrichd {

namespace {

quarantined_row read_quarantined(const sqlite::statement::use& row) {
    quarantined_row r;
    r.target = row.text(0);
    r.kind = parse_kind(row.text(1)).value_or(kind::summaries);
    r.key = row.text(2);
    r.version = row.text(3);
    sqlite::copy_blob(row.blob(4), r.hash);
    r.job_id = row.integer(5);
    r.how = parse_outcome(row.text(6)).value_or(outcome::invalid);
    r.reason = row.text(7);
    r.tries = row.integer(8);
    r.since_ms = row.integer(9);
    r.authority = row.text(10);
    return r;
}

} // namespace

quarantine_table::quarantine_table(sqlite::database& db)
    : put_(db, R"SQL(
          INSERT OR REPLACE INTO quarantine (target, kind, key, version, text_hash, job_id, outcome, reason, tries, since_ms,
                                             authority)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      )SQL"),
      holds_(db, R"SQL(
          SELECT 1 FROM quarantine WHERE target = ? AND kind = ? AND key = ? AND version = ? AND text_hash = ?
      )SQL"),
      list_(db, R"SQL(
          SELECT target, kind, key, version, text_hash, job_id, outcome, reason, tries, since_ms, authority
          FROM quarantine ORDER BY since_ms DESC, kind, key LIMIT ?
      )SQL"),
      count_(db, "SELECT COUNT(*) FROM quarantine"),
      release_(db, "DELETE FROM quarantine WHERE key = ?"),
      release_all_(db, "DELETE FROM quarantine WHERE TRUE") {}

void quarantine_table::put(const quarantined_row& r) {
    put_(r.target, name(r.kind), r.key, r.version, std::span<const std::byte>(r.hash), r.job_id, name(r.how),
         r.reason, r.tries, r.since_ms, r.authority)
        .run();
}

bool quarantine_table::holds(const std::string& target, kind k, const std::string& key,
                             const std::string& version, const text_hash& hash) {
    return holds_(target, name(k), key, version, std::span<const std::byte>(hash)).next();
}

std::vector<quarantined_row> quarantine_table::list(std::int64_t limit) {
    return list_(limit).all(read_quarantined);
}

std::int64_t quarantine_table::count() {
    auto row = count_();
    return row.next() ? row.integer(0) : 0;
}

std::int64_t quarantine_table::release(const std::string& key) {
    return release_(key).run();
}

std::int64_t quarantine_table::release_all() {
    return release_all_().run();
}

} // namespace enrichd

// SPDX-License-Identifier: Apache-2.0
#include "state/unknown_table.hpp"

#include <fmt/format.h>

namespace enrichd {

namespace {

std::string select_unknown(std::string_view rest) {
    return fmt::format(
        "SELECT batch_id, installation, requests, created_ms, found_ms, let_go FROM unknown_batches {}",
        rest);
}

unknown_row read_unknown(const sqlite::statement::use& r) {
    return {r.text(0), r.text(1), r.integer(2), r.integer(3), r.integer(4), r.integer(5) != 0};
}

} // namespace

unknown_table::unknown_table(sqlite::database& db)
    : put_(db, R"SQL(
          INSERT INTO unknown_batches (batch_id, installation, requests, created_ms, found_ms, let_go)
          VALUES (?1, ?2, ?3, ?4, ?5, 0)
          ON CONFLICT (batch_id) DO UPDATE SET requests = ?3, found_ms = ?5
      )SQL"),
      drop_(db, "DELETE FROM unknown_batches WHERE batch_id = ?"),
      let_go_(db, R"SQL(
          INSERT INTO unknown_batches (batch_id, installation, requests, created_ms, found_ms, let_go)
          VALUES (?1, ?2, ?3, ?4, ?5, 1)
          ON CONFLICT (batch_id) DO UPDATE SET let_go = 1
      )SQL"),
      drop_not_found_(db, R"SQL(
          DELETE FROM unknown_batches WHERE found_ms <> ?1 AND (let_go = 0 OR created_ms < ?2)
      )SQL"),
      find_(db, select_unknown("WHERE batch_id = ?")),
      list_(db, select_unknown("WHERE let_go = 0 ORDER BY created_ms, batch_id")),
      any_(db, "SELECT 1 FROM unknown_batches WHERE let_go = 0 LIMIT 1") {}

void unknown_table::put(const unknown_row& b) {
    put_(b.batch_id, b.installation, b.requests, b.created_ms, b.found_ms).run();
}

void unknown_table::drop(const std::string& batch_id) {
    drop_(batch_id).run();
}

void unknown_table::let_go(const unknown_row& b) {
    let_go_(b.batch_id, b.installation, b.requests, b.created_ms, b.found_ms).run();
}

void unknown_table::drop_not_found(std::int64_t found_ms, std::int64_t oldest_ms) {
    drop_not_found_(found_ms, oldest_ms).run();
}

std::optional<unknown_row> unknown_table::find(const std::string& batch_id) {
    auto row = find_(batch_id);
    if (!row.next()) return std::nullopt;
    return read_unknown(row);
}

std::vector<unknown_row> unknown_table::list() {
    return list_().all(read_unknown);
}

bool unknown_table::any() {
    return any_().next();
}

} // namespace enrichd

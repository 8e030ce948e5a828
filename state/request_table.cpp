// SPDX-License-Identifier: Apache-2.0
#include "state/request_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>

namespace enrichd {

namespace {

constexpr auto columns = R"SQL(
    number, text, custom_id, text_hash, part, parts, chunk_tokens, input_tokens, output_cap, bound_pd,
    file_offset, file_length, outcome
)SQL";

std::string select(std::string_view rest) {
    return fmt::format("SELECT {} FROM requests {}", columns, rest);
}

std::vector<std::uint32_t> parse_tokens(const std::string& text) {
    std::vector<std::uint32_t> tokens;
    const char* at = text.data();
    const char* end = at + text.size();
    while (at < end) {
        std::uint32_t n = 0;
        const auto parsed = std::from_chars(at, end, n);
        if (parsed.ec != std::errc{}) break;
        tokens.push_back(n);
        at = parsed.ptr + 1; // the comma
    }
    return tokens;
}

text_hash read_hash(std::span<const std::byte> blob) {
    text_hash hash{};
    sqlite::copy_blob(blob, hash);
    return hash;
}

std::span<const std::byte> bytes(const text_hash& h) {
    return h;
}

// float32 is stored little-endian, which is how every machine that Debian's 64-bit ports run on keeps it.
std::span<const std::byte> bytes(const std::vector<float>& v) {
    return std::as_bytes(std::span(v));
}

new_request read_request(const sqlite::statement::use& r) {
    new_request q;
    q.number = r.integer(0);
    q.text = r.integer(1);
    q.custom_id = r.text(2);
    q.hash = read_hash(r.blob(3));
    q.part = static_cast<std::uint32_t>(r.integer(4));
    q.parts = static_cast<std::uint32_t>(r.integer(5));
    q.chunk_tokens = parse_tokens(r.text(6));
    q.input_tokens = static_cast<std::uint32_t>(r.integer(7));
    q.output_cap = static_cast<std::uint32_t>(r.integer(8));
    q.bound = money{r.integer(9)};
    q.file_offset = static_cast<std::uint64_t>(r.integer(10));
    q.file_length = static_cast<std::uint64_t>(r.integer(11));
    return q;
}

} // namespace

request_table::request_table(sqlite::database& db)
    : add_(db, R"SQL(
          INSERT INTO requests (job_id, number, custom_id, text, text_hash, part, parts, chunk_tokens, input_tokens,
                                output_cap, bound_pd, file_offset, file_length, outcome, http_status, reason)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, 0, '')
      )SQL"),
      add_row_(db, R"SQL(
          INSERT INTO job_rows (job_id, text, key, target, kind, authority, beside, state, outcome, reason)
          VALUES (?, ?, ?, ?, ?, ?, ?, 'open', NULL, '')
      )SQL"),
      find_(db, select("WHERE job_id = ? AND custom_id = ?")),
      end_request_(db, R"SQL(
          UPDATE requests SET outcome = ?3, http_status = ?4, reason = ?5
          WHERE job_id = ?1 AND number = ?2 AND outcome IS NULL
      )SQL"),
      end_row_(db, R"SQL(
          UPDATE job_rows SET state = 'ended', outcome = ?4, reason = ?5
          WHERE job_id = ?1 AND text = ?2 AND key = ?3 AND state = 'open'
      )SQL"),
      open_requests_(db, select("WHERE job_id = ? AND outcome IS NULL ORDER BY number LIMIT ?")),
      end_text_(db, R"SQL(
          UPDATE job_rows SET state = 'ended', outcome = ?3, reason = ?4
          WHERE job_id = ?1 AND text = ?2 AND state = 'open'
      )SQL"),
      end_all_requests_(
          db, "UPDATE requests SET outcome = ?2, reason = ?3 WHERE job_id = ?1 AND outcome IS NULL"),
      end_all_rows_(db, R"SQL(
          UPDATE job_rows SET state = 'ended', outcome = ?2, reason = ?3 WHERE job_id = ?1 AND state = 'open'
      )SQL"),
      failed_(db, R"SQL(
          SELECT number, text, custom_id, text_hash, part, parts, chunk_tokens, input_tokens, output_cap, bound_pd,
                 file_offset, file_length, outcome, http_status, reason
          FROM requests AS q
          WHERE job_id = ?1 AND outcome NOT IN ('ok', 'skipped', 'stale', 'gone')
            AND EXISTS (SELECT 1 FROM job_rows AS r WHERE r.job_id = q.job_id AND r.text = q.text AND r.state = 'open')
          ORDER BY number
      )SQL"),
      rows_of_text_(db, R"SQL(
          SELECT key, authority FROM job_rows WHERE job_id = ? AND text = ? AND state = 'open' ORDER BY key
      )SQL"),
      elsewhere_(db, R"SQL(
          SELECT 1 FROM requests AS own
          JOIN jobs AS adopted ON adopted.file_name LIKE 'adopted-%' AND adopted.id <> own.job_id
          JOIN requests AS other ON other.job_id = adopted.id AND other.custom_id = own.custom_id
          WHERE own.job_id = ?1 AND own.text = ?2 AND COALESCE(own.outcome, '') <> 'ok'
            AND (other.outcome IS NULL OR other.outcome IN ('ok', 'skipped', 'stale'))
      )SQL"),
      mark_resent_(db, R"SQL(
          UPDATE job_rows
          SET state = 'resent', outcome = (SELECT q.outcome FROM requests AS q
                                           WHERE q.job_id = ?1 AND q.text = ?2 AND q.outcome <> 'ok'
                                           ORDER BY q.number LIMIT 1)
          WHERE job_id = ?1 AND text = ?2 AND state = 'open'
      )SQL"),
      keep_part_(db, R"SQL(
          INSERT OR REPLACE INTO part_vectors (run_id, text_hash, part, tokens, vector) VALUES (?, ?, ?, ?, ?)
      )SQL"),
      parts_of_(db, R"SQL(
          SELECT part, tokens, vector FROM part_vectors WHERE run_id = ? AND text_hash = ? ORDER BY part
      )SQL"),
      drop_parts_(db, "DELETE FROM part_vectors WHERE run_id = ? AND text_hash = ?"),
      drop_parts_of_run_(db, "DELETE FROM part_vectors WHERE run_id = ?"),
      count_(db, R"SQL(
          INSERT INTO tallies (job_id, what, outcome, count) VALUES (?, ?, ?, 1)
          ON CONFLICT (job_id, what, outcome) DO UPDATE SET count = count + 1
      )SQL"),
      tallies_(db, "SELECT what, outcome, count FROM tallies WHERE job_id = ? ORDER BY what, outcome"),
      open_rows_(db, "SELECT COUNT(*) FROM job_rows WHERE job_id = ? AND state = 'open'"),
      texts_(db, "SELECT COUNT(DISTINCT text) FROM requests WHERE job_id = ?") {}

void request_table::add(std::int64_t job_id, const new_request& r) {
    add_(job_id, r.number, r.custom_id, r.text, bytes(r.hash), static_cast<std::int64_t>(r.part),
         static_cast<std::int64_t>(r.parts), fmt::format("{}", fmt::join(r.chunk_tokens, ",")),
         static_cast<std::int64_t>(r.input_tokens), static_cast<std::int64_t>(r.output_cap),
         r.bound.picodollars, static_cast<std::int64_t>(r.file_offset),
         static_cast<std::int64_t>(r.file_length))
        .run();
}

void request_table::add_row(std::int64_t job_id, const std::string& target, kind k, const new_row& r) {
    add_row_(job_id, r.text, r.key, target, name(k), r.authority, r.beside ? 1 : 0).run();
}

std::optional<open_request> request_table::find(std::int64_t job_id, const std::string& custom_id) {
    auto row = find_(job_id, custom_id);
    if (!row.next()) return std::nullopt;
    open_request found{read_request(row), std::nullopt};
    if (!row.is_null(12)) found.ended = parse_outcome(row.text(12));
    return found;
}

void request_table::end_request(std::int64_t job_id, const request_end& e) {
    end_request_(job_id, e.number, name(e.how), e.http_status, e.reason).run();
}

void request_table::end_row(std::int64_t job_id, const row_end& e) {
    end_row_(job_id, e.text, e.key, name(e.how), e.reason).run();
}

std::vector<new_request> request_table::open_requests(std::int64_t job_id, std::int64_t limit) {
    return open_requests_(job_id, limit).all(read_request);
}

void request_table::end_rows_of_text(std::int64_t job_id, std::int64_t text, outcome how,
                                     const std::string& reason) {
    end_text_(job_id, text, name(how), reason).run();
}

std::int64_t request_table::end_open_rows(std::int64_t job_id, outcome how, const std::string& reason) {
    return end_all_rows_(job_id, name(how), reason).run();
}

void request_table::end_all(std::int64_t job_id, outcome how, const std::string& reason) {
    end_open_requests(job_id, how, reason);
    end_open_rows(job_id, how, reason);
}

void request_table::end_open_requests(std::int64_t job_id, outcome how, const std::string& reason) {
    end_all_requests_(job_id, name(how), reason).run();
}

std::int64_t request_table::texts(std::int64_t job_id) {
    auto row = texts_(job_id);
    row.next();
    return row.integer(0);
}

std::vector<failed_request> request_table::failed(std::int64_t job_id) {
    return failed_(job_id).all([](const auto& row) {
        return failed_request{read_request(row), parse_outcome(row.text(12)).value_or(outcome::missing),
                              static_cast<int>(row.integer(13)), row.text(14)};
    });
}

std::vector<std::pair<std::string, std::string>> request_table::rows_of_text(std::int64_t job_id,
                                                                             std::int64_t text) {
    return rows_of_text_(job_id, text).all([](const auto& row) {
        return std::pair(row.text(0), row.text(1));
    });
}

bool request_table::is_asked_elsewhere(std::int64_t job_id, std::int64_t text) {
    auto found = elsewhere_(job_id, text);
    return found.next();
}

void request_table::mark_resent(std::int64_t job_id, std::int64_t text) {
    mark_resent_(job_id, text).run();
}

void request_table::keep_part(std::int64_t run_id, const part_vector& v) {
    keep_part_(run_id, bytes(v.hash), static_cast<std::int64_t>(v.part), static_cast<std::int64_t>(v.tokens),
               bytes(v.vector))
        .run();
}

std::vector<part_vector> request_table::parts_of(std::int64_t run_id, const text_hash& hash) {
    std::vector<part_vector> all;
    auto rows = parts_of_(run_id, bytes(hash));
    while (rows.next()) {
        part_vector v{hash,
                      static_cast<std::uint32_t>(rows.integer(0)),
                      static_cast<std::uint32_t>(rows.integer(1)),
                      {}};
        const auto blob = rows.blob(2);
        v.vector.resize(blob.size() / sizeof(float));
        sqlite::copy_blob(blob, std::as_writable_bytes(std::span(v.vector)));
        all.push_back(std::move(v));
    }
    return all;
}

void request_table::drop_parts(std::int64_t run_id, const text_hash& hash) {
    drop_parts_(run_id, bytes(hash)).run();
}

void request_table::drop_parts_of_run(std::int64_t run_id) {
    drop_parts_of_run_(run_id).run();
}

void request_table::count_resent(std::int64_t job_id, outcome how) {
    count_(job_id, "resent", name(how)).run();
}

void request_table::count_unsent(std::int64_t job_id, outcome how) {
    count_(job_id, "unsent", name(how)).run();
}

outcome_tallies request_table::tallies(std::int64_t job_id) {
    outcome_tallies t;
    auto rows = tallies_(job_id);
    while (rows.next()) {
        const auto what = rows.text(0);
        const auto how = parse_outcome(rows.text(1));
        if (!how) continue; // the ledger is ours: it holds no other
        auto& counts = what == "request"  ? t.requests
                       : what == "row"    ? t.rows
                       : what == "resent" ? t.resent
                                          : t.unsent;
        counts[*how] = rows.integer(2);
    }
    return t;
}

std::int64_t request_table::open_rows(std::int64_t job_id) {
    auto row = open_rows_(job_id);
    return row.next() ? row.integer(0) : 0;
}

} // namespace enrichd

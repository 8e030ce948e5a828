// SPDX-License-Identifier: Apache-2.0
#include "state/quota_table.hpp"

#include "core/control_errors.hpp"

#include <fmt/format.h>

namespace enrichd {

namespace {

std::string select_quotas(std::string_view rest) {
    return fmt::format(
        "SELECT model, tokens, told_ms, percent, refusals, since_ms, next_ms, text FROM quotas {}", rest);
}

quota_row read_quota(const sqlite::statement::use& r) {
    quota_row q;
    q.model = r.text(0);
    if (const auto tokens = r.optional_integer(1)) q.tokens = static_cast<std::uint64_t>(*tokens);
    q.told_ms = r.integer(2);
    q.percent = r.integer(3);
    q.refusals = r.integer(4);
    q.since_ms = r.integer(5);
    q.next_ms = r.integer(6);
    q.text = r.text(7);
    return q;
}

void add(in_queue& sum, sqlite::statement::use row) {
    if (!row.next()) return;
    sum.batches += row.integer(0);
    sum.tokens += static_cast<std::uint64_t>(row.integer(1));
    sum.requests += static_cast<std::uint64_t>(row.integer(2));
}

} // namespace

quota_table::quota_table(sqlite::database& db)
    : find_(db, select_quotas("WHERE model = ?")),
      list_(db, select_quotas("ORDER BY model")),
      put_(db, R"SQL(
          INSERT INTO quotas (model, tokens, told_ms, percent, refusals, since_ms, next_ms, text)
          VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
          ON CONFLICT (model) DO UPDATE
          SET tokens = ?2, told_ms = ?3, percent = ?4, refusals = ?5, since_ms = ?6, next_ms = ?7, text = ?8
      )SQL"),
      // An empty word stands for all models. A batch that has ended waits for its files, and for no queue.
      queued_(db, R"SQL(
          SELECT COUNT(*), COALESCE(SUM(input_tokens), 0), COALESCE(SUM(requests), 0) FROM jobs
          WHERE ended_ms IS NULL AND (?1 = '' OR model = ?1)
            AND (state IN ('intent_submit', 'submit_unknown', 'submitted')
                 OR (state = 'polling'
                     AND json_extract(state_json, '$.status') NOT IN ('completed', 'failed', 'expired', 'cancelled')))
      )SQL"),
      twins_(db, R"SQL(
          SELECT COUNT(*), COALESCE(SUM(j.input_tokens), 0), COALESCE(SUM(j.requests), 0)
          FROM twins AS t JOIN jobs AS j ON j.id = t.job_id WHERE t.ended = 0 AND (?1 = '' OR j.model = ?1)
      )SQL"),
      waiting_(db, R"SQL(
          SELECT id, input_tokens, requests, COALESCE(waiting_since_ms, ?4) FROM jobs
          WHERE ended_ms IS NULL AND state = 'uploaded' AND model = ?1 AND cancel = 'none' AND goal <> 'built'
            AND (cause = ?2 OR id = ?3)
          ORDER BY id
      )SQL"),
      nth_(db, R"SQL(
          SELECT at_ms FROM history WHERE event = 'submit_intended' AND at_ms > ?2 AND at_ms <= ?3
          ORDER BY at_ms DESC LIMIT 1 OFFSET ?1 - 1
      )SQL") {}

std::optional<quota_row> quota_table::find(const std::string& model) {
    auto row = find_(model);
    if (!row.next()) return std::nullopt;
    return read_quota(row);
}

std::vector<quota_row> quota_table::list() {
    return list_().all(read_quota);
}

void quota_table::put(const quota_row& q) {
    std::optional<std::int64_t> tokens;
    if (q.tokens) tokens = static_cast<std::int64_t>(*q.tokens);
    put_(q.model, tokens, q.told_ms, q.percent, q.refusals, q.since_ms, q.next_ms, q.text).run();
}

in_queue quota_table::queued(const std::string& model) {
    in_queue sum;
    add(sum, queued_(model));
    add(sum, twins_(model));
    return sum;
}

in_queue quota_table::queued() {
    return queued(std::string());
}

std::vector<queue_place> quota_table::waiting(const std::string& model, std::int64_t and_job,
                                              std::int64_t now_ms) {
    return waiting_(model, std::string(name(errc::queue_full)), and_job, now_ms).all([](const auto& r) {
        return queue_place{r.integer(0), static_cast<std::uint64_t>(r.integer(1)),
                           static_cast<std::uint64_t>(r.integer(2)), r.integer(3)};
    });
}

std::optional<std::int64_t> quota_table::nth_newest_creation(std::int64_t n, std::int64_t after_ms,
                                                             std::int64_t until_ms) {
    auto row = nth_(n, after_ms, until_ms);
    if (!row.next()) return std::nullopt;
    return row.integer(0);
}

} // namespace enrichd

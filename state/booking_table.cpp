// SPDX-License-Identifier: Apache-2.0
#include "state/booking_table.hpp"

namespace enrichd {

namespace {

// An empty word stands for both kinds.
std::string word_of(std::optional<kind> k) {
    return k ? std::string(name(*k)) : std::string();
}

} // namespace

booking_table::booking_table(sqlite::database& db)
    : booked_(db, R"SQL(
          SELECT COALESCE(SUM(spent_pd), 0), COALESCE(SUM(unproven_pd), 0) FROM bookings
          WHERE at_ms >= ?1 AND (?2 = '' OR kind = ?2)
      )SQL"),
      of_twins_(db, R"SQL(
          SELECT COALESCE(SUM(t.unproven_pd), 0) FROM twins AS t JOIN jobs AS j ON j.id = t.job_id
          WHERE t.found_ms >= ?1 AND (?2 = '' OR j.kind = ?2)
      )SQL"),
      reserved_(db, R"SQL(
          SELECT COALESCE(SUM(open_bound_pd), 0) FROM jobs
          WHERE ended_ms IS NULL AND goal <> 'built' AND (?1 = '' OR kind = ?1)
      )SQL"),
      days_(db, R"SQL(
          SELECT at_ms / 86400000 * 86400000, SUM(spent_pd), SUM(used_input), SUM(used_cached), SUM(used_output),
                 SUM(used_reasoning)
          FROM bookings WHERE at_ms >= ? GROUP BY 1 ORDER BY 1
      )SQL"),
      list_(db, R"SQL(
          SELECT b.id, b.at_ms, b.run_id, b.job_id, b.kind, j.model, COALESCE(j.batch_id, ''), b.reserved_pd, b.spent_pd,
                 b.unproven_pd, b.used_input, b.used_cached, b.used_output, b.used_reasoning
          FROM bookings AS b JOIN jobs AS j ON j.id = b.job_id WHERE b.id > ? ORDER BY b.id LIMIT ?
      )SQL") {}

outlay booking_table::since(std::int64_t since_ms, std::optional<enrichd::kind> k) {
    const auto word = word_of(k);
    outlay all;
    {
        auto row = booked_(since_ms, word);
        row.next();
        all.spent = money{row.integer(0)};
        all.unproven = money{row.integer(1)};
    }
    {
        auto row = of_twins_(since_ms, word);
        row.next();
        all.unproven += money{row.integer(0)};
    }
    auto row = reserved_(word);
    row.next();
    all.reserved = money{row.integer(0)};
    return all;
}

std::vector<day_outlay> booking_table::days(std::int64_t since_ms) {
    return days_(since_ms).all([](const auto& r) {
        return day_outlay{
            r.integer(0), money{r.integer(1)}, {r.integer(2), r.integer(3), r.integer(4), r.integer(5)}};
    });
}

std::vector<booking> booking_table::list(std::int64_t after, std::int64_t limit) {
    return list_(after, limit).all([](const auto& r) {
        booking b;
        b.id = r.integer(0);
        b.at_ms = r.integer(1);
        b.run_id = r.integer(2);
        b.job_id = r.integer(3);
        b.kind = parse_kind(r.text(4)).value_or(kind::summaries);
        b.model = r.text(5);
        b.batch_id = r.text(6);
        b.reserved = money{r.integer(7)};
        b.spent = money{r.integer(8)};
        b.unproven = money{r.integer(9)};
        b.used = {r.integer(10), r.integer(11), r.integer(12), r.integer(13)};
        return b;
    });
}

} // namespace enrichd

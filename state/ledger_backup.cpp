// SPDX-License-Identifier: Apache-2.0
#include "state/ledger_backup.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "state/durable_copy.hpp"
#include "state/ledger_check.hpp"
#include "state/sqlite.hpp"

namespace enrichd {

namespace {

constexpr std::size_t most_faults = 20;

// Each gives one line of words for each thing that does not add up.
constexpr std::string_view questions[] = {
    R"SQL(
        SELECT 'job ' || j.id || ': the ledger has ' || COUNT(*) || ' of its ' || j.requests || ' requests'
        FROM jobs AS j JOIN runs AS u ON u.id = j.run_id AND u.state <> 'building' JOIN requests AS r ON r.job_id = j.id
        GROUP BY j.id HAVING COUNT(*) <> j.requests
    )SQL",
    R"SQL(
        SELECT 'job ' || j.id || ': ' || j.open_bound_pd || ' picodollars are reserved, and its open requests are bound by '
               || SUM(CASE WHEN r.outcome IS NULL THEN r.bound_pd ELSE 0 END)
        FROM jobs AS j JOIN runs AS u ON u.id = j.run_id AND u.state <> 'building' JOIN requests AS r ON r.job_id = j.id
        GROUP BY j.id HAVING j.open_bound_pd <> SUM(CASE WHEN r.outcome IS NULL THEN r.bound_pd ELSE 0 END)
    )SQL",
    R"SQL(
        SELECT 'job ' || r.job_id || ': ' || COUNT(*) || ' requests ended as ' || r.outcome || ', and its tally is '
               || COALESCE(t.count, 0)
        FROM requests AS r
        LEFT JOIN tallies AS t ON t.job_id = r.job_id AND t.what = 'request' AND t.outcome = r.outcome
        WHERE r.outcome IS NOT NULL
        GROUP BY r.job_id, r.outcome HAVING COUNT(*) <> COALESCE(t.count, 0)
    )SQL",
    R"SQL(
        SELECT 'job ' || j.id || ': it has ended, and ' || COUNT(*) || ' of its requests have no outcome'
        FROM jobs AS j JOIN requests AS r ON r.job_id = j.id
        WHERE j.ended_ms IS NOT NULL AND r.outcome IS NULL GROUP BY j.id
    )SQL",
    R"SQL(
        SELECT 'job ' || j.id || ': its bookings are not what it cost, may have cost and has reserved'
        FROM jobs AS j LEFT JOIN bookings AS b ON b.job_id = j.id
        GROUP BY j.id
        HAVING j.actual_pd <> COALESCE(SUM(b.spent_pd), 0) OR j.unproven_pd <> COALESCE(SUM(b.unproven_pd), 0)
               OR IIF(j.goal = 'built', 0, j.open_bound_pd) <> COALESCE(SUM(b.reserved_pd), 0)
               OR j.used_input <> COALESCE(SUM(b.used_input), 0) OR j.used_output <> COALESCE(SUM(b.used_output), 0)
    )SQL",
    R"SQL(
        SELECT 'job ' || j.id || ': its state is ' || j.state || ', and its history ends with ' || h.to_state
        FROM jobs AS j JOIN history AS h ON h.id = (SELECT MAX(id) FROM history WHERE job_id = j.id)
        WHERE h.to_state <> j.state
    )SQL",
};

void ask(sqlite::database& db, std::string_view question, std::vector<std::string>& faults) {
    sqlite::statement read(db, std::string(question));
    for (auto row = read(); faults.size() < most_faults && row.next();)
        faults.push_back(row.text(0));
}

std::int64_t count(sqlite::database& db, const char* table) {
    sqlite::statement read(db, fmt::format("SELECT COUNT(*) FROM {}", table));
    auto row = read();
    return row.next() ? row.integer(0) : 0;
}

void refuse_unsound(const std::string& copy) {
    sqlite::database db(copy, sqlite::open_mode::immutable);
    if (const auto found = check_structure(db, true); !found.empty())
        throw fatal_error(errc::internal,
                          fmt::format("the copy of the ledger is not sound: {}", found.front()));
}

} // namespace

void back_up_ledger(const std::string& path, const std::string& copy) {
    std::filesystem::remove(copy);
    {
        sqlite::database db(path, sqlite::open_mode::read_only);
        sqlite::statement vacuum(db, "VACUUM INTO ?"); // https://www.sqlite.org/lang_vacuum.html#vacuuminto
        vacuum(copy).run();
    }
    refuse_unsound(copy);
    make_durable(copy);
}

ledger_findings verify_ledger(const std::string& path) {
    sqlite::database db(path, sqlite::open_mode::read_only);
    db.exec("BEGIN"); // one moment for all that is asked
    ledger_findings found{check_structure(db, true), count(db, "jobs"), count(db, "requests")};
    ask(db,
        "SELECT 'a row of ' || \"table\" || ' refers to a row of ' || parent || ' that is not there' "
        "FROM pragma_foreign_key_check",
        found.faults);
    for (const auto question : questions)
        ask(db, question, found.faults);
    db.exec("ROLLBACK");
    return found;
}

} // namespace enrichd

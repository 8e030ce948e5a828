// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/sim/invariants.hpp"

#include "state/ledger_backup.hpp"
#include "tests/faults/sim/excuses.hpp"
#include "tests/faults/sim/simulation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

namespace enrichd::faults {

namespace {

using violations = std::vector<std::string>;

// I2: every request has one outcome and a reason, every row too, and the counts add up.
void check_outcomes(sqlite::database& db, violations& out) {
    const auto none = [&](const char* what, const char* sql) {
        sqlite::statement count(db, sql);
        auto rows = count();
        if (rows.next() && rows.integer(0) > 0)
            out.push_back(fmt::format("I2: {} {}", rows.integer(0), what));
    };
    none("jobs have not ended", "SELECT COUNT(*) FROM jobs WHERE ended_ms IS NULL");
    none("requests have no outcome", "SELECT COUNT(*) FROM requests WHERE outcome IS NULL");
    none("requests ended badly without a reason",
         "SELECT COUNT(*) FROM requests WHERE outcome NOT IN ('ok') AND reason = ''");
    none("rows have no outcome", "SELECT COUNT(*) FROM job_rows WHERE state = 'open'");
    none("rows ended badly without a reason",
         "SELECT COUNT(*) FROM job_rows WHERE state = 'ended' AND outcome NOT IN ('ok') AND reason = ''");
    none("jobs have other counts than requests", R"SQL(
         SELECT COUNT(*) FROM jobs AS j WHERE j.requests <> (SELECT COUNT(*) FROM requests AS q WHERE q.job_id = j.id)
             OR j.requests <> (SELECT COALESCE(SUM(t.count), 0) FROM tallies AS t
                               WHERE t.job_id = j.id AND t.what = 'request'))SQL");
    none("jobs have other counts than rows", R"SQL(
         SELECT COUNT(*) FROM jobs AS j
         WHERE (SELECT COUNT(*) FROM job_rows AS w WHERE w.job_id = j.id AND w.state = 'ended')
            <> (SELECT COALESCE(SUM(t.count), 0) FROM tallies AS t WHERE t.job_id = j.id AND t.what = 'row'))SQL");
}

// What the invariants excuse.
struct excuses {
    twins doubled;                         ///< second batches, of which the ledger knows
    std::set<std::string> late;            ///< batches that were adopted
    std::set<std::string> given_up;        ///< by the user
    std::optional<std::int64_t> forgot_ms; ///< when the ledger was lost: it need not know those before

    bool is_forgotten(const sim_batch& b) const { return forgot_ms && b.told.created_at * 1000 < *forgot_ms; }
    bool is_given_up(const sim_batch& b) const { return given_up.contains(b.told.id); }
};

// I2: what was answered, and paid for, reached its rows. Of those before a loss of the ledger I3 tells: what
// did not reach its row is bought again.
void check_answers(sqlite::database& db, sim_provider& provider, const excuses& e, violations& out) {
    sqlite::statement find(db, R"SQL(
        SELECT q.outcome FROM requests AS q JOIN jobs AS j ON j.id = q.job_id
        WHERE j.batch_id = ? AND q.custom_id = ?
    )SQL");
    for (const auto& b : provider.batches()) {
        if (e.is_given_up(b) || e.is_forgotten(b)) continue;
        for (const auto& r : b.requests) {
            const auto twin = e.doubled.find(b.told.id);
            if (!r.answered || (twin != e.doubled.end() && is_beside_another(db, twin->second, provider)))
                continue;
            auto row = find(b.told.id, r.custom_id);
            const auto how = row.next() ? row.text(0) : "in no job of the ledger";
            if (how != "ok" && how != "skipped" && how != "stale" && how != "gone" && how != "invalid")
                out.push_back(fmt::format("I2: the answer to {} in {} was paid for, and is {}", r.marker,
                                          b.told.id, how));
        }
    }
}

// I3: one batch a submission, and no answer is bought twice; of a list that shows batches too late the ledger
// knows every other one.
void check_batches(sim_provider& provider, const excuses& e, const scenario& s, violations& out) {
    const bool may_double = s.list_lag > promised_list_lag;
    std::map<std::string, int> live, bought;
    for (const auto& b : provider.batches()) {
        if (is_strangers(b) || b.ends_as == batch_status::failed) continue;
        if (may_double && (e.doubled.contains(b.told.id) || e.late.contains(b.told.id))) continue;
        ++live[submission_of(b)];
        if (e.is_given_up(b)) continue; // the next run buys what was given up
        for (const auto& r : b.requests)
            bought[r.custom_id] += r.answered ? 1 : 0;
    }
    for (const auto& [submission, n] : live)
        if (n > 1) out.push_back(fmt::format("I3: submission {} has {} batches", submission, n));
    for (const auto& [id, n] : bought)
        if (n > 1) out.push_back(fmt::format("I3: request {} was bought and answered {} times", id, n));
}

bool sets_clock(const scenario& s) {
    return std::any_of(s.deeds.begin(), s.deeds.end(),
                       [](const auto& d) { return d.what == deed::set_clock; });
}

// I3: a second batch is stopped when it is found, and followed to its end. I4: what it billed is in the
// books.
void check_twins(sim_provider& provider, const twins& doubled, const scenario& s, violations& out) {
    for (const auto& b : provider.batches()) {
        const auto found = doubled.find(b.told.id);
        if (found == doubled.end()) continue;
        const auto& twin = found->second;
        if (!twin.ended || twin.status != name(b.ends_as))
            out.push_back(fmt::format("I3: twin {} has ended as {}, and the ledger says {}", b.told.id,
                                      name(b.ends_as), twin.status));
        if (!b.cancel_ms && !b.uncancellable && twin.found_ms < b.settled_ms && !sets_clock(s))
            out.push_back(fmt::format("I3: twin {} was found at work, and not stopped", b.told.id));
        if (twin.cost > b.billed || b.billed > twin.cost + twin.unproven)
            out.push_back(fmt::format("I4: twin {} was billed at {}; the books say {}, and {} unproven",
                                      b.told.id, b.billed.picodollars, twin.cost.picodollars,
                                      twin.unproven.picodollars));
    }
}

// I4: what is in the books is what was billed. Where the provider does not tell all of that, or an answer was
// given up, the rest is in them as unproven.
void check_bills(sqlite::database& db, sim_provider& provider, const excuses& e, bool is_told,
                 violations& out) {
    sqlite::statement find(db, R"SQL(
        SELECT actual_pd - (SELECT COALESCE(SUM(t.cost_pd), 0) FROM twins AS t WHERE t.job_id = j.id), unproven_pd, id
        FROM jobs AS j WHERE batch_id = ?
    )SQL");
    sqlite::statement bounded(db,
                              "SELECT 1 FROM requests WHERE job_id = ? AND custom_id = ? AND bound_pd > 0");
    for (const auto& b : provider.batches()) {
        if (is_strangers(b) || e.doubled.contains(b.told.id)) continue;
        auto row = find(b.told.id);
        const bool known = row.next();
        // Its files are tidied, and nobody tells what it cost.
        if (!known && e.is_forgotten(b) && !is_told) continue;
        const auto actual = known ? row.integer(0) : 0;
        const auto unproven = known ? row.integer(1) : 0;
        // It was adopted by its answers, as its request file was gone: of requests whose text is not known
        // nobody knows the bound.
        const bool in_part = known && std::any_of(b.requests.begin(), b.requests.end(), [&](const auto& r) {
                                 return !bounded(row.integer(2), r.custom_id).next();
                             });
        const auto billed = b.billed.picodollars;
        const bool agrees = is_told && !e.is_given_up(b)
                                ? actual == billed
                                : actual <= billed && (in_part || billed <= actual + unproven);
        if (!agrees)
            out.push_back(fmt::format("I4: {} was billed at {}; the books say {}, and {} unproven", b.told.id,
                                      billed, actual, unproven));
    }
    sqlite::statement over(db, R"SQL(
        SELECT r.id FROM runs AS r JOIN jobs AS j ON j.run_id = r.id
        GROUP BY r.id
        HAVING SUM(j.actual_pd + j.unproven_pd
                   - (SELECT COALESCE(SUM(t.cost_pd), 0) FROM twins AS t WHERE t.job_id = j.id)) > r.limit_pd
    )SQL");
    for (auto rows = over(); rows.next();)
        out.push_back(fmt::format("I4: run {} spent more than its limit", run_name(rows.integer(0))));
}

bool is_value_of(const sim_value& v, const sim_row& row) {
    if (const auto* text = std::get_if<std::string>(&v.value)) return *text == summary_of(row.marker());
    const auto& vector = std::get<std::vector<float>>(v.value);
    const auto model = embedding_of(row.marker());
    if (vector.size() != model.size()) return false;
    for (std::size_t i = 0; i < vector.size(); ++i)
        if (std::abs(vector[i] - model[i]) > 1e-5F) return false;
    return true;
}

// I5: each row has the value that the model says, or a reason why it is not asked for again.
void check_rows(sqlite::database& db, const sim_target& target, const scenario& s, violations& out) {
    sqlite::statement held(db, "SELECT 1 FROM quarantine WHERE kind = ? AND key = ?");
    for (const auto& row : target.rows())
        for (const auto k : s.kinds) {
            const auto found = row.values.find(k);
            if (row.deleted) continue;
            if (found != row.values.end() && found->second.hash == row.hash()) {
                if (!is_value_of(found->second, row))
                    out.push_back(
                        fmt::format("I5: {} of row {} are not those of its text", name(k), row.key));
            } else if (auto quarantined = held(name(k), row.key); !quarantined.next()) {
                out.push_back(
                    fmt::format("I5: row {} has no {}, and nothing is wrong with it", row.key, name(k)));
            }
        }
}

// By the submission, or by the key of its own that an adopted batch merges under.
std::int64_t written_of(const sim_batch& b, const sim_target& target) {
    std::int64_t rows = 0;
    for (const auto& [submission, n] : target.written())
        if (submission == submission_of(b) ||
            submission.find("-adopted-" + b.told.id + "-") != std::string::npos)
            rows += n;
    return rows;
}

// I5: the ledger counts as written what the target wrote, replays or not.
void check_written(sqlite::database& db, sim_provider& provider, const excuses& e, const sim_target& target,
                   violations& out) {
    sqlite::statement count(db, R"SQL(
        SELECT COUNT(*) FROM job_rows AS w JOIN jobs AS j ON j.id = w.job_id
        WHERE j.batch_id = ? AND w.outcome = 'ok'
    )SQL");
    for (const auto& b : provider.batches()) {
        if (is_strangers(b) || e.doubled.contains(b.told.id)) continue;
        const auto truth = written_of(b, target);
        auto row = count(b.told.id);
        row.next();
        const auto counted = row.integer(0);
        if (e.is_forgotten(b) && counted < truth) continue; // some of them by the ledger that is lost
        if (b.ends_as != batch_status::failed && counted != truth)
            out.push_back(fmt::format("I5: the target wrote {} rows of {}, and the ledger counts {}", truth,
                                      b.told.id, counted));
    }
}

// No limit holds what the provider bills twice.
money twins_of_run(ledger& l, std::int64_t run_id) {
    money all;
    for (const auto& job : l.jobs().of_run(run_id))
        for (const auto& twin : l.twins().of_job(job.id))
            all += twin.cost + twin.unproven;
    return all;
}

} // namespace

void check_budget(ledger& l, std::int64_t run_id, violations& out) {
    const auto run = l.runs().find(run_id);
    if (!run) return;
    const auto committed = l.spent_of_run(run_id) + l.unproven_of_run(run_id) + l.reserved_of_run(run_id);
    if (committed > run->limit && committed - twins_of_run(l, run_id) > run->limit)
        out.push_back(fmt::format("I4: run {} has {} spent and reserved, and a limit of {}", run_name(run_id),
                                  exact_dollars(committed), exact_dollars(run->limit)));
}

void check_books(const std::filesystem::path& ledger_file, sim_provider& provider, const sim_target& target,
                 const scenario& s, const promises& promised, bool ended, std::vector<std::string>& out) {
    for (const auto& fault : verify_ledger(ledger_file.string()).faults)
        out.push_back("I4: the ledger does not add up: " + fault);
    sqlite::database db(ledger_file.string(), sqlite::open_mode::read_write);
    const excuses e{twins_of(db, provider), adopted(db), batches_given_up(db, provider, promised),
                    promised.forgot_ms};
    check_batches(provider, e, s, out);
    if (!ended) return;
    check_outcomes(db, out);
    check_answers(db, provider, e, out);
    check_twins(provider, e.doubled, s, out);
    check_bills(db, provider, e, s.tells_usage, out);
    check_rows(db, target, s, out);
    check_written(db, provider, e, target, out);
}

std::string reasons_to_wait(ledger& l) {
    std::string all;
    for (const auto& run : l.runs().list_open())
        all += fmt::format("; run {} is {}: {}", run_name(run.id), run::name(run.state), run.waiting.reason);
    for (const auto& job : l.jobs().list(true, 100))
        all += fmt::format("; job {} is {}: {}", job_name(job.id), job::name(job.state), job.waiting.reason);
    return all;
}

} // namespace enrichd::faults

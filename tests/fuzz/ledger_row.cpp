// Rows of the ledger with any value in any column, put there past its CHECKs or not: refused when it is
// written or when it is read, or read as some value; never a crash.
// SPDX-License-Identifier: Apache-2.0
#include "state/job_row.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "core/run_order.hpp"
#include "core/run_summary.hpp"
#include "state/chore_table.hpp"
#include "state/failure_table.hpp"
#include "state/job_table.hpp"
#include "state/migrate.hpp"
#include "state/quarantine_table.hpp"
#include "state/request_table.hpp"
#include "state/run_table.hpp"
#include "state/twin_table.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace enrichd;

namespace {

constexpr std::int64_t noon = 1'763'812'800'000;
constexpr const char* tables[] = {"runs",       "jobs",    "requests", "job_rows", "part_vectors",
                                  "quarantine", "tallies", "twins",    "chores"};

/// A ledger in memory with a row in every table.
class world {
public:
    world() {
        run_ = runs_.create(job::goal::merged, "{}", money{1}, noon);
        job_plan p;
        p.run_id = run_;
        job_ = jobs_.create(p, job::goal::merged, noon);
        for (int n = 0; n < 2; ++n) {
            new_request r;
            r.number = r.text = n;
            r.custom_id = "id-" + std::to_string(n);
            requests_.add(job_, r);
            requests_.add_row(job_, "t", kind::summaries, {n, "key" + std::to_string(n), "a"});
        }
        requests_.end_request(job_, {1, outcome::http_error, 500, "reason"});
        requests_.keep_part(run_, {{}, 0, 1, {1, 2}});
        quarantine_.put(
            {"t", kind::summaries, "key", "v", {}, job_, outcome::invalid, "reason", 3, noon, "a"});
        twin_row twin;
        twin.batch_id = "batch_2";
        twin.job_id = job_;
        twins_.put(twin);
        chores_.owe({chore::follow_twin, "batch_2", job_, noon, 0});
        for (const char* table : tables)
            columns_.push_back(columns_of(table));
    }

    void with_hostile_row(std::string_view rest) {
        db_.exec("SAVEPOINT hostile");
        try {
            for (int writes = 0; writes < 4 && !rest.empty(); ++writes)
                write(rest);
            read_all();
        } catch (const fatal_error& e) {
            fuzz::require(!std::string_view(e.what()).empty(), "a row that cannot be read is said to be so");
        }
        db_.exec("ROLLBACK TO hostile; RELEASE hostile");
    }

private:
    std::vector<std::string> columns_of(const char* table) {
        sqlite::statement s(db_, "SELECT name FROM pragma_table_info(?)");
        auto rows = s(table);
        std::vector<std::string> names;
        while (rows.next())
            names.push_back(rows.text(0));
        return names;
    }

    // Table, column, how, value: a few bytes each. The ledger may refuse it.
    void write(std::string_view& rest) {
        const auto which = fuzz::take_byte(rest) % std::size(tables);
        const auto& column = columns_[which][fuzz::take_byte(rest) % columns_[which].size()];
        const auto how = fuzz::take_byte(rest);
        const auto value = rest.substr(0, how % 4 == 0 ? 8 : fuzz::take_byte(rest));
        rest.remove_prefix(std::min(rest.size(), value.size()));
        db_.exec(how & 0x80 ? "PRAGMA ignore_check_constraints = ON"
                            : "PRAGMA ignore_check_constraints = OFF");
        auto number = value;
        try {
            sqlite::statement s(db_, std::string("UPDATE ") + tables[which] + " SET \"" + column + "\" = ?");
            switch (how % 4) {
            case 0: s(static_cast<std::int64_t>(fuzz::take_word(number))).run(); break;
            case 1: s(value).run(); break;
            case 2: s(std::as_bytes(std::span(value))).run(); break;
            default: s(nullptr).run(); break;
            }
        } catch (const sqlite::sqlite_error&) { // a CHECK, a type, a key: what they are for
        }
    }

    void read_all() {
        for (const auto& j : jobs_.list(false, 10)) {
            (void)job::next_effect(j.state, j.wishes);
            const auto written = state_fields(j.state);
            const auto again = read_state(job::name(j.state), written);
            fuzz::require(again.has_value() && state_fields(*again) == written, "a state is read as written");
        }
        (void)jobs_.find_batch("batch");
        (void)jobs_.due(noon, 10);
        (void)jobs_.count_by_state();
        (void)jobs_.open_by_state();
        (void)jobs_.open_bound(run_);
        for (const auto& r : runs_.list(10)) {
            (void)read_order(r.order_json);
            (void)read_summary(r.summary_json);
        }
        (void)runs_.timetable();
        (void)requests_.find(job_, "id-0");
        (void)requests_.open_requests(job_, 10);
        (void)requests_.failed(job_);
        (void)requests_.parts_of(run_, {});
        (void)requests_.tallies(job_);
        (void)failures_.causes(job_, 10);
        (void)failures_.samples(job_, 10);
        (void)quarantine_.list(10);
        (void)twins_.of_job(job_);
        (void)chores_.next_due();
        (void)chores_.due(noon);
    }

    struct migrated {
        migrated() : db(":memory:") { migrate_ledger(db); }
        sqlite::database db;
    } file_;
    sqlite::database& db_ = file_.db;
    run_table runs_{db_};
    job_table jobs_{db_};
    request_table requests_{db_};
    failure_table failures_{db_};
    quarantine_table quarantine_{db_};
    twin_table twins_{db_};
    chore_table chores_{db_};
    std::int64_t run_ = 0, job_ = 0;
    std::vector<std::vector<std::string>> columns_;
};

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static world w;
    w.with_hostile_row(fuzz::text_of(data, size));
    return 0;
}

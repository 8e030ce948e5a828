// Copies of a ledger in use, and what a look at the whole of it finds.
// SPDX-License-Identifier: Apache-2.0
#include "state/ledger_backup.hpp"

#include "state/ledger_check.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/ledger_fixture.hpp"

#include <filesystem>

using namespace enrichd;
using enrichd::test::contains;
using enrichd::test::ledger_fixture;
using enrichd::test::noon;
using enrichd::test::write_file;

namespace {

// A request that ended, one that is open, and a job that was sent.
std::int64_t add_a_life(ledger_fixture& f) {
    const auto id = f.add_job(f.add_open_run());
    f.put(id, job::submitted{"ed1-00000000-1-1", "file-1", "batch_1", noon / 1000});
    return id;
}

std::vector<std::string> faults_after(ledger_fixture& f, const char* damage) {
    {
        sqlite::database db((f.folder / "ledger.db").string(), sqlite::open_mode::read_write);
        db.exec(damage);
    }
    return verify_ledger((f.folder / "ledger.db").string()).faults;
}

} // namespace

TEST_CASE("a copy of a ledger in use is a ledger, as it was at that moment", "[state][ledger_backup]") {
    ledger_fixture f;
    const auto id = add_a_life(f);
    const auto copy = (f.folder / "backup" / "ledger.db").string();
    std::filesystem::create_directories(f.folder / "backup");
    write_file(copy, "an older one");
    back_up_ledger((f.folder / "ledger.db").string(), copy);
    const auto later = f.add_job(f.add_open_run()); // the ledger goes on

    CHECK_FALSE(std::filesystem::exists(copy + "-wal"));
    REQUIRE_NOTHROW(refuse_broken_ledger(copy));
    ledger restored(copy);
    CHECK(restored.installation() == f.l->installation());
    CHECK(job::name(restored.jobs().find(id).value().state) == "submitted");
    CHECK(restored.history_of_job(id).size() == f.l->history_of_job(id).size());
    CHECK_FALSE(restored.jobs().find(later).has_value());
}

TEST_CASE("a copy that cannot be made leaves the ledger alone", "[state][ledger_backup]") {
    ledger_fixture f;
    add_a_life(f);
    CHECK_THROWS_AS(back_up_ledger((f.folder / "ledger.db").string(), (f.folder / "no/such/folder").string()),
                    sqlite::sqlite_error);
    CHECK(verify_ledger((f.folder / "ledger.db").string()).faults.empty());
}

TEST_CASE("a sound ledger has no faults, and what was looked at is counted", "[state][ledger_backup]") {
    ledger_fixture f;
    add_a_life(f);
    const auto found = verify_ledger((f.folder / "ledger.db").string());
    CHECK(found.faults.empty());
    CHECK(found.jobs == 1);
    CHECK(found.requests == 3);
}

TEST_CASE("a job that is being built is no fault", "[state][ledger_backup]") {
    ledger_fixture f;
    const auto run = f.add_run();
    REQUIRE(f.l->runs()
                .record(*f.l->runs().find(run), run::state::building, run::event::build_begun, "", {}, noon)
                .has_value());
    const auto id = f.l->jobs().create(ledger_fixture::plan(run), job::goal::built, noon);
    new_request first; // of more to come
    first.custom_id = "id-0";
    first.bound = money{1000};
    f.l->requests().add(id, first);
    CHECK(verify_ledger((f.folder / "ledger.db").string()).faults.empty());
}

TEST_CASE("books that do not add up are told by job", "[state][ledger_backup]") {
    const struct {
        const char* damage;
        const char* told;
    } cases[] = {
        {"DELETE FROM job_rows WHERE text = 2; DELETE FROM requests WHERE number = 2",
         "job 1: the ledger has 2 of its 3 requests"},
        {"UPDATE jobs SET open_bound_pd = open_bound_pd - 1",
         "are reserved, and its open requests are bound by"},
        {"UPDATE requests SET outcome = 'ok' WHERE number = 1; DELETE FROM tallies",
         "job 1: 1 requests ended as ok, and its tally is 0"},
        {"UPDATE jobs SET state = 'merged', ended_ms = 1, due_ms = NULL",
         "3 of its requests have no outcome"},
        {"UPDATE jobs SET state = 'polling'",
         "job 1: its state is polling, and its history ends with submitted"},
        {"PRAGMA foreign_keys = OFF; UPDATE history SET run_id = 99",
         "a row of history refers to a row of runs"},
    };
    for (const auto& c : cases) {
        CAPTURE(c.damage);
        ledger_fixture f;
        add_a_life(f);
        const auto faults = faults_after(f, c.damage);
        REQUIRE_FALSE(faults.empty());
        bool told = false;
        for (const auto& fault : faults)
            told = told || contains(fault, c.told);
        CAPTURE(faults.front());
        CHECK(told);
    }
}

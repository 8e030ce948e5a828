// A disk that is full or fails under the ledger.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/failing_disk.hpp"
#include "tests/support/ledger_fixture.hpp"

using namespace enrichd;
using enrichd::test::failing_disk;
using enrichd::test::ledger_fixture;

namespace {

// What the write came to: 0, or SQLite's extended code.
template <class F>
int code_of(F&& write) {
    try {
        write();
        return 0;
    } catch (const sqlite::sqlite_error& e) {
        return e.code();
    }
}

} // namespace

TEST_CASE("a full disk leaves the ledger as it was, and it goes on when there is room",
          "[state][ledger_disk]") {
    failing_disk disk;
    ledger_fixture f;
    const auto before = f.add_job(f.add_open_run());
    disk.fail_writes(failing_disk::full);
    CHECK_THROWS_AS(f.add_run(), sqlite::sqlite_error);
    CHECK_FALSE(f.l->is_broken());
    CHECK(f.l->runs().list_open().size() == 1);
    disk.heal();
    CHECK_NOTHROW(f.put(before, job::intent_upload{"s"}));
    f.reopen();
    CHECK(job::name(f.job(before).state) == "intent_upload");
}

TEST_CASE("after a failed sync nothing is written until the ledger is opened anew", "[state][ledger_disk]") {
    failing_disk disk;
    ledger_fixture f;
    const auto id = f.add_job(f.add_open_run());
    disk.fail_syncs();
    CHECK_THROWS_AS(f.put(id, job::intent_upload{"lost"}), sqlite::sqlite_error);
    CHECK(f.l->is_broken());

    disk.heal(); // as the kernel does: the next sync succeeds, though the pages are gone
    const auto syncs = disk.syncs();
    const auto writes = disk.writes();
    CHECK_THROWS_AS(f.put(id, job::intent_upload{"again"}), sqlite::sqlite_error);
    CHECK_THROWS_AS(f.l->set_paused(true), sqlite::sqlite_error);
    CHECK(job::name(f.job(id).state) == "built"); // reading goes on
    CHECK(disk.syncs() == syncs);
    CHECK(disk.writes() == writes);

    f.l->reopen();
    CHECK_FALSE(f.l->is_broken());
    CHECK(f.job(id).plan.totals.requests == 3);
    f.put(id, job::intent_upload{"s"});
    f.reopen();
    CHECK(job::name(f.job(id).state) == "intent_upload");
}

TEST_CASE("a failure of a checkpoint is not kept silent", "[state][ledger_disk]") {
    failing_disk disk;
    ledger_fixture f;
    const auto run = f.add_open_run();
    disk.fail_syncs(failing_disk::ledger_only); // the log can be synced: commits succeed
    const auto write_past_a_checkpoint = [&] {
        for (int n = 0; n < 400; ++n)
            f.add_job(run, job::goal::merged, 20);
    };
    CHECK(code_of(write_past_a_checkpoint) != 0);
    CHECK(f.l->is_broken());
    disk.heal();
    const auto acknowledged = f.l->jobs().of_run(run).size();
    f.l->reopen();
    CHECK(f.l->jobs().of_run(run).size() == acknowledged);
    CHECK(acknowledged > 0);
}

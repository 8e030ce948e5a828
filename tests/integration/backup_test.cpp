// Backup, verification and the way back, by the real programs.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/deployment.hpp"

#include "state/sqlite.hpp"

#include <filesystem>

using namespace enrichd;
using namespace enrichd::test;

TEST_CASE("a backup takes the place of a ledger that was lost, and work goes on from it",
          "[programs][backup]") {
    deployment d({.rows = 60});
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);
    REQUIRE(d.ctl({"run", "--auto", "--wait"}).code == 0);
    const auto copy = d.path("backup/ledger.db");
    const auto made = d.ctl({"backup", "--out", copy.string()});
    CHECK(made.code == 0);
    CHECK(contains(made.out + made.err, "wrote " + copy.string()));
    const auto verified = d.ctl({"verify"});
    CHECK(verified.code == 0);
    CHECK(contains(verified.out, "the ledger is sound"));

    CHECK(d.stop_daemon() == 0);
    for (const char* ending : {"", "-wal", "-shm"})
        std::filesystem::remove(d.state() / (std::string("ledger.db") + ending));
    std::filesystem::copy_file(copy, d.state() / "ledger.db");
    d.start_daemon();
    CHECK(d.ctl({"verify"}).code == 0);
    CHECK(d.ctl_json({"status"})["jobs"]["merged"].get<int>() > 0);
    const auto before = d.billed_tokens();
    CHECK(d.ctl({"run", "--auto", "--wait"}).code == 0);
    CHECK(d.billed_tokens() == before);
    CHECK(d.booked_tokens() == before);
}

TEST_CASE("books that were tampered with are found by verify, with exit code 1", "[programs][backup]") {
    deployment d({.rows = 20});
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);
    REQUIRE(d.ctl({"run", "--auto", "--wait"}).code == 0);
    CHECK(d.stop_daemon() == 0);
    {
        sqlite::database db((d.state() / "ledger.db").string(), sqlite::open_mode::read_write);
        db.exec("UPDATE tallies SET count = count + 1 WHERE what = 'request'");
    }
    d.start_daemon();
    const auto verified = d.ctl({"verify"});
    CHECK(verified.code == 1);
    CHECK(contains(verified.out, "and its tally is"));
    CHECK(contains(verified.out, "NOT sound"));
}

// The real daemon before a ledger that it cannot use.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/deployment.hpp"

#include <sysexits.h>

using namespace enrichd::test;

TEST_CASE("a damaged ledger ends the start with the way out, and stays as it was", "[programs][ledger]") {
    deployment d({.rows = 20});
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);
    CHECK(d.ctl({"run", "--auto", "--wait"}).code == 0);
    CHECK(d.stop_daemon() == 0);
    const auto ledger = d.state() / "ledger.db";
    const auto whole = read_file(ledger);
    for (const auto& damaged :
         {std::string(), whole.substr(0, whole.size() / 2), std::string(whole.size(), 'x')}) {
        CAPTURE(damaged.size());
        write_file(ledger, damaged);
        const auto started =
            run({std::string(ENRICHD_PROGRAMS) + "/enrichd", "--config", d.config_file().string()});
        CHECK(started.code == EX_CONFIG); // systemd does not try it again
        CHECK(started.err.find(ledger.string()) != std::string::npos);
        CHECK(started.err.find("enrichctl adopt --all") != std::string::npos);
        CHECK(read_file(ledger) == damaged);
    }
    write_file(ledger, whole);
    d.start_daemon();
    CHECK(d.ctl_json({"status"})["jobs"]["merged"].get<int>() > 0);
}

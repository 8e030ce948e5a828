// kill -9 at any moment: the run goes on to the same end, and no batch is paid for twice.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/deployment.hpp"

#include <poll.h>
#include <random>

using namespace enrichd::test;
using nlohmann::json;

namespace {

// A random moment is what the test is about, not something to wait for.
void let_it_run(int milliseconds) {
    ::poll(nullptr, 0, milliseconds);
}

bool has_ended(const deployment& d) {
    const auto run = d.ctl_json({"status", "r1"})["run"];
    return run["state"] == "done";
}

} // namespace

TEST_CASE("a run that is killed at random moments ends as if nothing had happened", "[programs][kill]") {
    const auto seed = static_cast<unsigned>(std::random_device{}());
    CAPTURE(seed);
    std::mt19937 chance(seed);
    deployment d({.rows = 40, .batch_seconds = "1"});
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);
    REQUIRE(d.ctl({"run", "--auto", "--timeout", "60s"}).code == 0);
    int kills = 0;
    while (kills < 100 && !has_ended(d)) {
        let_it_run(std::uniform_int_distribution<int>(0, 400)(chance));
        d.kill_daemon();
        d.start_daemon();
        ++kills;
    }
    INFO(d.daemon_log());
    REQUIRE(d.ctl({"poll", "r1"}).code == 0);
    CHECK(kills > 0);

    const auto truth = d.truth();
    CHECK(truth["batches"].size() == 2);
    for (const auto& batch : truth["batches"])
        CHECK(batch["status"] == "completed");
    CHECK(d.booked_tokens() == d.billed_tokens());
    CHECK(d.ctl_json({"run", "--auto", "--wait"})["run"]["requests"] == 0);
}

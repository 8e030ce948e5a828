// A lost ledger is rebuilt from what the provider lists: by the real programs.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/deployment.hpp"

#include <filesystem>

using namespace enrichd::test;
using nlohmann::json;

namespace {

constexpr auto rows_in_need = R"SQL(
    SELECT COUNT(*) FROM events AS e
    WHERE e.embedding IS NULL
      AND (SELECT SUM(LENGTH(clean_text)) FROM documents AS d WHERE d.event_id = e.event_id) >= 100
)SQL";

constexpr auto keeps_results = "delete_results_after_merge = false";

// The disk with the state directory is gone; the provider and the database are not.
void lose_ledger(deployment& d) {
    d.kill_daemon();
    std::filesystem::rename(d.state(), d.path("lost"));
    d.start_daemon();
}

// Adopts all there is, and waits until all of it is merged.
void adopt_to_the_end(const deployment& d, std::size_t batches) {
    const auto adopted = d.ctl({"adopt", "--all"});
    INFO(adopted.out << adopted.err << d.daemon_log());
    REQUIRE(adopted.code == 0);
    const auto jobs = d.ctl_json({"jobs", "--all"})["jobs"];
    REQUIRE(jobs.size() == batches);
    for (const auto& job : jobs) {
        const auto run = job["run_id"].get<std::string>();
        CHECK(adopted.out.find("enrichctl poll " + run) != std::string::npos);
        CHECK(d.ctl({"poll", run}).code == 0);
        CHECK(d.ctl_json({"status", run})["run"]["command"] == "adopt");
    }
}

void check_that_nothing_is_owed(const deployment& d) {
    CHECK(d.query(rows_in_need) == "0");
    CHECK(d.query("SELECT COUNT(*) FROM events WHERE summary_en IS NOT NULL") != "0");
    CHECK(d.booked_tokens() == d.billed_tokens());
    const auto calls = d.truth()["calls"];
    CHECK(d.ctl_json({"run", "--auto", "--wait"})["run"]["requests"] == 0);
    CHECK(d.truth()["calls"]["create"] == calls["create"]);
}

} // namespace

TEST_CASE("batches under way are adopted by a new ledger, and nothing is bought twice", "[programs][adopt]") {
    deployment d({.rows = 80, .batch_seconds = "3", .more_config = "[batch]\nmax_requests = 20"});
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);
    REQUIRE(d.ctl({"run", "--auto"}).code == 0);
    const auto built = d.ctl_json({"jobs"})["jobs"];
    REQUIRE(built.size() >= 4);
    while (d.truth()["batches"].size() < built.size())
        REQUIRE(d.ctl({"status"}).code == 0);
    lose_ledger(d);

    const auto before = d.truth();
    const auto list = d.ctl_json({"adopt"});
    CAPTURE(list.dump(2), d.daemon_log());
    REQUIRE(list["batches"].size() == built.size());
    for (const auto& batch : list["batches"]) {
        CHECK(batch["can_adopt"] == true);
        CHECK(batch["same_target"] == true);
        CHECK(batch["is_ours"] == false);
    }
    REQUIRE(list["warnings"].size() == 1);
    CHECK(d.ctl_json({"jobs", "--all"})["jobs"].empty()); // looking changes nothing

    adopt_to_the_end(d, built.size());
    const auto after = d.truth();
    CHECK(after["batches"].size() == before["batches"].size());
    CHECK(after["calls"]["upload"] == before["calls"]["upload"]);
    CHECK(after["calls"]["create"] == before["calls"]["create"]);
    CHECK(after["calls"]["cancel"] == before["calls"]["cancel"]);
    check_that_nothing_is_owed(d);

    const auto again = d.ctl_json({"adopt", "--all"});
    CHECK(again["batches"].empty());
    const auto twice = d.ctl({"adopt", list["batches"][0]["batch_id"].get<std::string>()});
    CHECK(twice.code == 0);
    CHECK(twice.out.find("the ledger has it already") != std::string::npos);
    CHECK(d.ctl({"adopt", "batch_that_never_was"}).code == 6);
    CHECK(d.ctl({"adopt", "--all", "batch_x"}).code == 2);
}

TEST_CASE("batches that were merged before the ledger was lost are adopted for the books",
          "[programs][adopt]") {
    deployment d({.rows = 40, .more_provider = keeps_results});
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);
    REQUIRE(d.ctl({"run", "--auto", "--wait"}).code == 0);
    lose_ledger(d);
    adopt_to_the_end(d, 2);
    const auto jobs = d.ctl_json({"jobs", "--all"})["jobs"];
    for (const auto& job : jobs) {
        CHECK(job["rows"] == 0);
        CHECK(job["updated"] == 0);
        CHECK(job["outcomes"]["ok"] == job["requests"]); // that no row needs them is no fault of theirs
    }
    check_that_nothing_is_owed(d);
}

TEST_CASE("a ledger that is lost between two tries is rebuilt with the newest try first",
          "[programs][adopt]") {
    const auto fails = [](int line, json how) {
        how.update({{"on", "line"}, {"batch", {1, 2}}, {"nth", line}});
        return how;
    };
    const json missing = {{"do", "missing"}}, garbled = {{"do", "garbled"}},
               failed = {{"do", "status"}, {"status", 500}};
    deployment d({.rows = 40,
                  .scenario = {{"rules", {fails(2, missing), fails(3, garbled), fails(4, failed)}}},
                  .batch_seconds = "2",
                  .more_provider = keeps_results});
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);
    REQUIRE(d.ctl({"run", "--auto"}).code == 0);
    while (d.truth()["batches"].size() < 4) // two kinds, and what failed in each, sent again
        REQUIRE(d.ctl({"status"}).code == 0);
    lose_ledger(d);

    const auto before = d.truth();
    const auto adopted = d.ctl({"adopt", "--all"});
    INFO(adopted.out << adopted.err << d.daemon_log());
    REQUIRE(adopted.code == 0);
    const auto jobs = d.ctl_json({"jobs", "--all"})["jobs"];
    REQUIRE(jobs.size() == 4);
    for (const auto& job : jobs) {
        const auto code = d.ctl({"poll", job["run_id"].get<std::string>()}).code;
        CHECK(code == (job["requests"] == 3 ? 0 : 3)); // the first tries tell what failed in them
    }
    CHECK(d.truth()["calls"]["create"] == before["calls"]["create"]);
    CHECK(d.ctl_json({"quarantine", "list"})["rows"].empty());
    check_that_nothing_is_owed(d);
}

TEST_CASE("a batch of another target is shown and left alone", "[programs][adopt]") {
    deployment d({.rows = 20});
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);
    REQUIRE(d.ctl({"run", "--auto", "--wait", "--kind", "summaries"}).code == 0);
    d.kill_daemon();
    std::filesystem::rename(d.state(), d.path("lost"));
    auto config = read_file(d.config_file());
    config.replace(config.find("[database]\n"), 11, "[database]\nname = \"elsewhere\"\n");
    write_file(d.config_file(), config);
    d.start_daemon();

    const auto shown = d.ctl({"adopt"});
    INFO(shown.out << shown.err);
    CHECK(shown.code == 0);
    CHECK(shown.out.find("another target") != std::string::npos);
    const auto list = d.ctl_json({"adopt", "--all"});
    REQUIRE(list["batches"].size() == 1);
    CHECK(list["batches"][0]["can_adopt"] == false);
    CHECK(list["batches"][0]["same_target"] == false);
    const auto refused = d.ctl({"adopt", list["batches"][0]["batch_id"].get<std::string>()});
    CHECK(refused.code == 7);
    CHECK(refused.err.find("another target") != std::string::npos);
    CHECK(d.ctl_json({"jobs", "--all"})["jobs"].empty());
}

// A ledger that is put back from an old copy buys nothing twice: by the real programs.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/deployment.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

using namespace enrichd::test;
using nlohmann::json;

namespace {

constexpr auto no_room = R"({"rules": [{"on": "create", "do": "status", "status": 429, "retry_after": 1}]})";

void put_back(deployment& d, const std::filesystem::path& copy) {
    d.kill_daemon();
    for (const char* ending : {"", "-wal", "-shm"})
        std::filesystem::remove(d.state() / (std::string("ledger.db") + ending));
    std::filesystem::copy_file(copy, d.state() / "ledger.db");
    d.start_daemon();
}

json jobs_of(const deployment& d) {
    return d.ctl_json({"jobs", "--all"})["jobs"];
}

std::size_t jobs_in(const deployment& d, const std::string& state) {
    std::size_t n = 0;
    for (const auto& job : jobs_of(d))
        if (job["state"] == state) ++n;
    return n;
}

void wait_until(const deployment& d, const std::function<bool()>& so) {
    for (int looks = 0; looks < 1000; ++looks) {
        if (so()) return;
        REQUIRE(d.ctl({"status"}).code == 0);
    }
    FAIL("never came: " << d.ctl({"status"}).out << d.daemon_log());
}

// What a submission's id is in the metadata of each batch: no two may share one.
void check_no_submission_twice(const deployment& d) {
    std::set<std::string> seen;
    const auto truth = d.truth();
    for (const auto& batch : truth["batches"]) {
        const auto& metadata = batch["metadata"];
        CAPTURE(batch.dump());
        CHECK(seen.insert(metadata["enrichd_submission"].get<std::string>()).second);
    }
}

std::string alerts_of(const deployment& d) {
    std::string all;
    const auto status =
        d.ctl_json({"status"}); // named: what a loop's head takes a part of does not outlive it
    for (const auto& alert : status["alerts"])
        all += alert["message"].get<std::string>() + "\n";
    return all;
}

// The client stays until a run is built, and this one is not.
std::string start_held_run(const deployment& d) {
    const auto given_up = d.ctl({"run", "--auto", "--timeout", "2"});
    INFO(given_up.out << given_up.err);
    CHECK(given_up.code == 9);
    CHECK(contains(given_up.out + given_up.err, "not in the ledger"));
    return d.ctl_json({"status"})["runs"][0]["id"].get<std::string>();
}

// t1: a run that is merged, a set that waits for submit, a run whose jobs are uploaded. By t3 all of that was
// submitted, and a run of more rows was started.
struct two_lives {
    deployment d;
    std::filesystem::path copy;
    std::string held_run; ///< whose jobs are uploaded, and not submitted, at t1

    explicit two_lives(const std::string& more_provider)
        : d({.rows = 80, .more_config = "[batch]\nmax_requests = 10", .more_provider = more_provider}),
          copy(d.path("copy/ledger.db")) {
        d.start_daemon();
        REQUIRE(d.ctl({"migrate"}).code == 0);
        REQUIRE(d.ctl({"run", "--auto", "--kind", "summaries", "--limit", "10", "--wait"}).code == 0);
        REQUIRE(d.ctl({"build", "--kind", "summaries", "--limit", "20", "--out", set().string()}).code == 0);
        d.set_scenario(json::parse(no_room));
        const auto held = d.ctl_json({"run", "--auto", "--kind", "embeddings", "--limit", "20"});
        held_run = held["run"]["id"].get<std::string>();
        wait_until(d, [&] { return jobs_in(d, "uploaded") >= 2; });
        REQUIRE(jobs_in(d, "built") >= 2);
        REQUIRE(d.ctl({"backup", "--out", copy.string()}).code == 0);
    }
    std::filesystem::path set() const { return d.path("out/set.jsonl"); }

    void go_on() {
        d.set_scenario({{"rules", json::array()}});
        REQUIRE(d.ctl({"poll", held_run}).code == 0);
        REQUIRE(d.ctl({"submit", "--kind", "summaries", "--input", set().string()}).code == 0);
        d.set_scenario({{"rules", {{{"on", "batch"}, {"do", "seconds"}, {"seconds", 6}}}}});
        const auto last = d.ctl_json({"run", "--auto"})["run"]["id"].get<std::string>();
        wait_until(d, [&] {
            if (d.ctl_json({"status", last})["run"]["state"] != "open") return false;
            const auto jobs = jobs_of(d);
            return std::all_of(jobs.begin(), jobs.end(), [&](const json& job) {
                return job["run_id"] != last || job["state"] == "polling";
            });
        });
        d.set_scenario({{"rules", json::array()}});
    }
};

} // namespace

TEST_CASE("a ledger put back from an old copy finds what was bought since, and buys nothing twice",
          "[programs][adopt]") {
    two_lives l("delete_results_after_merge = false");
    auto& d = l.d;
    l.go_on();
    const auto known = jobs_of(d);
    std::set<std::string> batches;
    for (const auto& job : known)
        batches.insert(job["batch_id"].get<std::string>());
    put_back(d, l.copy);

    // Jobs of the copy have found their batches; what was made since is told, and nothing new is bought.
    const auto before = d.truth()["calls"];
    wait_until(d, [&] { return contains(alerts_of(d), "at the provider are not in the ledger"); });
    CHECK(jobs_in(d, "uploaded") == 0);
    for (const auto& job : jobs_of(d)) {
        INFO(job.dump(2));
        CHECK(batches.count(job["batch_id"].is_null() ? "" : job["batch_id"].get<std::string>()) == 1);
    }
    const auto run = start_held_run(d);
    const auto waiting = d.ctl_json({"status", run})["run"];
    CHECK(waiting["state"] == "requested");
    CHECK(contains(waiting["waiting_for"].get<std::string>(), "`enrichctl adopt --all` takes them in"));
    CHECK(contains(d.ctl({"status"}).out, "enrichctl adopt BATCH --leave"));
    CHECK(d.ctl_json({"status"})["unknown_batches"].get<int>() > 0);
    CHECK(d.truth()["calls"]["create"] == before["create"]);
    const auto log = d.daemon_log();
    const auto first = log.rfind("not in the ledger (a restored or lost ledger");
    CHECK(first != std::string::npos);

    const auto adopted = d.ctl({"adopt", "--all"});
    INFO(adopted.out << adopted.err << d.daemon_log());
    REQUIRE(adopted.code == 0);
    CHECK(d.ctl_json({"status"})["unknown_batches"] == 0);
    wait_until(d, [&] { return jobs_in(d, "merged") + jobs_in(d, "fetched") == jobs_of(d).size(); });
    wait_until(d, [&] { return d.ctl_json({"status", run})["run"]["state"] == "done"; });
    CHECK(d.ctl_json({"status", run})["run"]["requests"] == 0);
    for (const auto& job : jobs_of(d))
        if (job["state"] == "fetched") (void)d.ctl({"merge", job["id"].get<std::string>()});
    wait_until(d, [&] { return jobs_in(d, "merged") == jobs_of(d).size(); });
    CHECK(d.truth()["calls"]["create"] == before["create"]);
    CHECK(d.truth()["calls"]["cancel"] == before["cancel"]);
    CHECK(d.truth()["batches"].size() == jobs_of(d).size());
    CHECK(d.booked_tokens() == d.billed_tokens());
    check_no_submission_twice(d);
    CHECK(d.ctl({"verify"}).code == 0);
    CHECK(d.ctl_json({"run", "--auto", "--wait"})["run"]["requests"] == 0);
    check_no_submission_twice(d);
}

TEST_CASE("batches that were merged and tidied since the copy are booked by adopting them",
          "[programs][adopt]") {
    deployment d({.rows = 30});
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);
    const auto copy = d.path("copy/ledger.db");
    REQUIRE(d.ctl({"backup", "--out", copy.string()}).code == 0);
    REQUIRE(d.ctl({"run", "--auto", "--wait"}).code == 0);
    wait_until(d, [&] { return d.truth()["files"].empty(); }); // inputs and results are deleted
    put_back(d, copy);
    wait_until(d, [&] { return d.ctl_json({"status"})["unknown_batches"] == 2; });
    const auto run = start_held_run(d);
    const auto creates = d.truth()["calls"]["create"];
    const auto adopted = d.ctl({"adopt", "--all"});
    CHECK(adopted.code == 0);
    INFO(adopted.out << adopted.err << d.daemon_log());
    CHECK(contains(adopted.out, "is booked as job"));
    CHECK(d.booked_tokens() == d.billed_tokens());
    for (const auto& job : jobs_of(d)) {
        CHECK(job["state"] == "merged");
        CHECK(job["requests"] == 0);
        CHECK(job["actual_usd"] != "0");
        wait_until(d, [&] {
            return d.ctl_json({"status", job["run_id"].get<std::string>()})["run"]["state"] == "done";
        });
    }
    CHECK(d.ctl({"verify"}).code == 0);
    CHECK(d.ctl_json({"status"})["unknown_batches"] == 0);
    wait_until(d, [&] { return d.ctl_json({"status", run})["run"]["state"] == "done"; });
    CHECK(d.ctl_json({"status", run})["run"]["requests"] == 0);
    CHECK(d.truth()["calls"]["create"] == creates);
}

TEST_CASE("a second installation on the same target is told at start, and let go on a person's word",
          "[programs][adopt]") {
    deployment d({.rows = 20, .batch_seconds = "600"});
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);
    REQUIRE(d.ctl({"run", "--auto", "--kind", "summaries"}).code == 0);
    wait_until(d, [&] { return d.truth()["batches"].size() == 1; });
    d.kill_daemon();
    std::filesystem::rename(d.state(), d.path("first"));
    d.start_daemon();
    wait_until(d, [&] { return contains(alerts_of(d), "made 1 of them"); });
    const auto batch = d.ctl_json({"adopt"})["batches"][0]["batch_id"].get<std::string>();
    CHECK(d.ctl({"adopt", "--leave"}).code == 2);
    CHECK(d.ctl({"adopt", "batch_that_never_was", "--leave"}).code == 6);
    const auto left = d.ctl({"adopt", batch, "--leave"});
    CHECK(left.code == 0);
    CHECK(contains(left.out, "let go"));
    CHECK(d.ctl_json({"status"})["unknown_batches"] == 0);
    d.kill_daemon();
    d.start_daemon(); // for ever
    REQUIRE(d.ctl({"run", "--auto", "--kind", "summaries"}).code == 0);
    wait_until(d, [&] { return d.truth()["batches"].size() == 2; });
}

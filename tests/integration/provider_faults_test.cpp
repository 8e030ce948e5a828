// The main job while the provider misbehaves: every row ends with its reason, nothing is paid for twice.
// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/faulty_provider.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/deployment.hpp"

#include <map>
#include <set>
#include <string>

using namespace enrichd::test;
using nlohmann::json;

namespace {

// Batches by submission; a submission with more than one was paid twice.
std::map<std::string, int> batches_by_submission(const json& truth) {
    std::map<std::string, int> count;
    for (const auto& batch : truth["batches"])
        ++count[batch["metadata"]["enrichd_submission"].get<std::string>()];
    return count;
}

// How often each request was billed, over all batches.
std::map<std::string, int> times_billed(const json& truth) {
    std::map<std::string, int> count;
    for (const auto& batch : truth["batches"])
        for (const auto& [id, usage] : batch["billed_by_custom_id"].items())
            ++count[id];
    return count;
}

} // namespace

TEST_CASE("a batch whose creation was answered by a broken connection is found, and not made again",
          "[programs][faults]") {
    deployment d(
        {.scenario = rules({{{"on", "create"}, {"nth", {1, 2}}, {"do", "drop"}, {"when", "after"}}})});
    const auto done = enrich(d);
    INFO(done.out << done.err << d.daemon_log());
    CHECK(done.code == 0);
    for (const auto& [submission, batches] : batches_by_submission(d.truth()))
        CHECK(batches == 1);
    CHECK(d.truth()["batches"].size() == 2);
}

TEST_CASE("a batch whose creation was answered in part, to whatever byte, is found, and not made again",
          "[programs][faults]") {
    json cuts = json::array();
    for (int n = 1; n <= 50; ++n)
        cuts.push_back({{"on", "create"}, {"nth", n}, {"do", "cut"}, {"after_bytes", 17 * (n - 1)}});
    deployment d({.rows = 80, .scenario = rules(cuts), .more_config = "[batch]\nmax_requests = 2"});
    const auto done = enrich(d);
    INFO(done.out << done.err << d.daemon_log());
    CHECK(done.code == 0);
    const auto batches = batches_by_submission(d.truth());
    CHECK(batches.size() > 50);
    for (const auto& [submission, made] : batches)
        CHECK(made == 1);
    CHECK(d.truth()["batches"].size() == batches.size());
    CHECK(unenriched(d) == "0");
    CHECK(d.booked_tokens() == d.billed_tokens());
}

TEST_CASE("a batch that shows in the provider's list only later is waited for", "[programs][faults]") {
    deployment d({.scenario = rules({{{"on", "create"}, {"nth", 1}, {"do", "drop"}, {"when", "after"}},
                                     {{"on", "batch"}, {"nth", 1}, {"do", "list_lag"}, {"calls", 2}}})});
    const auto done = enrich(d);
    INFO(done.out << done.err << d.daemon_log());
    CHECK(done.code == 0);
    CHECK(d.truth()["batches"].size() == 2);
}

TEST_CASE("a creation that never reached the provider is made after the list was looked through",
          "[programs][faults]") {
    deployment d({.scenario = rules({{{"on", "create"}, {"nth", 1}, {"do", "drop"}, {"when", "before"}}})});
    const auto done = enrich(d);
    INFO(done.out << done.err << d.daemon_log());
    CHECK(done.code == 0);
    CHECK(d.truth()["batches"].size() == 2);
}

TEST_CASE("a batch that the list hides longer than it is looked for is found late, stopped, said and booked",
          "[programs][faults]") {
    // Of the first batch the reply is lost, and three looks through the list do not show it: it is made
    // again.
    deployment d(
        {.scenario = rules({{{"on", "create"}, {"nth", 1}, {"do", "drop"}, {"when", "after"}},
                            {{"on", "batch"}, {"nth", 1}, {"do", "list_lag"}, {"calls", 4}},
                            {{"on", "batch"}, {"nth", 1}, {"do", "never_finish"}, {"fraction", 0.5}}})});
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);
    const auto done = d.ctl({"run", "--auto", "--wait", "--kind", "summaries"});
    INFO(done.out << done.err << d.daemon_log());
    CHECK(done.code == 0);
    const auto job = d.job_when(
        "1", [](const json& j) { return !j["twins"].empty() && !j["twins"][0]["actual_usd"].is_null(); });
    CHECK(job["maybe_duplicate"] == true);
    REQUIRE(job["twins"].size() == 1);
    CHECK(job["twins"][0]["batch_status"] == "cancelled");
    CHECK(job["twins"][0]["batch_id"] != job["batch_id"]);
    CHECK(d.truth()["batches"].size() == 2);
    CHECK(d.booked_tokens() == d.billed_tokens());
    CHECK(d.daemon_log().find("more than one batch was made of its requests") != std::string::npos);
    const auto alerts = d.ctl_json({"status"})["alerts"];
    REQUIRE_FALSE(alerts.empty());
    CHECK(alerts[0]["message"].get<std::string>().find("more than one batch was made for job 1") !=
          std::string::npos);
}

TEST_CASE("with submit_unknown = hold a person says what became of a submission", "[programs][faults]") {
    deployment d({.scenario = rules({{{"on", "create"}, {"nth", 1}, {"do", "drop"}, {"when", "after"}},
                                     {{"on", "batch"}, {"nth", 1}, {"do", "list_lag"}, {"calls", 1000}}}),
                  .more_submit = "submit_unknown = \"hold\""});
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);
    REQUIRE(d.ctl({"run", "--auto", "--kind", "summaries"}).code == 0);
    const auto job = d.job_when("1", [](const json& j) { return j["held"] == "waits for resolve"; });
    INFO(job.dump(1) << d.daemon_log());
    REQUIRE(job["held"] == "waits for resolve");
    CHECK(d.truth()["batches"].size() == 1);
    CHECK(d.ctl({"status"}).out.find("enrichctl resolve 1 --adopt BATCH") != std::string::npos);
    CHECK(d.ctl({"jobs"}).out.find("waits for resolve") != std::string::npos);
    CHECK(d.ctl({"resolve", "1", "--adopt", "batch_of_nobody"}).code == 10);

    SECTION("adopted, it is not paid for twice") {
        const auto batch = d.truth()["batches"][0]["id"].get<std::string>();
        CHECK(d.ctl({"resolve", "1", "--adopt", batch}).code == 0);
        CHECK(d.ctl({"poll", "r1"}).code == 0);
        CHECK(d.truth()["batches"].size() == 1);
        CHECK(d.booked_tokens() == d.billed_tokens());
        CHECK(d.ctl({"resolve", "1", "--resubmit"}).code == 7);
    }
    SECTION("sent again, it is marked") {
        CHECK(d.ctl({"resolve", "1", "--resubmit"}).code == 0);
        CHECK(d.ctl({"poll", "r1"}).code == 0);
        CHECK(d.truth()["batches"].size() == 2);
        CHECK(d.ctl_json({"job", "1"})["job"]["maybe_duplicate"] == true);
    }
}

TEST_CASE("busy and broken replies to reads and uploads only delay the run", "[programs][faults]") {
    deployment d(
        {.scenario = rules({{{"on", "get"}, {"every", 2}, {"do", "status"}, {"status", 500}},
                            {{"on", "upload"}, {"nth", 1}, {"do", "status"}, {"status", 503}},
                            {{"on", "content"}, {"nth", 1}, {"do", "cut"}, {"after_bytes", 2000}}})});
    const auto done = enrich(d);
    INFO(done.out << done.err << d.daemon_log());
    CHECK(done.code == 0);
    CHECK(unenriched(d) == "0");
    for (const auto& [id, times] : times_billed(d.truth()))
        CHECK(times == 1);
}

TEST_CASE("lines that are missing, garbled, failed or doubled cost their own rows another try, and no others",
          "[programs][faults]") {
    deployment d({.scenario = rules(
                      {{{"on", "line"}, {"batch", {1, 2}}, {"nth", 2}, {"do", "missing"}},
                       {{"on", "line"}, {"batch", {1, 2}}, {"nth", 3}, {"do", "garbled"}},
                       {{"on", "line"}, {"batch", {1, 2}}, {"nth", 4}, {"do", "status"}, {"status", 500}},
                       {{"on", "line"}, {"batch", {1, 2}}, {"nth", 5}, {"do", "duplicate"}},
                       {{"on", "line"}, {"batch", {1, 2}}, {"nth", 6}, {"do", "unknown_id"}}})});
    const auto done = enrich(d);
    INFO(done.out << done.err << d.daemon_log());
    CHECK(done.code == 0);
    CHECK(unenriched(d) == "0");
    const auto jobs = d.ctl_json({"jobs", "--all"})["jobs"];
    CHECK(jobs.size() == 4); // one job a kind, and one that sends again what failed
    std::size_t again = 0;
    for (const auto& [id, times] : times_billed(d.truth()))
        if (times > 1) ++again;
    CHECK(again > 0);
    CHECK(again <= 8);                             // no more than the lines whose answers were lost
    CHECK(d.booked_tokens() == d.billed_tokens()); // lost answers were billed, too
}

TEST_CASE("a line that fails three times is quarantined with its reason, and the run ends with 3",
          "[programs][faults]") {
    deployment d({.scenario = rules({{{"on", "line"},
                                      {"nth", 1},
                                      {"endpoint", "/v1/embeddings"},
                                      {"do", "status"},
                                      {"status", 500}}})});
    const auto done = enrich(d);
    INFO(done.out << done.err << d.daemon_log());
    CHECK(done.code == 3);
    const auto quarantined = d.ctl_json({"quarantine", "list"})["rows"];
    REQUIRE(quarantined.size() == 1);
    CHECK(quarantined[0]["outcome"] == "http_error");
    CHECK(quarantined[0]["tries"] == 3);
    CHECK(unenriched(d) == "1");

    SECTION("a rerun does not buy it again") {
        CHECK(d.ctl_json({"run", "--auto", "--wait"})["run"]["requests"] == 0);
    }
    SECTION("a released row is taken by the next run") {
        d.set_scenario(rules(json::array()));
        REQUIRE(d.ctl({"quarantine", "release", "--all"}).code == 0);
        CHECK(d.ctl({"run", "--auto", "--wait"}).code == 0);
        CHECK(unenriched(d) == "0");
    }
}

TEST_CASE("what an expired batch did is merged, and only the rest is sent again", "[programs][faults]") {
    deployment d({.scenario = rules({{{"on", "batch"}, {"nth", 1}, {"do", "expire"}, {"fraction", 0.5}}})});
    const auto done = enrich(d);
    INFO(done.out << done.err << d.daemon_log());
    CHECK(done.code == 0);
    CHECK(unenriched(d) == "0");
    CHECK(d.truth()["batches"].size() == 3);
    for (const auto& [id, times] : times_billed(d.truth()))
        CHECK(times == 1);
}

TEST_CASE("a full queue at the provider is waited for, and is no failed try", "[programs][faults]") {
    deployment d({.scenario = rules(
                      {{{"on", "batch"}, {"nth", 1}, {"do", "fail"}, {"code", "token_limit_exceeded"}}})});
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);
    REQUIRE(d.ctl({"run", "--auto", "--kind", "summaries"}).code == 0);
    const auto says_why = [](const json& j) {
        return j["why"].get<std::string>().find("token_limit_exceeded") != std::string::npos;
    };
    const auto job = d.job_when("1", says_why); // the wait itself is a minute
    CHECK(says_why(job));
    CHECK(job["outcomes"]["pending"] == job["requests"]);
    REQUIRE(d.ctl({"retry", "1"}).code == 0);
    CHECK(d.ctl({"poll", "r1"}).code == 0);
}

TEST_CASE("a cancelled batch is fetched, what it did is merged, and nothing of it is sent again",
          "[programs][faults]") {
    deployment d({.scenario = rules({{{"on", "batch"}, {"do", "never_finish"}, {"fraction", 0.5}}})});
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);
    REQUIRE(d.ctl({"run", "--auto", "--kind", "embeddings"}).code == 0);
    const auto job = d.job_when("1", [](const json& j) {
        return j["batch_counts"].is_object() && j["batch_counts"]["completed"].get<int>() > 0;
    });
    REQUIRE(d.ctl({"cancel", "--batch-id", job["batch_id"].get<std::string>()}).code == 0);
    const auto ended = d.ctl({"poll", "r1"});
    INFO(ended.out << ended.err << d.daemon_log());
    const auto run = d.ctl_json({"status", "r1"})["run"];
    CHECK(run["outcomes"]["ok"].get<int>() > 0);
    CHECK(run["outcomes"]["cancelled"].get<int>() > 0);
    CHECK(d.truth()["batches"].size() == 1);
}

TEST_CASE("a batch over its deadline is cancelled, noted, and what it did is merged", "[programs][faults]") {
    deployment d({.scenario = rules({{{"on", "batch"}, {"do", "never_finish"}, {"fraction", 0.5}}}),
                  .more_config = "[summaries]\nmin_characters = 50\n",
                  .more_poll = "deadline_hours = 0.001"}); // some seconds, by the provider's clock
    const auto done = enrich(d);
    INFO(done.out << done.err << d.daemon_log());
    CHECK(done.code == 3);
    bool noted = false;
    for (const auto& entry : std::filesystem::directory_iterator(d.state() / "output/validation/latest"))
        noted = noted || entry.path().filename().string().find("_timeout.txt") != std::string::npos;
    CHECK(noted);
    CHECK(d.truth()["batches"].size() == 2);
    CHECK(d.ctl_json({"status", "r1"})["run"]["outcomes"]["ok"].get<int>() > 0);
}

// Exit codes of the real enrichctl.
// SPDX-License-Identifier: Apache-2.0
#include "core/control_errors.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/ctl_fixture.hpp"

#include <csignal>

using namespace enrichd;
using namespace enrichd::test;

TEST_CASE("an error of the daemon decides the exit code, and is told with its hint", "[daemon][ctl]") {
    ctl_fixture f;
    for (const auto code :
         {errc::invalid_input, errc::not_found, errc::state_conflict, errc::over_budget, errc::not_permitted,
          errc::unavailable, errc::provider_busy, errc::target_blocked}) {
        CAPTURE(name(code));
        f.refuse("pause", code, "this is why");
        const auto end = f.ctl({"pause"});
        CHECK(end.code == static_cast<int>(exit_code_of(code)));
        CHECK(end.out.empty());
        CHECK(contains(end.err, "enrichctl: this is why\n"));
        if (!hint(code).empty()) CHECK(contains(end.err, "hint: " + std::string(hint(code))));
    }
}

TEST_CASE("without a daemon it is 4, and says where it looked", "[daemon][ctl]") {
    ctl_fixture f;
    f.daemon.stop();
    const auto end = f.ctl({"status"});
    CHECK(end.code == 4);
    CHECK(contains(end.err, "no daemon answers at " + f.socket + ": No such file or directory"));
    CHECK(contains(end.err, "systemctl start enrichd"));
    CHECK(f.ctl({"run", "--auto", "--wait"}).code == 4);
    CHECK(f.ctl({"poll", "--batch-id", "b"}).code == 4);
}

TEST_CASE("wrong arguments are 2, before anybody is asked", "[daemon][ctl]") {
    ctl_fixture f;
    for (const std::vector<std::string>& arguments :
         std::vector<std::vector<std::string>>{{"sumbit"},
                                               {"build"},
                                               {"build", "--kind", "summary"},
                                               {"build", "--kind", "summaries", "--limit", "0"},
                                               {"build", "--kind", "summaries", "--since", "2025-02-30"},
                                               {"build", "--kind", "summaries", "--budget", "$1"},
                                               {"run", "--auto", "--profile", "half"},
                                               {"run", "--mode", "ingest"},
                                               {"run", "--auto", "--unknown"},
                                               {"job"},
                                               {"job", "1", "2"},
                                               {"poll"},
                                               {"merge", "--kind", "summaries"},
                                               {"cancel"},
                                               {"quarantine"},
                                               {"quarantine", "release"},
                                               {"quarantine", "release", "k", "--all"},
                                               {"submit", "--kind", "summaries", "--input", "/nonexistent"},
                                               {"poll", "--batch-id", "b", "--timeout", "soon"},
                                               {"plan", "--budget", "0.0001", "50"},
                                               {"plan", "--budget", "1", "--budget", "50"},
                                               {"cancel", "--batch-id", "5", "6"},
                                               {"cancel", "--batch-id", "5", "--batch-id", "6"},
                                               {"poll", "1", "--batch-id", "2"}}) {
        CAPTURE(arguments);
        const auto end = f.ctl(arguments);
        CHECK(end.code == 2);
        CHECK(end.out.empty());
        CHECK(contains(end.err, "enrichctl: "));
    }
    CHECK(f.calls().empty());
    CHECK(contains(f.ctl({"sumbit"}).err, "did you mean \"submit\"?"));
    CHECK(contains(f.ctl({"run", "--limt", "5"}).err, "did you mean \"--limit\"?"));
    CHECK(contains(f.ctl({"plan", "--budget", "1", "--budget", "50"}).err,
                   "--budget was given more than once: 1, 50"));
    CHECK(contains(f.ctl({"poll", "1", "--batch-id", "2"}).err, "either --batch-id 2 or 1, not both"));
}

TEST_CASE("an id may stand behind flags: each of them takes one value and no more", "[daemon][ctl]") {
    ctl_fixture f;
    f.reply("merge", {{"status", "already_merged"}, {"updated", 0}, {"skipped_count", 3}});
    auto job = sample_batch("5", "fetched", 120);
    job["batch_status"] = "completed";
    f.reply("job", {{"job", job}});
    CHECK(f.ctl({"merge", "--kind", "summaries", "5"}).code == 0);
    CHECK(f.ctl({"poll", "--timeout", "3", "5"}).code == 0);
    CHECK(f.calls() == std::vector<std::string>{"merge 5 summaries", "job 5"});
}

TEST_CASE("a finished run is 0, with failed rows 3, refused by its error", "[daemon][ctl]") {
    ctl_fixture f;
    f.reply("start_run", {{"status", "accepted"}, {"run", sample_run("requested")}});
    const std::vector<std::string> run = {"run", "--mode", "enrich", "--auto", "--wait"};

    f.reply("run", {{"run", sample_run("done", {sample_batch("7", "merged", 120)})}});
    auto end = f.ctl(run);
    CHECK(end.code == 0);
    CHECK(contains(end.out, "120 requests: ok 120"));
    CHECK(contains(end.out, "126 rows updated"));
    CHECK(contains(end.out, "enrichment_report.md"));

    auto failed = sample_run("done", {sample_batch("7", "merged", 120)});
    failed["outcomes"] = outcome_counts({{"ok", 118}, {"http_error", 1}, {"unsent", 1}});
    f.reply("run", {{"run", failed}});
    end = f.ctl(run);
    CHECK(end.code == 3);
    CHECK(contains(end.err, "2 requests failed"));

    auto refused = sample_run("refused");
    refused["error"] =
        error_object("over_budget", "the projection passes the limit by $3.50; --limit 40 would fit");
    f.reply("run", {{"run", refused}});
    end = f.ctl(run);
    CHECK(end.code == 8);
    CHECK(contains(end.err, "by $3.50; --limit 40 would fit"));
    CHECK(f.ctl({"run", "--auto"}).code == 8); // without --wait too

    auto lost = sample_run("done", {sample_batch("7", "failed")});
    lost["outcomes"] = outcome_counts({{"cancelled", 120}});
    lost["jobs"][0]["error"] = error_object("provider_rejected", "invalid file");
    f.reply("run", {{"run", lost}});
    CHECK(f.ctl(run).code == 10);

    f.reply("run", {{"run", sample_run("cancelled")}});
    CHECK(f.ctl(run).code == 1);

    auto given_up = sample_run("done", {sample_batch("7", "merged", 120)});
    given_up["outcomes"] = outcome_counts({{"ok", 20}, {"cancelled", 100}});
    f.reply("run", {{"run", given_up}});
    end = f.ctl(run);
    CHECK(end.code == 3);
    CHECK(contains(end.err, "100 requests cancelled"));
    CHECK_FALSE(contains(end.err, "failed"));
}

TEST_CASE("a rerun with nothing to do says so", "[daemon][ctl]") {
    ctl_fixture f;
    auto nothing = sample_run("done");
    nothing["requests"] = 0;
    nothing["updated"] = 0;
    nothing["outcomes"] = outcome_counts();
    f.reply("start_run", {{"status", "accepted"}, {"run", sample_run("requested")}});
    f.reply("run", {{"run", nothing}});
    for (const std::vector<std::string>& run :
         std::vector<std::vector<std::string>>{{"run", "--auto", "--wait"}, {"run", "--auto"}}) {
        const auto end = f.ctl(run);
        CHECK(end.code == 0);
        CHECK(contains(end.out, "nothing to do: 0 requests"));
        CHECK(contains(end.out, "1200 rows seen: 126 to enrich, 1074 done"));
        CHECK_FALSE(contains(end.out, "goes on"));
    }
}

TEST_CASE("a budget above the profile's limit is said not to count", "[daemon][ctl]") {
    ctl_fixture f;
    f.reply("start_run", {{"status", "accepted"}, {"run", sample_run("requested")}});
    f.reply("run", {{"run", sample_run("done", {sample_batch("7", "merged", 120)})}});
    CHECK(contains(f.ctl({"run", "--auto", "--budget", "1000"}).err,
                   "--budget 1000 is above the limit of the profile, $200.00, which counts"));
    CHECK_FALSE(contains(f.ctl({"run", "--auto", "--budget", "100"}).err, "limit of the profile"));
}

TEST_CASE("run without --wait returns once it is built, and says how to go on", "[daemon][ctl]") {
    ctl_fixture f;
    f.reply("start_run", {{"status", "accepted"}, {"run", sample_run("requested")}});
    f.reply("run", {{"run", sample_run("open", {sample_job("7", "built")})}});
    const auto end = f.ctl({"run", "--auto"});
    CHECK(end.code == 0);
    CHECK(contains(end.out, "run r12 goes on in the daemon; enrichctl poll r12 waits for it"));
}

TEST_CASE("run without --auto and without a terminal shows the plan, starts nothing, and is 2",
          "[daemon][ctl]") {
    ctl_fixture f;
    f.reply("plan", {{"fits", true},
                     {"limit_usd", "200"},
                     {"bound_usd", "0.01296"},
                     {"profile", "full"},
                     {"kinds",
                      {{{"kind", "summaries"},
                        {"model", "gpt-4o-mini"},
                        {"requests", 228},
                        {"files", 1},
                        {"bound_usd", "0.01296"},
                        {"rows", {{"seen", 300}, {"selected", 240}}}}}}});
    const auto end = f.ctl({"run"});
    CHECK(end.code == 2);
    CHECK(contains(end.out, "228 requests in 1 file"));
    CHECK(contains(end.err, "enrichctl run --auto"));
    CHECK(f.calls() == std::vector<std::string>{"plan"});
}

TEST_CASE("a plan that does not fit is 8, one that cannot work has its error's code", "[daemon][ctl]") {
    ctl_fixture f;
    json plan = {{"fits", false},         {"limit_usd", "1"},      {"bound_usd", "4.5"},
                 {"over_by_usd", "3.5"},  {"would_fit_limit", 40}, {"profile", "full"},
                 {"kinds", json::array()}};
    f.reply("plan", plan);
    auto end = f.ctl({"plan"});
    CHECK(end.code == 8);
    CHECK(contains(end.out, "over the limit by $3.50; --limit 40 would fit"));
    plan["would_fit_limit"] = 0;
    f.reply("plan", plan);
    CHECK(contains(f.ctl({"plan"}).out, "over the limit by $3.50; not even one row would fit"));
    plan["kinds"] = {
        {{"kind", "summaries"}, {"problem", error_object("target_blocked", "no column summary_en")}}};
    f.reply("plan", plan);
    end = f.ctl({"plan"});
    CHECK(end.code == 11);
    CHECK(contains(end.err, "no column summary_en"));
    CHECK_FALSE(contains(end.out, "no column summary_en")); // told once
    CHECK(contains(end.out, "summaries: not possible as things are"));
}

TEST_CASE("a wait that times out is 9, and the run goes on", "[daemon][ctl]") {
    ctl_fixture f;
    f.reply("start_run", {{"status", "accepted"}, {"run", sample_run("requested")}});
    f.reply("run", {{"run", sample_run("open", {sample_batch("7", "polling", 40)})}});
    auto end = f.ctl({"run", "--auto", "--wait", "--timeout", "200ms"});
    CHECK(end.code == 9);
    CHECK(contains(end.err, "run r12 goes on in the daemon"));
    f.reply("job", {{"job", sample_batch("7", "polling", 40)}});
    CHECK(f.ctl({"poll", "--batch-id", "batch_abc123", "--timeout", "0.2"}).code == 9);
}

TEST_CASE("Ctrl-C ends the client alone with 130, and says that the run goes on", "[daemon][ctl]") {
    ctl_fixture f;
    f.reply("start_run", {{"status", "accepted"}, {"run", sample_run("requested")}});
    f.reply("run", {{"run", sample_run("open", {sample_batch("7", "polling", 40)})}});
    started_program ctl(ENRICHCTL, f.with_socket({"run", "--auto", "--wait"}), f.environment);
    REQUIRE(ctl.wait_for_error_text("40 of 120 requests done"));
    ctl.signal(SIGINT);
    const auto end = ctl.wait();
    CHECK(end.code == 130);
    CHECK(contains(end.err, "run r12 goes on in the daemon; enrichctl poll r12 waits for it"));
    CHECK(f.calls() == std::vector<std::string>{"start_run", "run r12"}); // nothing was cancelled
}

TEST_CASE("a batch that expired or failed is told by poll's exit code", "[daemon][ctl]") {
    ctl_fixture f;
    const auto poll = [&](json job) {
        f.reply("job", {{"job", std::move(job)}});
        return f.ctl({"poll", "--batch-id", "batch_abc123"}).code;
    };
    auto job = sample_batch("7", "fetched", 120);
    job["batch_status"] = "completed";
    CHECK(poll(job) == 0);
    job["batch_status"] = "expired";
    CHECK(poll(job) == 3);
    job["batch_counts"] = {{"total", 120}, {"completed", 1}, {"failed", 0}};
    f.reply("job", {{"job", job}});
    const auto expired = f.ctl({"poll", "--batch-id", "batch_abc123"});
    CHECK(contains(expired.out, "120 of 120 requests ended (1 ok, 119 expired)"));
    CHECK(contains(expired.err, "ended expired: 120 of 120 requests ended (1 ok, 119 expired)"));
    job["state"] = "failed";
    job["error"] = error_object("provider_rejected", "bad file");
    CHECK(poll(job) == 10);
    auto built = sample_job("7", "built");
    built["held"] = "waits for submit";
    CHECK(poll(built) == 7);
}

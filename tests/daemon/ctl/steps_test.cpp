// The steps of the real enrichctl: what each asks the daemon, waits for and writes.
// SPDX-License-Identifier: Apache-2.0
#include "core/sha256.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/ctl_fixture.hpp"

#include <algorithm>
#include <thread>

using namespace enrichd;
using namespace enrichd::test;

namespace {

std::string hex_of(const std::string& bytes) {
    return to_hex(sha256::of(bytes));
}

json blocked(int done, const std::string& why) {
    auto job = sample_batch("7", "polling", done);
    job["blocked"] = error_object("provider_busy", why);
    return {{"run", sample_run("open", {job})}};
}

std::size_t times(const std::string& text, const std::string& part) {
    std::size_t n = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++n;
    return n;
}

} // namespace

TEST_CASE("the flags of a run arrive as its order", "[daemon][ctl]") {
    ctl_fixture f;
    f.reply("plan", {{"fits", true}});
    CHECK(f.ctl({"plan", "--kind", "summaries", "--since", "2025-07-01", "--limit", "20000", "--budget",
                 "1.0", "--profile", "test", "--authorities", "A, B", "--refresh", "legacy"})
              .code == 0);
    const auto o = f.order();
    CHECK(o.kinds == std::vector<kind>{kind::summaries});
    CHECK(o.since_ms == 1751328000000);
    CHECK(o.limit == 20000u);
    CHECK(o.budget == parse_dollars("1"));
    CHECK(o.profile == "test");
    CHECK(o.authorities == std::vector<std::string>{"A", "B"});
    CHECK(o.refresh_legacy);
    f.ctl({"plan", "--kind", "summaries", "--kind", "embeddings"});
    CHECK(f.order().kinds == std::vector<kind>{kind::summaries, kind::embeddings});
}

TEST_CASE("build writes each request file byte for byte, folders made, further ones numbered",
          "[daemon][ctl]") {
    ctl_fixture f;
    std::string content(200'000, 'x');
    content += "\n{\"last\": \"\xC3\xA9\"}\n";
    write_file(f.folder / "spool", content);
    auto first = sample_job("7", "built"), second = sample_job("8", "built");
    first["file"]["sha256"] = second["file"]["sha256"] = hex_of(content);
    f.reply("build", {{"status", "accepted"}, {"run", sample_run("requested")}});
    auto run = sample_run("open", {first, second});
    run["outcomes"] = outcome_counts({{"pending", 120}});
    f.reply("run", {{"run", run}});
    f.daemon.with([&](fake_operations& ops) { ops.request_path = f.folder / "spool"; });
    const auto out = f.folder / "data/batch/test.jsonl";
    const auto end =
        f.ctl({"build", "--kind", "summaries", "--limit", "100", "--out", out.native(), "--budget", "1.0"});
    CHECK(end.code == 0);
    CHECK(read_file(out) == content);
    CHECK(read_file(f.folder / "data/batch/test.002.jsonl") == content);
    CHECK(contains(end.out, "enrichctl submit --kind summaries --input " + out.native()));
    CHECK(f.calls() == std::vector<std::string>{"build", "run r12", "request_file 7", "request_file 8"});
}

TEST_CASE("build says which job has the rows already, and job --out writes its file", "[daemon][ctl]") {
    ctl_fixture f;
    write_file(f.folder / "spool", "{}\n");
    auto nothing = sample_run("done");
    nothing["requests"] = nothing["updated"] = 0;
    nothing["outcomes"] = outcome_counts();
    nothing["in_flight_jobs"] = {"7"};
    f.reply("build", {{"status", "accepted"}, {"run", sample_run("requested")}});
    f.reply("run", {{"run", nothing}});
    const auto out = f.folder / "again.jsonl";
    const auto end = f.ctl({"build", "--kind", "summaries", "--out", out.native()});
    CHECK(end.code == 0);
    CHECK(contains(end.out, out.native() + " was not written: the rows are in an open job already"));
    CHECK(contains(end.out, "enrichctl job 7 --out " + out.native()));
    CHECK(contains(end.out, "enrichctl discard 7"));
    CHECK_FALSE(std::filesystem::exists(out));

    auto job = sample_job("7", "built");
    job["file"]["sha256"] = hex_of("{}\n");
    f.reply("job", {{"job", job}});
    f.daemon.with([&](fake_operations& ops) { ops.request_path = f.folder / "spool"; });
    CHECK(contains(f.ctl({"job", "7", "--out", out.native()}).out, "again.jsonl: 120 requests"));
    CHECK(read_file(out) == "{}\n");
    CHECK(f.ctl({"job", "7", "--out", "-"}).out == "{}\n");
}

TEST_CASE("a file that comes otherwise than it was built is an error", "[daemon][ctl]") {
    ctl_fixture f;
    write_file(f.folder / "spool", "something else");
    auto job = sample_job("7", "built");
    job["file"]["sha256"] = hex_of("what was built");
    f.reply("build", {{"status", "accepted"}, {"run", sample_run("requested")}});
    f.reply("run", {{"run", sample_run("open", {job})}});
    f.daemon.with([&](fake_operations& ops) { ops.request_path = f.folder / "spool"; });
    const auto end = f.ctl({"build", "--kind", "summaries", "--out", (f.folder / "o.jsonl").native()});
    CHECK(end.code == 1);
    CHECK(contains(end.err, "came with another content"));
}

TEST_CASE("submit finds the job by the file's hash, and stays until the batch id is known", "[daemon][ctl]") {
    ctl_fixture f;
    write_file(f.folder / "in.jsonl", "{}\n");
    f.reply("submit", {{"status", "submitting"}, {"run_id", "r12"}, {"jobs", {sample_job("7", "built")}}});
    f.reply("job", {{"job", sample_job("7", "intent_upload")}});
    std::thread provider([&] {
        f.daemon.wait_for_call("job 7");
        f.become("job", {{"job", sample_job("7", "intent_submit")}});
        f.daemon.wait_for_call("job 7", 2);
        f.become("job", {{"job", sample_batch("7", "submitted")}});
    });
    const auto end = f.ctl({"submit", "--kind", "summaries", "--input", (f.folder / "in.jsonl").native()});
    provider.join();
    CHECK(end.code == 0);
    CHECK(contains(end.out, "enrichctl poll --batch-id batch_abc123"));
    CHECK(f.calls().front() == "submit summaries " + hex_of("{}\n") + " -");
}

TEST_CASE("merge tells what was updated and skipped, and a second one that nothing was", "[daemon][ctl]") {
    ctl_fixture f;
    auto merged = sample_batch("7", "merged", 120);
    merged["outcomes"] = outcome_counts({{"ok", 118}, {"stale", 2}});
    merged["updated"] = 124;
    merged["skipped_count"] = 2;
    f.reply(
        "merge",
        {{"status", "merging"}, {"updated", 0}, {"skipped_count", 0}, {"job", sample_batch("7", "fetched")}});
    f.reply("job", {{"job", merged}});
    auto end = f.ctl({"merge", "--kind", "summaries", "--batch-id", "batch_abc123"});
    CHECK(end.code == 0);
    CHECK(end.out == "updated 124, skipped_count 2\n");
    CHECK(f.calls().front() == "merge batch_abc123 summaries");

    f.reply("merge", {{"status", "already_merged"}, {"updated", 0}, {"skipped_count", 126}, {"job", merged}});
    end = f.ctl({"merge", "--kind", "summaries", "--batch-id", "batch_abc123"});
    CHECK(end.code == 0);
    CHECK(end.out == "updated 0, skipped_count 126\n");
}

TEST_CASE("waiting survives a restart of the daemon, and says so", "[daemon][ctl]") {
    ctl_fixture f;
    f.reply("start_run", {{"status", "accepted"}, {"run", sample_run("requested")}});
    f.reply("run", {{"run", sample_run("open", {sample_batch("7", "polling", 40)})}});
    started_program ctl(ENRICHCTL, f.with_socket({"run", "--auto", "--wait"}), f.environment);
    REQUIRE(ctl.wait_for_error_text("40 of 120 requests done"));
    f.daemon.stop();
    REQUIRE(ctl.wait_for_error_text("the daemon has gone away; waiting for it to come back"));
    f.daemon.start();
    REQUIRE(ctl.wait_for_error_text("the daemon is back"));
    f.become("run", {{"run", sample_run("done", {sample_batch("7", "merged", 120)})}});
    const auto end = ctl.wait();
    CHECK(end.code == 0);
    CHECK(contains(end.out, "run r12 done"));
    const auto calls = f.calls();
    CHECK(std::count(calls.begin(), calls.end(), "start_run") == 1);
}

TEST_CASE("on a terminal what stands in the way is told once, on a line of its own that stays",
          "[daemon][ctl]") {
    ctl_fixture f;
    f.reply("start_run", {{"status", "accepted"}, {"run", sample_run("requested")}});
    f.reply("run", {{"run", sample_run("requested")}});
    started_program ctl(ENRICHCTL, f.with_socket({"run", "--auto", "--wait"}), f.environment, 0, 80);
    REQUIRE(ctl.wait_for_error_text("run r12 requested"));
    f.become("run", blocked(20, "connection\nrefused"));
    REQUIRE(ctl.wait_for_error_text("20 of 120 requests done"));
    f.become("run", blocked(40, "connection\nrefused"));
    REQUIRE(ctl.wait_for_error_text("40 of 120 requests done"));
    f.become("run", {{"run", sample_run("open", {sample_batch("7", "polling", 60)})}});
    REQUIRE(ctl.wait_for_error_text("60 of 120 requests done"));
    f.become("run", blocked(80, "the disk is full"));
    REQUIRE(ctl.wait_for_error_text("80 of 120 requests done"));
    f.become("run", {{"run", sample_run("done", {sample_batch("7", "merged", 120)})}});
    const auto end = ctl.wait();
    CAPTURE(end.err);
    CHECK(end.code == 0);
    const std::string clear_line = "\r\x1b[2K";
    CHECK(contains(end.err, clear_line + "job 7 waits: connection refused\n" + clear_line + "["));
    CHECK(times(end.err, "connection refused") == 1); // the bar's line has no room for it
    CHECK(contains(end.err, clear_line + "job 7 waits: the disk is full\n" + clear_line + "["));
}

TEST_CASE("in a pipe what stands in the way ends the line of the run", "[daemon][ctl]") {
    ctl_fixture f;
    f.reply("start_run", {{"status", "accepted"}, {"run", sample_run("requested")}});
    f.reply("run", blocked(20, "connection refused"));
    started_program ctl(ENRICHCTL, f.with_socket({"run", "--auto", "--wait"}), f.environment);
    REQUIRE(ctl.wait_for_error_text("; job 7 waits: connection refused\n"));
    f.become("run", {{"run", sample_run("done", {sample_batch("7", "merged", 120)})}});
    const auto end = ctl.wait();
    CHECK(end.code == 0);
    CHECK(times(end.err, "connection refused") == 1);
}

TEST_CASE("poll knows batches, jobs and runs", "[daemon][ctl]") {
    ctl_fixture f;
    auto job = sample_batch("7", "fetched", 120);
    job["batch_status"] = "completed";
    job["held"] = "waits for merge";
    f.reply("job", {{"job", job}});
    f.reply("run", {{"run", sample_run("done")}});
    f.reply("poll", {{"status", "looking"}, {"job", job}});
    const auto end = f.ctl({"poll", "--batch-id", "batch_abc123"});
    CHECK(contains(end.out, "enrichctl merge --kind summaries --batch-id batch_abc123"));
    CHECK(f.ctl({"poll", "7"}).code == 0);
    CHECK(f.ctl({"poll", "r12"}).code == 0);
    CHECK(f.ctl({"poll", "7", "--no-wait"}).code == 0);
    CHECK(f.calls() == std::vector<std::string>{"job batch_abc123", "job 7", "run r12", "poll 7"});
}

TEST_CASE("the small commands ask what they are named for", "[daemon][ctl]") {
    ctl_fixture f;
    for (const char* call : {"cancel", "discard", "retry", "pause", "resume"})
        f.reply(call, {{"status", "already_" + std::string(call)}});
    f.reply("quarantine_list", {{"rows", json::array()}});
    f.reply("quarantine_release", {{"status", "released"}, {"released", 2}});
    f.reply("migration_plan",
            {{"pending", 1}, {"target", "t"}, {"steps", {{{"name", "0001"}, {"sql", "ALTER TABLE\nx"}}}}});
    f.reply("migrate", {{"pending", 0}, {"target", "t"}, {"steps", {{{"name", "0001"}, {"applied", true}}}}});
    CHECK(f.ctl({"cancel", "--batch-id", "batch_abc123"}).out == "batch_abc123: already cancel\n");
    CHECK(f.ctl({"cancel", "r12"}).code == 0);
    CHECK(f.ctl({"discard", "7"}).out == "7: already discard\n");
    CHECK(f.ctl({"retry", "7"}).code == 0);
    CHECK(f.ctl({"pause"}).out == "already pause\n");
    CHECK(f.ctl({"resume"}).code == 0);
    CHECK(f.ctl({"quarantine", "list"}).out == "the quarantine is empty\n");
    CHECK(contains(f.ctl({"quarantine", "release", "a", "b"}).out, "2 rows released"));
    CHECK(f.ctl({"quarantine", "release", "--all"}).code == 0);
    CHECK(contains(f.ctl({"migrate", "--plan"}).out, "\nALTER TABLE\nx\n"));
    CHECK(contains(f.ctl({"migrate"}).out, "nothing to migrate"));
    CHECK(f.calls() == std::vector<std::string>{"cancel batch_abc123", "cancel r12", "discard 7", "retry 7",
                                                "pause", "resume", "quarantine_list",
                                                "quarantine_release a,b false", "quarantine_release  true",
                                                "migration_plan", "migrate"});
}

TEST_CASE("resolve takes one of its two flags, and a duplicate is told with its job", "[daemon][ctl]") {
    ctl_fixture f;
    auto job = sample_batch("7", "polling", 120);
    job["maybe_duplicate"] = true;
    job["twins"] = {{{"batch_id", "batch_2"},
                     {"batch_status", "cancelled"},
                     {"completed", 5},
                     {"actual_usd", "0.01"},
                     {"unproven_usd", "0"}}};
    f.reply("resolve", {{"status", "adopted"}, {"job", job}});
    f.reply("job", {{"job", job}});
    CHECK(f.ctl({"resolve", "7"}).code == 2);
    CHECK(f.ctl({"resolve", "7", "--adopt", "batch_9", "--resubmit"}).code == 2);
    CHECK(contains(f.ctl({"resolve", "7", "--adopt", "batch_9"}).out, "7: adopted\n"));
    CHECK(f.ctl({"resolve", "7", "--resubmit"}).code == 0);
    CHECK(f.calls() == std::vector<std::string>{"resolve 7 adopt batch_9", "resolve 7 resubmit"});
    const auto shown = f.ctl({"job", "7"}).out;
    CHECK(contains(shown, "sent again"));
    CHECK(contains(shown, "batch_2 (cancelled), 5 requests done, cost $0.01"));
}

TEST_CASE("tokens are counted without a daemon", "[daemon][ctl]") {
    temp_folder folder;
    write_file(folder / "text", "hello world");
    write_file(folder / "lines", "\"hello world\"\n\"\"\n\"a\\nb\"\n");
    write_file(folder / "bad", "\"fine\"\nnot json\n");
    const auto tokens = [](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "tokens");
        return run_program(ENRICHCTL, std::move(arguments));
    };
    CHECK(tokens({folder / "text"}).out == "2\n");
    CHECK(tokens({"--encoding", "cl100k_base", folder / "text"}).out == "2\n");
    CHECK(tokens({"--model", "gpt-4o-mini", folder / "text"}).out == "2\n");
    CHECK(tokens({"--jsonl", folder / "lines"}).out == "2\n0\n3\n");
    CHECK(tokens({"-"}).out == "0\n"); // standard input is at its end
    const auto bad = tokens({"--jsonl", folder / "bad"});
    CHECK(bad.code == 2);
    CHECK(contains(bad.err, "line 2: expected a JSON string"));
    CHECK(tokens({"--model", "gpt-unknown", folder / "text"}).code == 2);
    CHECK(tokens({"--encoding", "p50k", folder / "text"}).code == 2);
    CHECK(tokens({folder / "missing"}).code == 2);
    CHECK(tokens({folder.path()}).code == 2);
}

// What the real enrichctl asks, prints and writes.
// SPDX-License-Identifier: Apache-2.0
#include "core/control.hpp"
#include "core/sha256.hpp"
#include "core/version.hpp"
#include "daemon/ctl/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/control_call.hpp"
#include "tests/support/ctl_fixture.hpp"
#include "tests/support/server_thread.hpp"

#include <algorithm>
#include <array>
#include <sstream>
#include <thread>

using namespace enrichd;
using namespace enrichd::test;

namespace {

std::size_t widest(const std::string& text) {
    std::stringstream in(text);
    std::size_t width = 0;
    for (std::string line; std::getline(in, line);)
        width = std::max(width, ctl::display_width(line));
    return width;
}

std::string hex_of(const std::string& bytes) {
    return to_hex(sha256::of(bytes));
}

boost::asio::awaitable<void> of_another_version(http::server_request&, http::response_writer& out) {
    const http::field_list fields = {{"Enrichd-Version", "99.0.0"}};
    (void)co_await out.reply(200, "application/json", R"({"status": "paused", "version": "99.0.0"})", fields);
}

} // namespace

TEST_CASE("a daemon of another version is said once, on standard error", "[daemon][ctl]") {
    temp_folder folder;
    const auto socket = folder / "s";
    server_thread daemon(of_another_version);
    REQUIRE(daemon.listen_unix(socket, 0600).has_value());
    daemon.start();
    const auto end = run_program(ENRICHCTL, {"pause", "--socket", socket.native()});
    CHECK(end.code == 0);
    CHECK(end.out == "paused\n");
    CHECK(end.err ==
          "enrichctl " + std::string(program_version()) +
              " talks to enrichd 99.0.0: restart the daemon after an upgrade, or use its own enrichctl\n");
}

TEST_CASE("--json prints the reply unchanged, good or bad", "[daemon][ctl]") {
    ctl_fixture f;
    f.reply("jobs", {{"jobs", {sample_batch("7", "polling", 40)}}, {"unheard_of", {1, 2.5, "\x1b"}}});
    f.reply("status", {{"state", "running"}});
    control_caller caller(f.socket);
    CHECK(f.ctl({"jobs", "--json"}).out == caller.get(route_id::jobs)->text);
    CHECK(f.ctl({"--json", "status"}).out == caller.get(route_id::status)->text);
    const auto refused = f.ctl({"job", "9", "--json"});
    CHECK(refused.code == 6);
    CHECK(refused.out == caller.get(route_id::job, "9")->text);

    f.reply("run", {{"run", sample_run("done")}});
    f.reply("start_run", {{"status", "accepted"}, {"run", sample_run("requested")}});
    const auto run = f.ctl({"run", "--auto", "--wait", "--json"});
    CHECK(run.out == caller.get(route_id::run, "r12")->text);
    CHECK(run.err.empty());
}

TEST_CASE("--json is JSON without a daemon too", "[daemon][ctl]") {
    ctl_fixture f;
    f.daemon.stop();
    const auto end = f.ctl({"status", "--json"});
    CHECK(end.code == 4);
    CHECK(json::parse(end.out)["error"]["code"] == "unreachable");
}

TEST_CASE("with --json everything on standard output is JSON", "[daemon][ctl]") {
    ctl_fixture f;
    for (const std::vector<std::string>& wrong :
         std::vector<std::vector<std::string>>{{"plan", "--limit", "0"},
                                               {"sumbit"},
                                               {"cancel"},
                                               {"poll", "1", "--batch-id", "2"},
                                               {"submit", "--kind", "summaries", "--input", "/nonexistent"},
                                               {"tokens", "/nonexistent"}}) {
        CAPTURE(wrong);
        auto arguments = wrong;
        arguments.push_back("--json");
        const auto end = f.ctl(arguments);
        CHECK(end.code == 2);
        const auto told = json::parse(end.out, nullptr, false);
        REQUIRE(told.is_object());
        CHECK(told["error"]["code"] == "invalid_input");
        CHECK(contains(end.err, told["error"]["message"].get<std::string>()));
    }
    f.reply("plan", {{"fits", true}, {"kinds", {{{"kind", "summaries"}, {"requests", 5}}}}});
    const auto asked = f.ctl({"run", "--json"});
    CHECK(asked.code == 2);
    CHECK(json::parse(asked.out)["kinds"][0]["requests"] == 5);
}

TEST_CASE("tables fit the width of the terminal", "[daemon][ctl]") {
    ctl_fixture f;
    auto job = sample_batch("7", "polling", 40);
    job["why"] = std::string(300, 'w') + "\x1b[2J";
    job["batch_id"] = "batch_0123456789abcdef0123456789abcdef";
    f.reply("jobs", {{"jobs", {job, sample_job("8", "built")}}});
    for (const unsigned short width : std::array<unsigned short, 3>{40, 80, 200}) {
        CAPTURE(width);
        const auto end = run_program(ENRICHCTL, f.with_socket({"jobs", "--no-color"}), f.environment, width);
        CHECK(end.code == 0);
        CHECK(widest(end.out) <= width);
        CHECK(contains(end.out, "polling"));
        CHECK_FALSE(contains(end.out, "\x1b"));
        CHECK(contains(end.out, "batch_0123456789abcdef0123456789abcdef") == (width > 80));
        CHECK(contains(end.out, "batch_0123456")); // cut before a column goes
        CHECK(contains(end.out, "COST") == (width > 40));
    }
    f.environment["COLUMNS"] = "40";
    CHECK(contains(f.ctl({"jobs"}).out, std::string(300, 'w'))); // into a pipe: nothing is cut
}

TEST_CASE("texts are wrapped to the terminal, and left alone in a pipe", "[daemon][ctl]") {
    ctl_fixture f;
    auto job = sample_job("7", "intent_upload");
    job["why"] = "the provider cannot be reached: connection refused, and this goes on for a while";
    f.reply("job", {{"job", job}});
    const auto shown = run_program(ENRICHCTL, f.with_socket({"job", "7", "--no-color"}), f.environment, 60);
    CHECK(widest(shown.out) <= 60);
    CHECK(contains(shown.out, "why         the provider cannot be reached: connection\n    refused"));
    CHECK(contains(f.ctl({"job", "7"}).out, "connection refused, and this goes on for a while\n"));
}

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

TEST_CASE("status of a run says why it waits, or was refused", "[daemon][ctl]") {
    ctl_fixture f;
    auto run = sample_run("requested");
    run["waiting_for"] = "connection to server failed: Connection refused \tIs the server running?";
    f.reply("run", {{"run", run}});
    CHECK(contains(f.ctl({"status", "r12"}).out,
                   "waits: connection to server failed: Connection refused Is the"));
    run["waiting_for"] = "paused";
    f.reply("run", {{"run", run}});
    CHECK(contains(f.ctl({"status", "r12"}).out, "goes on after: enrichctl resume"));
    auto job = sample_job("7", "intent_upload");
    job["blocked"] = error_object("provider_busy", "no answer");
    f.reply("run", {{"run", sample_run("open", {job})}});
    CHECK(contains(f.ctl({"status", "r12"}).out, "job 7 waits: no answer\n  hint: a hint"));
    auto refused = sample_run("refused");
    refused["error"] = error_object("target_blocked", "events lacks summary_en");
    f.reply("run", {{"run", refused}});
    const auto end = f.ctl({"status", "r12"});
    CHECK(end.code == 0);
    CHECK(contains(end.out, "error: events lacks summary_en\n  hint: a hint"));
}

TEST_CASE("rows of two kinds are told of each, not added up", "[daemon][ctl]") {
    ctl_fixture f;
    auto run = sample_run("done");
    run["rows"] = {{"seen", 480}, {"selected", 480}};
    run["rows_by_kind"] = {{"summaries", {{"seen", 240}, {"selected", 240}}},
                           {"embeddings", {{"seen", 240}, {"selected", 240}}}};
    f.reply("run", {{"run", run}});
    const auto end = f.ctl({"status", "r12"});
    CHECK(contains(end.out, "embeddings: 240 rows seen: 240 to enrich"));
    CHECK(contains(end.out, "summaries: 240 rows seen: 240 to enrich"));
    CHECK_FALSE(contains(end.out, "480"));
}

TEST_CASE("what the program says in lines stays in lines, and data cannot break out of its own",
          "[daemon][ctl]") {
    ctl_fixture f;
    f.refuse("migrate", errc::target_blocked, "as the owner, run:\nALTER TABLE events\n\tADD x;\x1b[2J");
    const auto end = f.ctl({"migrate"});
    CHECK(end.code == 11);
    CHECK(end.err == "enrichctl: as the owner, run:\n  ALTER TABLE events\n   ADD x;\\x1b[2J\n");
}

TEST_CASE("a migration's plan is SQL as it stands: the pending statements, the rest in comments",
          "[daemon][ctl]") {
    ctl_fixture f;
    f.reply("migration_plan",
            {{"pending", 2},
             {"target", "postgresql:/run/db/events"},
             {"steps",
              {{{"name", "0001_enrichment_columns"}, {"sql", "ALTER TABLE done;"}, {"applied", true}},
               {{"name", "0002_merge_log"}, {"sql", "-- a log\nCREATE TABLE l (\n  a text);\n"}},
               {{"name", "0003_unique_hash"},
                {"sql", "CREATE UNIQUE INDEX;"},
                {"note", "duplicates:\nDROP TABLE x;"}}}}});
    const auto end = f.ctl({"migrate", "--plan"});
    CHECK(end.code == 0);
    std::stringstream in(end.out);
    std::string statements;
    for (std::string line; std::getline(in, line);)
        if (!line.empty() && !line.starts_with("--")) statements += line + "\n";
    CHECK(statements == "CREATE TABLE l (\n  a text);\n");
    CHECK(contains(end.out, "-- note: duplicates: DROP TABLE x;\n-- CREATE UNIQUE INDEX;\n"));
    CHECK(contains(end.out, "the daemon's role needs SELECT"));
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

TEST_CASE("a migration tells what it did, and what was there before", "[daemon][ctl]") {
    ctl_fixture f;
    f.reply("migrate",
            {{"pending", 1},
             {"target", "t"},
             {"steps",
              {{{"name", "0001"}, {"applied", true}, {"applied_now", false}},
               {{"name", "0002"}, {"applied", true}, {"applied_now", true}},
               {{"name", "0003"}, {"applied", false}, {"applied_now", false}, {"sql", "CREATE x"}}}}});
    CHECK(f.ctl({"migrate"}).out == "target t\nthere before 0001\napplied now 0002\npending 0003\n"
                                    "1 step applied\n1 step pending\n");
}

TEST_CASE("the report is printed, or written where the caller wants it", "[daemon][ctl]") {
    ctl_fixture f;
    f.daemon.with([](fake_operations& ops) { ops.report_text = "# Report\n\n\xC3\xA9\n"; });
    CHECK(f.ctl({"report"}).out == "# Report\n\n\xC3\xA9\n");
    const auto file = f.folder / "deep/report.md";
    const auto end = f.ctl({"report", "--run", "r12", "--out", file.native()});
    CHECK(end.out.empty());
    CHECK(read_file(file) == "# Report\n\n\xC3\xA9\n");
    CHECK(f.ctl({"report", "--out", "-"}).out == "# Report\n\n\xC3\xA9\n");
    f.ctl({"report", "--json"});
    CHECK(f.calls() ==
          std::vector<std::string>{"report - md", "report r12 md", "report - md", "report - json"});
    f.refuse("report", errc::not_found, "no report yet");
    CHECK(f.ctl({"report", "--out", (f.folder / "none.md").native()}).code == 6);
    CHECK_FALSE(std::filesystem::exists(f.folder / "none.md"));
}

TEST_CASE("versions are told, and help teaches", "[daemon][ctl]") {
    ctl_fixture f;
    const auto end = f.ctl({"version"});
    CHECK(end.out == "enrichctl " + std::string(program_version()) + "\nenrichd " +
                         std::string(program_version()) + " at " + f.socket + "\n");
    const auto of_group = run_program(ENRICHCTL, {"quarantine", "--help"});
    CHECK(contains(of_group.out, "enrichctl quarantine release [KEY...]"));
    CHECK_FALSE(contains(of_group.out, "enrichctl run"));
    const auto help = run_program(ENRICHCTL, {});
    CHECK(help.code == 0);
    CHECK(contains(help.out, "enrichctl run --auto --wait"));
    CHECK(contains(help.out, "130 interrupted"));
    for (const auto& c : commands()) {
        CAPTURE(c.name);
        std::vector<std::string> arguments;
        std::stringstream in{std::string(c.name)};
        for (std::string word; in >> word;)
            arguments.push_back(word);
        arguments.push_back("--help");
        const auto of_command = run_program(ENRICHCTL, arguments);
        CHECK(of_command.code == 0);
        CHECK(contains(of_command.out, std::string(c.example)));
        for (const auto flag : c.flags)
            CHECK(contains(of_command.out, std::string(find_flag(flag).name)));
    }
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

// What the real enrichctl prints: texts, tables, JSON.
// SPDX-License-Identifier: Apache-2.0
#include "core/control.hpp"
#include "core/version.hpp"
#include "daemon/ctl/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/control_call.hpp"
#include "tests/support/ctl_fixture.hpp"
#include "tests/support/server_thread.hpp"

#include <algorithm>
#include <array>
#include <sstream>

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

TEST_CASE("a plan's warnings are told, those of a kind below it, the plan's own above its sum",
          "[daemon][ctl]") {
    ctl_fixture f;
    json plan = {{"fits", true}, {"limit_usd", "200"}, {"bound_usd", "0.25"}, {"profile", "full"}};
    plan["kinds"] = {{{"kind", "summaries"}, {"bound_usd", "0.25"}, {"warnings", {"slow:\x1b[2J"}}}};
    plan["warnings"] = {"the budget of $1000.00 is above the limit of profile full, $200.00, which counts"};
    f.reply("plan", plan);
    const auto end = f.ctl({"plan", "--budget", "1000"});
    CHECK(end.code == 0);
    CHECK(contains(end.out, "at most $0.25\nwarning: slow:\\x1b[2J\nwarning: the budget of $1000.00 is above "
                            "the limit of profile full, $200.00, which counts\nin all at most $0.25, limit "
                            "$200.00 (profile full)\n"));
    plan["kinds"][0]["warnings"] = plan["warnings"] = json::array();
    f.reply("plan", plan);
    CHECK_FALSE(contains(f.ctl({"plan"}).out, "warning"));
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

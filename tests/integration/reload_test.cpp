// SIGHUP and retention, on the running programs.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/deployment.hpp"

#include "state/sqlite.hpp"

using namespace enrichd;
using namespace enrichd::test;

namespace {

void replace_in(const std::filesystem::path& file, const std::string& what, const std::string& by) {
    auto text = read_file(file);
    const auto at = text.find(what);
    REQUIRE(at != std::string::npos);
    write_file(file, text.replace(at, what.size(), by));
}

} // namespace

TEST_CASE("SIGHUP takes a good configuration as a whole, and of a bad one nothing", "[programs]") {
    deployment d({.more_config = "[budget]\nfull_usd = 0.0001"});
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);
    CHECK(d.ctl({"run", "--auto", "--wait"}).code == 8);

    replace_in(d.config_file(), "full_usd = 0.0001", "full_usd = 5\nfull_used = 6");
    d.reload_daemon();
    CHECK(d.daemon_log().find("did you mean") != std::string::npos);
    CHECK(d.ctl({"run", "--auto", "--wait"}).code == 8); // the old one stays

    replace_in(d.config_file(), "\nfull_used = 6", "");
    d.reload_daemon();
    const auto run = d.ctl({"run", "--auto", "--wait"});
    CAPTURE(run.out, run.err, d.daemon_log());
    CHECK(run.code == 0);
    CHECK(d.stop_daemon() == 0);
}

TEST_CASE("results wait for the target that their rows came from", "[programs]") {
    deployment d({.rows = 20, .batch_seconds = "1"});
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);
    std::filesystem::copy_file(d.news(), d.path("another.db"));
    REQUIRE(d.ctl({"run", "--auto", "--kind", "embeddings"}).code == 0);

    replace_in(d.config_file(), d.news().string(), d.path("another.db").string());
    d.reload_daemon();
    const auto waiting = d.ctl({"poll", "r1", "--timeout", "5s"});
    CHECK(waiting.code == 9);
    const auto job = d.ctl_json({"job", "1"})["job"];
    CAPTURE(job.dump(2), d.daemon_log());
    CHECK(job["state"] == "fetched");
    REQUIRE(job["blocked"].is_object());
    CHECK(job["blocked"]["code"] == "target_blocked");
    CHECK(job["blocked"]["message"].get<std::string>().find("[database] name") != std::string::npos);
    {
        sqlite::database another(d.path("another.db").string(), sqlite::open_mode::read_only);
        sqlite::statement written(another, "SELECT COUNT(*) FROM events WHERE embedding IS NOT NULL");
        auto row = written();
        REQUIRE(row.next());
        CHECK(row.integer(0) == 0);
    }

    replace_in(d.config_file(), d.path("another.db").string(), d.news().string());
    d.reload_daemon();
    REQUIRE(d.ctl({"retry", "1"}).code == 0);
    const auto ended = d.ctl({"poll", "r1"});
    CAPTURE(ended.out, ended.err);
    CHECK(ended.code == 0);
    CHECK(d.query("SELECT COUNT(*) FROM events WHERE embedding IS NOT NULL") != "0");
}

TEST_CASE("request and result files go after their retention, and what was done stays known", "[programs]") {
    deployment d({.rows = 20});
    replace_in(d.config_file(), "[state]\n", "[state]\nretention_days = 1\n");
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);
    REQUIRE(d.ctl({"run", "--auto", "--wait"}).code == 0);
    CHECK(d.stop_daemon() == 0);
    REQUIRE(files_in(d.state() / "batch") > 0);
    const auto age = [&](int hours) {
        sqlite::database ledger((d.state() / "ledger.db").string());
        ledger.exec("UPDATE runs SET ended_ms = ended_ms - " + std::to_string(hours * 3'600'000));
    };

    age(23);
    d.start_daemon();
    CHECK(d.stop_daemon() == 0);
    CHECK(files_in(d.state() / "batch") > 0);

    age(2);
    d.start_daemon();
    const auto rerun = d.ctl_json({"run", "--auto", "--wait"});
    CHECK(files_in(d.state() / "batch") == 0);
    CHECK(rerun["run"]["requests"] == 0);
    const auto jobs = d.ctl_json({"jobs", "--all"})["jobs"];
    REQUIRE(jobs.size() == 2);
    CHECK(jobs[0]["state"] == "merged");
    CHECK(jobs[0]["usage"]["input_tokens"].get<int>() > 0);
}

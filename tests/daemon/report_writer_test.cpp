// SPDX-License-Identifier: Apache-2.0
#include "daemon/report_writer.hpp"

#include "daemon/bill.hpp"
#include "daemon/twins.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/operations_fixture.hpp"

using namespace enrichd;
using enrichd::test::noon;
using enrichd::test::operations_fixture;
using json = nlohmann::json;

namespace {

// A run of one job that was merged: three requests, one of which was refused.
std::int64_t merged_run(operations_fixture& f) {
    const auto run = f.add_open_run();
    const auto id = f.add_job(run);
    run_summary summary;
    summary.kinds.resize(1);
    summary.kinds[0].model = "gpt-4o-mini";
    summary.kinds[0].rows.seen = 10;
    summary.kinds[0].rows.selected = 3;
    summary.kinds[0].totals.requests = 3;
    summary.kinds[0].totals.bound = money{picodollars_per_dollar / 10};
    f.l->runs().set_summary(run, to_json(summary), noon);
    const auto states = enrichd::test::one_of_each_state();
    const auto turn = [&](const job::state& s, std::int64_t at) {
        REQUIRE(f.l->jobs().record(f.job(id), {s, "event", "", {}, false}, noon + at));
    };
    turn(states[5], 1000);
    turn(states[6], 2000);
    turn(states[7], 61'000);
    auto& requests = f.l->requests();
    const auto key = [&](int n) { return "e-" + std::to_string(id) + "-" + std::to_string(n); };
    for (int n : {0, 1}) {
        requests.end_request(id, {n, outcome::ok, 200, ""});
        requests.end_row(id, {n, key(n), outcome::ok, ""});
    }
    requests.end_request(id, {2, outcome::refused, 200, "I can't"});
    requests.end_row(id, {2, key(2), outcome::refused, "I can't"});
    f.l->jobs().settle(id, {{300, 0, 40, 0}, money{12'345}}, noon);
    turn(job::merged{"batch_1"}, 64'500);
    return run;
}

} // namespace

TEST_CASE("a report is gathered from the ledger, and adds up", "[report_writer]") {
    operations_fixture f;
    const auto run = merged_run(f);
    const auto facts = gather_facts(*f.l, *f.l->runs().find(run), noon + 70'000);
    CHECK(facts.run == run_name(run));
    CHECK(facts.state == "done"); // what it will be once the report is written
    REQUIRE(facts.jobs.size() == 1);
    CHECK(facts.jobs[0].queue_ms == 1000);
    CHECK(facts.jobs[0].run_ms == 60'000);
    CHECK(facts.jobs[0].merge_ms == 3500);
    CHECK(facts.jobs[0].batch_id == "batch_1");
    CHECK(facts.jobs[0].batch_status == "expired");
    REQUIRE(facts.kinds.size() == 1);
    CHECK(facts.kinds[0].rows == std::map<outcome, std::int64_t>{{outcome::ok, 2}, {outcome::refused, 1}});
    CHECK(facts.kinds[0].open_rows == 0);
    CHECK(facts.kinds[0].used == token_usage{300, 0, 40, 0});
    CHECK(actual(facts) == money{12'345});
    REQUIRE(facts.causes.size() == 1);
    CHECK(facts.causes[0].reason == "I can't");
    CHECK(facts.causes[0].count == 1);
    CHECK_FALSE(facts.causes[0].sample_key.empty());
}

TEST_CASE("what a twin cost is in the report as tokens and as dollars, and its run's totals agree",
          "[report_writer]") {
    operations_fixture f;
    const auto run = merged_run(f);
    const auto job = f.l->jobs().of_run(run).at(0);
    const auto before = gather_facts(*f.l, *f.l->runs().find(run), noon).kinds.at(0);
    batch_object twin;
    twin.id = "batch_2";
    twin.status = batch_status::cancelled;
    twin.completed = 2;
    twin.usage = token_usage{200, 0, 40, 0};
    record_twin(*f.l, job, "batch_1", twin, noon);
    const auto facts = gather_facts(*f.l, *f.l->runs().find(run), noon);
    REQUIRE(facts.jobs.at(0).twins.size() == 1);
    const auto& told = facts.jobs[0].twins[0];
    CHECK(told.batch_id == "batch_2");
    CHECK(told.batch_status == "cancelled");
    CHECK(told.completed == 2);
    CHECK(told.used == token_usage{200, 0, 40, 0});
    CHECK(told.actual == cost(told.used, job.plan.price));
    CHECK(told.actual > money{});
    const auto& after = facts.kinds.at(0);
    CHECK(after.used == token_usage{500, 0, 80, 0});
    CHECK(after.actual.picodollars == before.actual.picodollars + told.actual.picodollars);
    CHECK(after.actual == facts.jobs[0].actual);
    CHECK(after.rows == before.rows);
}

TEST_CASE("the same cause in several jobs is one line of the report", "[report_writer]") {
    operations_fixture f;
    const auto run = f.add_open_run();
    for (int i = 0; i < 2; ++i) {
        const auto id = f.add_job(run);
        f.l->requests().end_request(id, {0, outcome::http_error, 500, "busy"});
        f.l->requests().end_request(id, {1, outcome::http_error, 429, "busy"});
    }
    const auto facts = gather_facts(*f.l, *f.l->runs().find(run), noon);
    REQUIRE(facts.causes.size() == 2);
    CHECK(facts.causes[0].count == 2);
}

TEST_CASE("a report is written into its run's folder, and latest points there", "[report_writer]") {
    operations_fixture f;
    CHECK(f.ops.report(std::nullopt, "md").error().code == errc::not_found);
    const auto run = merged_run(f);
    const auto name = run_name(run);
    CHECK(f.ops.report(name, "md").error().code == errc::not_found);
    CHECK(f.ops.run(name)->at("run").at("report").is_null());

    report_writer writer(*f.l, f.files, f.now, f.loop.get_executor());
    REQUIRE(f.wait(writer.write(run)));
    const auto folder = f.files.validation_folder() / report_folder(noon, name);
    const auto text = enrichd::test::read_file(folder / "enrichment_report.md");
    CHECK(text.find("# Enrichment report: run " + name) == 0);
    CHECK(f.ops.run(name)->at("run").at("report") == (folder / "enrichment_report.md").string());
    CHECK(f.ops.report(std::nullopt, "md").value() == text);
    CHECK(f.ops.report(name, "md").value() == text);
    CHECK(json::parse(f.ops.report("latest", "json").value()).at("run_id") == name);
    CHECK(f.ops.report("r99", "md").error().code == errc::not_found);
    REQUIRE(f.wait(writer.write(run))); // again after a crash: the same
    CHECK(enrichd::test::read_file(folder / "enrichment_report.md") == text);
    CHECK(f.wait(writer.write(99)).error().code == errc::not_found);
}

TEST_CASE("a run that had nothing to do leaves latest where it is", "[report_writer]") {
    operations_fixture f;
    CHECK(f.files.open_report_folder("first", false).has_value()); // there is no other yet
    CHECK(std::filesystem::read_symlink(f.files.validation_folder() / "latest") == "first");
    CHECK(f.files.open_report_folder("second", true).has_value());
    CHECK(f.files.open_report_folder("third", false).has_value());
    CHECK(std::filesystem::read_symlink(f.files.validation_folder() / "latest") == "second");
}

TEST_CASE("older reports are kept", "[report_writer]") {
    operations_fixture f;
    report_writer writer(*f.l, f.files, f.now, f.loop.get_executor());
    const auto first = merged_run(f);
    REQUIRE(f.wait(writer.write(first)));
    const auto second = f.add_open_run();
    f.add_job(second);
    REQUIRE(f.wait(writer.write(second)));
    const auto third = f.add_open_run(); // it has nothing to do
    REQUIRE(f.wait(writer.write(third)));
    CHECK(json::parse(f.ops.report(std::nullopt, "json").value()).at("run_id") == run_name(second));
    CHECK(json::parse(f.ops.report(run_name(first), "json").value()).at("run_id") == run_name(first));
}

TEST_CASE("a report that is written anew after its run's end tells more, and latest stays with a newer run",
          "[report_writer]") {
    operations_fixture f;
    report_writer writer(*f.l, f.files, f.now, f.loop.get_executor());
    const auto first = merged_run(f);
    REQUIRE(f.wait(writer.write(first)));
    REQUIRE(
        f.l->runs().record(*f.l->runs().find(first), run::state::done, run::event::finished, "", {}, noon));
    const auto second = f.add_open_run();
    f.add_job(second);
    REQUIRE(f.wait(writer.write(second)));

    f.l->jobs().settle(f.l->jobs().of_run(first).at(0).id, {{}, money{1'000'000}}, noon);
    REQUIRE(f.wait(writer.write(first)));
    const auto told = json::parse(f.ops.report(run_name(first), "json").value());
    CHECK(told.at("money").at("actual_usd") == exact_dollars(money{1'012'345}));
    CHECK(told.at("state") == "done");
    CHECK(json::parse(f.ops.report(std::nullopt, "json").value()).at("run_id") == run_name(second));
}

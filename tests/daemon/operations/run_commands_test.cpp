// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/operations_fixture.hpp"

using namespace enrichd;
using enrichd::test::noon;
using enrichd::test::operations_fixture;
using json = nlohmann::json;

TEST_CASE("a run is accepted at once, and is due", "[operations][run]") {
    operations_fixture f;
    run_order order;
    order.limit = 5;
    order.authorities = {"openssl"};
    order.budget = parse_dollars("1.5");
    const auto reply = f.ops.start_run(order);
    REQUIRE(reply);
    CHECK(reply->at("status") == "accepted");
    const auto& run = reply->at("run");
    CHECK(run.at("id") == "r1");
    CHECK(run.at("command") == "run");
    CHECK(run.at("state") == "requested");
    CHECK(run.at("kinds") == json({"summaries", "embeddings"}));
    CHECK(run.at("limit") == 5);
    CHECK(run.at("authorities") == json({"openssl"}));
    CHECK(run.at("since_ms").is_null());
    CHECK(run.at("budget").at("limit_usd") == "1.5");
    CHECK(run.at("outcomes").at("pending") == 0);
    CHECK(run.at("jobs").empty());
    CHECK(run.at("error").is_null());
    CHECK(run.at("report").is_null());
    CHECK(f.l->runs().timetable().at(0).due_ms <= f.now.now);
    CHECK(f.woken == 1);
}

TEST_CASE("a build is a run whose jobs wait", "[operations][run]") {
    operations_fixture f;
    run_order order;
    order.kinds = {kind::embeddings};
    order.profile = "test";
    const auto reply = f.ops.build(order);
    REQUIRE(reply);
    CHECK(reply->at("run").at("command") == "build");
    CHECK(reply->at("run").at("kinds") == json({"embeddings"}));
    CHECK(reply->at("run").at("budget").at("limit_usd") == "25");
    CHECK(f.l->runs().find(1)->until == job::goal::built);
}

TEST_CASE("--budget lowers the profile's limit, and never raises it", "[operations][run]") {
    operations_fixture f;
    run_order order;
    order.budget = parse_dollars("1000");
    CHECK(f.ops.start_run(order)->at("run").at("budget").at("limit_usd") == "200");
}

TEST_CASE("a run adds up: each request counts once, with its last outcome", "[operations][run]") {
    operations_fixture f;
    const auto run = f.add_open_run();
    run_summary summary;
    summary.kinds.resize(2);
    summary.kinds[0].rows = {10, 5, 2, 1, 0, 1, 1, 0, 0, 1};
    summary.kinds[1].kind = kind::embeddings;
    summary.kinds[1].rows = {10, 5, 5, 0, 0, 0, 0, 0, 0, 0};
    summary.kinds[0].in_flight_jobs = {3, 4};
    summary.kinds[1].in_flight_jobs = {4};
    summary.kinds[0].totals.bound = money{12};
    f.l->runs().set_summary(run, to_json(summary), noon);
    const auto first = f.add_job(run, job::goal::merged, 5);
    auto& requests = f.l->requests();
    requests.end_request(first, {0, outcome::ok, 200, ""});
    requests.end_row(first, {0, "e-" + std::to_string(first) + "-0", outcome::ok, ""});
    requests.end_request(first, {1, outcome::http_error, 500, "busy"}); // sent again
    requests.end_request(first, {2, outcome::http_error, 500, "busy"}); // the budget did not cover it
    requests.end_request(first, {3, outcome::refused, 200, "no"});
    requests.count_resent(first, outcome::http_error);
    requests.count_unsent(first, outcome::http_error);
    auto again = f.job(first).plan;
    again.attempt = 2;
    again.totals.requests = 1;
    const auto second = f.l->jobs().create(again, job::goal::merged, noon);
    f.l->jobs().set_plan(second, again);
    new_request r;
    r.custom_id = "id-" + std::to_string(first) + "-1";
    requests.add(second, r);
    requests.end_request(second, {0, outcome::ok, 200, ""});

    const auto reply = f.ops.run("r1");
    REQUIRE(reply);
    const auto& object = reply->at("run");
    CHECK(object.at("requests") == 5);
    const auto& outcomes = object.at("outcomes");
    CHECK(outcomes.at("ok") == 2);
    CHECK(outcomes.at("http_error") == 0);
    CHECK(outcomes.at("refused") == 1);
    CHECK(outcomes.at("unsent") == 1);
    CHECK(outcomes.at("pending") == 1);
    std::int64_t sum = 0;
    for (const auto& [name, n] : outcomes.items())
        sum += n.get<std::int64_t>();
    CHECK(sum == 5);
    CHECK(object.at("updated") == 1);
    CHECK(object.at("rows").at("seen") == 20);
    CHECK(object.at("rows").at("done") == 7);
    CHECK(object.at("rows").at("identical") == 1);
    CHECK(object.at("in_flight_jobs") == json({"3", "4"}));
    CHECK(object.at("budget").at("projected_usd") == "0.000000000012");
    REQUIRE(object.at("jobs").size() == 2);
    CHECK(object.at("jobs")[0].at("file") ==
          json({{"number", 1}, {"count", 1}, {"bytes", 1000}, {"sha256", "aa"}}));
    CHECK_FALSE(object.at("jobs")[0].contains("history"));
}

TEST_CASE("a refused run says why, as an error object", "[operations][run]") {
    operations_fixture f;
    const auto run = f.add_run();
    const auto row = [&] { return *f.l->runs().find(run); };
    REQUIRE(f.l->runs().record(row(), run::state::building, run::event::build_begun, "", {}, noon));
    const auto why = R"({"code": "over_budget", "message": "$1.00 over", "hint": "use --limit 7"})";
    REQUIRE(f.l->runs().record(row(), run::state::refused, run::event::refused, why, {}, noon + 9));
    const auto reply = f.ops.run("latest");
    REQUIRE(reply);
    CHECK(reply->at("run").at("error").at("code") == "over_budget");
    CHECK(reply->at("run").at("error").at("hint") == "use --limit 7");
    CHECK(reply->at("run").at("ended_ms") == noon + 9);
}

TEST_CASE("a run that cannot be built now says what it waits for", "[operations][run]") {
    operations_fixture f;
    const auto run = f.add_run();
    f.l->runs().postpone(run, {noon + 500, 2, "connection refused", errc::target_unavailable}, noon);
    const auto object = f.ops.run("r1")->at("run");
    CHECK(object.at("waiting_for") == "connection refused");
    CHECK(object.at("next_due_ms") == noon + 500);
    CHECK(object.at("error").is_null());
    const auto status = f.ops.status();
    REQUIRE(status);
    CHECK(status->at("target").at("error").at("code") == "target_unavailable");
    CHECK(status->at("provider").at("error").is_null());
}

TEST_CASE("no run, no latest", "[operations][run]") {
    operations_fixture f;
    CHECK(f.ops.run("latest").error().code == errc::not_found);
    CHECK(f.ops.run("r1").error().code == errc::not_found);
    CHECK(f.ops.run("1").error().code == errc::not_found);
    CHECK(f.ops.jobs("r1", false).error().code == errc::not_found);
}

TEST_CASE("jobs lists the open ones, all, or those of a run, newest first", "[operations][run]") {
    operations_fixture f;
    const auto a = f.add_job(f.add_open_run());
    const auto run = f.add_open_run();
    const auto b = f.add_job(run);
    const auto c = f.add_job(run);
    f.put(b, job::merged{"batch_1"});
    const auto ids = [](const result<json>& reply) {
        std::vector<std::string> all;
        for (const auto& j : reply->at("jobs"))
            all.push_back(j.at("id").get<std::string>());
        return all;
    };
    using list = std::vector<std::string>;
    CHECK(ids(f.ops.jobs(std::nullopt, false)) == list{job_name(c), job_name(a)});
    CHECK(ids(f.ops.jobs(std::nullopt, true)) == list{job_name(c), job_name(b), job_name(a)});
    CHECK(ids(f.ops.jobs(run_name(run), false)) == list{job_name(c), job_name(b)});
    CHECK(ids(f.ops.jobs("latest", false)).size() == 2);
}

TEST_CASE("pause and resume are idempotent, and resume makes due what the pause held",
          "[operations][pause]") {
    operations_fixture f;
    const auto run = f.add_run();
    const auto held = f.add_job(f.add_open_run());
    const auto waits = f.add_job(f.add_open_run(job::goal::built), job::goal::built);
    CHECK(f.ops.resume()->at("status") == "already_running");
    CHECK(f.ops.pause()->at("status") == "paused");
    CHECK(f.ops.pause()->at("status") == "already_paused");
    CHECK(f.l->paused());
    f.l->jobs().postpone(f.job(held), {std::nullopt, 0, "paused"}, noon);
    f.l->runs().postpone(run, {std::nullopt, 0, "paused"}, noon);
    CHECK(f.ops.status()->at("paused") == true);
    CHECK(f.ops.job(job_name(held), true)->at("job").at("held") == "paused");

    CHECK(f.ops.resume()->at("status") == "running");
    CHECK_FALSE(f.l->paused());
    CHECK(f.job(held).waiting.due_ms == f.now.now);
    CHECK(f.l->runs().find(run)->waiting.due_ms == f.now.now);
    CHECK_FALSE(f.job(waits).waiting.due_ms);
}

TEST_CASE("quarantined rows are listed, and released by key or all", "[operations][quarantine]") {
    operations_fixture f;
    const auto id = f.add_job(f.add_open_run());
    for (const char* key : {"a", "b"})
        for (const auto k : all_kinds)
            f.l->quarantine().put({"t", k, key, "v", {}, id, outcome::refused, "no", 3, noon, "openssl"});
    const auto list = f.ops.quarantine_list();
    REQUIRE(list);
    REQUIRE(list->at("rows").size() == 4);
    CHECK(list->at("rows")[0] == json({{"kind", "embeddings"},
                                       {"key", "a"},
                                       {"authority", "openssl"},
                                       {"outcome", "refused"},
                                       {"reason", "no"},
                                       {"tries", 3},
                                       {"since_ms", noon},
                                       {"job_id", job_name(id)}}));
    CHECK(f.ops.quarantine_release({"a", "nobody"}, false).error().code == errc::not_found);
    CHECK(f.l->quarantine().count() == 4);
    CHECK(f.ops.quarantine_release({"a", "a"}, false)->at("released") == 2);
    CHECK(f.ops.quarantine_release({}, true)->at("released") == 2);
    CHECK(f.ops.quarantine_release({}, true)->at("released") == 0);
}

TEST_CASE("status tells what is under way, what it costs, and what a person should know",
          "[operations][status]") {
    operations_fixture f;
    const auto polling = enrichd::test::one_of_each_state()[6];
    const auto first = f.add_job_in(polling, job::goal::merged);
    f.l->jobs().postpone(f.job(first), {noon + 700, 0, ""}, noon);
    const auto blocked = f.add_job_in(enrichd::test::one_of_each_state()[7], job::goal::merged);
    f.l->jobs().postpone(f.job(blocked),
                         {noon + 900, 5, "permission denied for table events", errc::target_blocked}, noon);
    f.l->jobs().settle(first, {{1, 0, 1, 0}, money{2 * picodollars_per_dollar}},
                       noon); // over the run's limit of $1
    f.l->quarantine().put({"t", kind::summaries, "k", "v", {}, first, outcome::refused, "no", 3, noon, ""});
    f.l->set_paused(true);

    const auto reply = f.ops.status();
    REQUIRE(reply);
    const auto& s = *reply;
    CHECK(s.at("state") == "running");
    CHECK(s.at("pid") == 4711);
    CHECK(s.at("started_ms") == noon - 5000);
    CHECK(s.at("state_directory") == f.folder.path().string());
    CHECK(s.at("config_file") == "/etc/enrichd/enrichd.toml");
    CHECK(s.at("provider").at("base_url") == "https://api.openai.com/v1");
    CHECK(s.at("target").at("identity") == "sqlite:test/events");
    CHECK(s.at("target").at("error").at("code") == "target_blocked");
    CHECK(s.at("jobs").size() == 12);
    CHECK(s.at("jobs").at("polling") == 1);
    CHECK(s.at("jobs").at("fetched") == 1);
    CHECK(s.at("jobs").at("merged") == 0);
    CHECK(s.at("runs").size() == 2);
    CHECK_FALSE(s.at("runs")[0].contains("jobs"));
    CHECK(s.at("quarantined") == 1);
    CHECK(s.at("money").at("spent_usd") == "2");
    CHECK(s.at("money").at("reserved_usd") == "0.06");
    CHECK(s.at("next_due_ms") == noon + 700);
    REQUIRE(s.at("alerts").size() == 4);
    CHECK(s.at("alerts")[0].at("code") == "over_budget");
    CHECK(s.at("alerts")[1].at("code") == "target_blocked");
    CHECK(s.at("alerts")[1].at("message") == "permission denied for table events");
    CHECK(s.at("alerts")[2].at("hint") == "enrichctl quarantine list");
    CHECK(s.at("alerts")[3].at("hint") == "enrichctl resume");
    f.state = daemon_state::draining;
    CHECK(f.ops.status()->at("state") == "draining");
}

TEST_CASE("a daemon with nothing to do has no alerts and nothing due", "[operations][status]") {
    operations_fixture f;
    const auto s = f.ops.status();
    REQUIRE(s);
    CHECK(s->at("alerts").empty());
    CHECK(s->at("next_due_ms").is_null());
    CHECK(s->at("runs").empty());
}

TEST_CASE("the same cause is one alert, however many jobs it holds up", "[operations][status]") {
    operations_fixture f;
    for (int i = 0; i < 3; ++i) {
        const auto id = f.add_job_in(enrichd::test::one_of_each_state()[6], job::goal::merged);
        f.l->jobs().postpone(
            f.job(id), {noon + 900, 2, "cannot connect to api.openai.com", errc::provider_ambiguous}, noon);
    }
    const auto s = f.ops.status();
    REQUIRE(s);
    CHECK(s->at("alerts").size() == 1);
    CHECK(s->at("provider").at("error").at("code") == "provider_ambiguous");
}

TEST_CASE("the migration is told and applied, and merges that waited for it go on",
          "[operations][migration]") {
    operations_fixture f;
    f.database->steps = {{"0001_enrichment_columns", "ALTER TABLE events ...", true, false, ""},
                         {"0002_merge_log", "CREATE TABLE ...", false, false, "new"}};
    const auto plan = f.wait(f.ops.migration_plan());
    REQUIRE(plan);
    CHECK(plan->at("target") == "sqlite:test/events");
    CHECK(plan->at("pending") == 1);
    CHECK(plan->at("steps")[1] == json({{"name", "0002_merge_log"},
                                        {"sql", "CREATE TABLE ..."},
                                        {"applied", false},
                                        {"applied_now", false},
                                        {"note", "new"}}));

    const auto id = f.add_job_in(enrichd::test::one_of_each_state()[7], job::goal::merged);
    f.l->jobs().postpone(f.job(id), {noon + 900'000, 5, "no column", errc::target_blocked}, noon);
    const auto done = f.wait(f.ops.migrate());
    REQUIRE(done);
    CHECK(done->at("pending") == 0);
    CHECK(done->at("steps")[0].at("applied") == true);
    CHECK(done->at("steps")[0].at("applied_now") == false);
    CHECK(done->at("steps")[1].at("applied_now") == true);
    CHECK(f.job(id).waiting.due_ms == f.now.now);
    const auto again = f.wait(f.ops.migrate());
    CHECK(again.value().at("steps")[1].at("applied_now") == false);

    f.database->broken = error{errc::target_unavailable, "connection refused"};
    CHECK(f.wait(f.ops.migrate()).error().code == errc::target_unavailable);
}

TEST_CASE("a plan tells what a run would cost, and whether it fits", "[operations][plan]") {
    operations_fixture f;
    const std::string text(400, 'x');
    f.database->rows = {{"e-1", "openssl", noon, "One", text + " one", need::value},
                        {"e-2", "bash", noon, "Two", text + text + text + " two", need::value},
                        {"e-3", "bash", noon, "Three", std::nullopt, need::done}};
    run_order order;
    order.kinds = {kind::summaries};
    const auto reply = f.wait(f.ops.plan(order));
    REQUIRE(reply);
    CHECK(reply->at("fits") == true);
    CHECK(reply->at("limit_usd") == "200");
    CHECK(reply->at("over_by_usd") == "0");
    CHECK(reply->at("would_fit_limit").is_null());
    const auto& k = reply->at("kinds").at(0);
    CHECK(k.at("rows").at("seen") == 3);
    CHECK(k.at("rows").at("selected") == 2);
    CHECK(k.at("requests") == 2);
    CHECK(k.at("files") == 1);
    REQUIRE(reply->at("authorities").size() == 2);
    CHECK(reply->at("authorities")[0].at("authority") == "bash"); // the most expensive first
    CHECK(f.l->runs().list(1).empty());

    order.budget = parse_dollars("0.0000001");
    const auto tight = f.wait(f.ops.plan(order));
    REQUIRE(tight);
    CHECK(tight->at("fits") == false);
    CHECK(tight->at("would_fit_limit") == 0);
    CHECK(tight->at("over_by_usd") != "0");
}

TEST_CASE("a plan tells which kind cannot be built, and plans the other", "[operations][plan]") {
    operations_fixture f;
    f.database->rows = {{"e-1", "openssl", noon, "One", std::string(400, 'x'), need::value}};
    f.settings->embeddings.model = "no-such-model";
    const auto reply = f.wait(f.ops.plan({}));
    REQUIRE(reply);
    REQUIRE(reply->at("kinds").size() == 2);
    CHECK(reply->at("kinds")[0].at("kind") == "summaries");
    CHECK(reply->at("kinds")[0].at("problem").is_null());
    CHECK(reply->at("kinds")[0].at("requests") == 1);
    CHECK(reply->at("kinds")[1].at("kind") == "embeddings");
    CHECK(reply->at("kinds")[1].at("problem").at("code") == "invalid_input");
    CHECK(reply->at("bound_usd") == reply->at("kinds")[0].at("bound_usd"));

    f.database->broken = error{errc::target_unavailable, "connection refused"};
    f.settings->embeddings.model = "text-embedding-3-small";
    CHECK(f.wait(f.ops.plan({})).error().code == errc::target_unavailable);
}

TEST_CASE("news wakes who waits for it, and shutdown ends the wait", "[operations][changes]") {
    operations_fixture f;
    const auto seen = f.wait(f.ops.changed(0));
    REQUIRE(seen); // whoever has seen nothing is answered at once
    f.loop.restart();
    boost::asio::co_spawn(f.loop, f.ops.changed(*seen), [&](std::exception_ptr, result<std::uint64_t> news) {
        CHECK(news);
        CHECK(*news > *seen);
        f.woken += 100;
    });
    f.loop.poll();
    CHECK(f.woken == 0);
    (void)f.ops.pause();
    f.loop.poll();
    CHECK(f.woken == 101);

    boost::asio::co_spawn(f.loop, f.ops.changed(999), [&](std::exception_ptr, result<std::uint64_t> news) {
        CHECK(news.error().code == errc::cancelled);
        f.woken += 1000;
    });
    f.loop.restart();
    f.loop.poll();
    f.changes.close();
    f.loop.restart();
    f.loop.poll();
    CHECK(f.woken == 1101);
    CHECK(f.wait(f.ops.changed(0)).error().code == errc::cancelled);
}

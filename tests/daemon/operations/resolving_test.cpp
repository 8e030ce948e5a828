// What a person says became of a submission in doubt.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/operations_fixture.hpp"

using namespace enrichd;
using enrichd::test::noon;
using enrichd::test::operations_fixture;

namespace {

constexpr auto ours = "ed1-00000000-1-1";

struct doubt : operations_fixture {
    std::int64_t id = add_job_in(job::submit_unknown{ours, "file-1", noon, 4}, job::goal::merged);

    // A batch that the provider shows for this id.
    batch_object& show(const std::string& submission, const std::string& file_id) {
        batch_object b;
        b.id = "batch_9";
        b.status = batch_status::in_progress;
        b.created_at = noon / 1000;
        b.input_file_id = file_id;
        if (!submission.empty()) b.metadata = {{"enrichd_submission", submission}};
        world->pages = {{{b}, false}};
        return world->pages.front().batches.front();
    }
    result<nlohmann::json> resolve(std::optional<std::string> adopt) {
        return wait(ops.resolve(job_name(id), std::move(adopt)));
    }
    void refuses(const std::string& adopt, const std::string& why) {
        const auto r = resolve(adopt);
        REQUIRE_FALSE(r);
        CAPTURE(r.error().detail);
        CHECK(r.error().code == errc::state_conflict);
        CHECK(r.error().detail.find(why) != std::string::npos);
        CHECK(job::name(job(id).state) == "submit_unknown");
    }
};

} // namespace

TEST_CASE("a batch that fits is adopted by its metadata, or by its input file", "[operations][resolve]") {
    doubt f;
    SECTION("metadata") {
        f.show(ours, "another-name-of-the-file");
    }
    SECTION("input file") {
        f.show("", "file-1");
    }
    const auto r = f.resolve("batch_9");
    REQUIRE(r);
    CHECK(r->at("status") == "adopted");
    CHECK(r->at("job").at("state") == "submitted");
    CHECK(r->at("job").at("batch_id") == "batch_9");
    CHECK(r->at("job").at("maybe_duplicate") == false);
    CHECK(f.job(f.id).waiting.due_ms == f.now.now);
    CHECK(f.woken == 1);
    CHECK(f.l->history_of_job(f.id).back().detail == "batch_9, named by a person");
}

TEST_CASE("a batch that does not fit is refused with the reason, and nothing changes",
          "[operations][resolve]") {
    doubt f;
    f.show("ed1-00000000-7-1", "file-1");
    f.refuses("batch_9", "it was made for the submission ed1-00000000-7-1");
    f.show("", "file-2");
    f.refuses("batch_9", "its input file is file-2, not file-1");
    f.show("", "");
    f.refuses("batch_9", "its input file is not told");
    f.show(ours, "file-1").total = 8;
    f.refuses("batch_9", "it has 8 requests, and the file of job " + job_name(f.id) + " has 3");
    f.show(ours, "file-1").status = batch_status::failed;
    f.refuses("batch_9", "--resubmit");
    CHECK(f.woken == 0);

    const auto unknown = f.resolve("batch_8");
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().code == errc::provider_rejected);

    const auto other = f.add_job_in(job::submitted{"s", "file-1", "batch_9", noon / 1000}, job::goal::merged);
    f.show(ours, "file-1");
    f.refuses("batch_9", "it is the batch of job " + job_name(other));
}

TEST_CASE("resubmit sends again under the same submission, and marks the job", "[operations][resolve]") {
    doubt f;
    const auto r = f.resolve(std::nullopt);
    REQUIRE(r);
    CHECK(r->at("status") == "resubmitting");
    CHECK(r->at("job").at("state") == "uploaded");
    CHECK(r->at("job").at("maybe_duplicate") == true);
    const auto s = std::get<job::uploaded>(f.job(f.id).state);
    CHECK(s.unused_submission == ours);
    CHECK(s.unused_since_ms == noon);
    CHECK(f.l->chores().next_due());
    CHECK(f.world->calls.empty());
    CHECK(f.resolve(std::nullopt).error().code == errc::state_conflict); // it is not in doubt any more
}

TEST_CASE("what is to be cancelled is not sent again", "[operations][resolve]") {
    doubt f;
    REQUIRE(f.ops.cancel(job_name(f.id), false));
    const auto r = f.resolve(std::nullopt);
    REQUIRE_FALSE(r);
    CHECK(r.error().detail.find("--abandon") != std::string::npos);
    CHECK(job::name(f.job(f.id).state) == "submit_unknown");
}

TEST_CASE("nothing is resolved while a turn looks, or while the daemon shuts down", "[operations][resolve]") {
    doubt f;
    f.in_turn = {f.id};
    CHECK(f.resolve(std::nullopt).error().code == errc::lost_race);
    CHECK(f.resolve("batch_9").error().code == errc::lost_race);
    f.in_turn.clear();
    f.state = daemon_state::draining;
    CHECK(f.resolve(std::nullopt).error().code == errc::unavailable);
}

TEST_CASE("a job that waits for a person's word says so, with the words to type", "[operations][resolve]") {
    doubt f;
    const auto job = f.ops.job(job_name(f.id), true)->at("job");
    CHECK(job.at("held") == "waits for resolve");
    const auto next = job.at("next").get<std::string>();
    CHECK(next.find("enrichctl resolve " + job_name(f.id) + " --adopt BATCH") != std::string::npos);
    CHECK(next.find("enrichctl resolve " + job_name(f.id) + " --resubmit") != std::string::npos);
    const auto alerts = f.ops.status()->at("alerts");
    REQUIRE(alerts.size() == 1);
    CHECK(alerts[0].at("hint") == next);

    const auto looking = f.ops.poll(job_name(f.id));
    REQUIRE(looking);
    CHECK(looking->at("status") == "looking");
    CHECK(f.job(f.id).waiting.due_ms == f.now.now);
    CHECK(f.ops.job(job_name(f.id), true)->at("job").at("held").is_null());
}

TEST_CASE("a twin is told with its job, and among the alerts", "[operations][resolve]") {
    doubt f;
    f.put(f.id, job::merged{"batch_1"});
    f.l->requests().end_all(f.id, outcome::ok, "");
    twin_row t;
    t.batch_id = "batch_2";
    t.job_id = f.id;
    t.kept_batch = "batch_1";
    t.status = "completed";
    t.completed = 3;
    t.used = {100, 0, 20, 0};
    t.cost = money{13'500'000};
    t.found_ms = f.now.now;
    t.ended = true;
    f.l->twins().put(t);
    const auto job = f.ops.job(job_name(f.id), true)->at("job");
    REQUIRE(job.at("twins").size() == 1);
    CHECK(job.at("twins")[0].at("batch_id") == "batch_2");
    CHECK(job.at("twins")[0].at("actual_usd") == "0.0000135");
    CHECK(job.at("usage").at("input_tokens") == 100); // billed, too
    const auto alerts = f.ops.status()->at("alerts");
    REQUIRE(alerts.size() == 1);
    CHECK(alerts[0].at("message").get<std::string>().find("batch_2 beside batch_1") != std::string::npos);
    f.now.now += 8 * 24 * 3'600'000LL;
    CHECK(f.ops.status()->at("alerts").empty());
}

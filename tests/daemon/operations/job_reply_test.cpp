// SPDX-License-Identifier: Apache-2.0
#include "daemon/submission_name.hpp"
#include "daemon/twins.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/operations_fixture.hpp"

using namespace enrichd;
using enrichd::test::noon;
using enrichd::test::operations_fixture;
using json = nlohmann::json;

namespace {

json job_of(operations_fixture& f, std::int64_t id, bool with_rows = true) {
    const auto reply = f.ops.job(job_name(id), with_rows);
    REQUIRE(reply);
    return reply->at("job");
}

} // namespace

TEST_CASE("a job object has every field of the protocol in every state", "[operations][job]") {
    const char* fields[] = {
        "id",           "run_id",          "kind",        "state",         "state_since_ms", "batch_id",
        "batch_status", "batch_counts",    "model",       "value_version", "file",           "requests",
        "rows",         "outcomes",        "updated",     "skipped_count", "input_tokens",   "output_cap",
        "bound_usd",    "actual_usd",      "usage",       "created_ms",    "submitted_ms",   "deadline_ms",
        "ended_ms",     "next_due_ms",     "why",         "next",          "held",           "blocked",
        "error",        "history",         "submissions", "samples",       "request_file",   "results_file",
        "errors_file",  "maybe_duplicate", "twins"};
    for (const auto& s : enrichd::test::one_of_each_state()) {
        CAPTURE(job::name(s));
        operations_fixture f;
        const auto job = job_of(f, f.add_job_in(s, job::goal::merged));
        for (const char* field : fields) {
            CAPTURE(field);
            CHECK(job.contains(field));
        }
        CHECK(job.size() == std::size(fields));
        CHECK(job.at("state") == job::name(s));
        std::int64_t sum = 0;
        for (const auto& [name, n] : job.at("outcomes").items())
            sum += n.get<std::int64_t>();
        CHECK(sum == 3);
        CHECK(job.at("outcomes").size() == 13);
        const bool settled =
            std::holds_alternative<job::merged>(s); // the others never had a batch, or have it still
        CHECK(job.at("actual_usd").is_null() != settled);
        CHECK(job.at("usage").is_null() != settled);
        CHECK(job.at("ended_ms").is_null() != job::has_ended(s));
        CHECK(job.at("error").is_null() != std::holds_alternative<job::failed>(s));
    }
}

TEST_CASE("a job object tells the batch as the provider last told it", "[operations][job]") {
    operations_fixture f;
    const auto id = f.add_job_in(enrichd::test::one_of_each_state()[6], job::goal::merged);
    const auto job = job_of(f, id);
    CHECK(job.at("batch_id") == "batch_1");
    CHECK(job.at("batch_status") == "in_progress");
    CHECK(job.at("batch_counts") == json({{"total", 3}, {"completed", 1}, {"failed", 1}}));
    CHECK(job.at("deadline_ms") == noon + 26 * 3'600'000);
    CHECK(job.at("bound_usd") == "0.03");
    f.put(id, enrichd::test::one_of_each_state()[7]);
    CHECK(f.open()->jobs().find(id)->counts == batch_counts{3, 1, 1}); // still known, and in the file
    CHECK(job_of(f, id).at("batch_counts").at("completed") == 1);
    f.put(id, job::failed{"bad line"});
    CHECK(job_of(f, id).at("batch_status") == "failed");
    CHECK(job_of(f, id).at("error").at("message") == "bad line");
}

TEST_CASE("what a job without a batch of its own cost is told once a twin of it has ended",
          "[operations][job]") {
    operations_fixture f;
    const auto id = f.add_job_in(job::cancelled{}, job::goal::merged);
    REQUIRE(job_of(f, id).at("actual_usd").is_null());
    batch_object twin;
    twin.id = "batch_2";
    twin.status = batch_status::cancelling;
    record_twin(*f.l, f.job(id), "", twin, noon);
    CHECK(job_of(f, id).at("actual_usd").is_null()); // it may cost more

    twin.status = batch_status::cancelled;
    twin.completed = 2;
    twin.usage = token_usage{200, 0, 40, 0};
    record_twin(*f.l, f.job(id), "", twin, noon + 1);
    const auto job = job_of(f, id);
    CHECK(job.at("actual_usd") == job.at("twins")[0].at("actual_usd"));
    CHECK(job.at("actual_usd") != "0");
    CHECK(job.at("usage").at("input_tokens") == 200);
    CHECK(job.at("usage").at("output_tokens") == 40);
}

TEST_CASE("the history is told from the beginning, and each submission once", "[operations][job]") {
    operations_fixture f;
    const auto id = f.add_job_in(job::built{}, job::goal::merged);
    std::int64_t now = noon;
    const auto turn = [&](const job::state& s, const char* event, const char* detail) {
        REQUIRE(f.l->jobs().record(f.job(id), {s, event, detail, {}, false}, ++now));
    };
    const auto name = submission_id(f.l->installation(), f.job(id), 1);
    turn(job::intent_upload{name}, "upload_intended", "");
    turn(job::uploaded{"file-1", ""}, "file_uploaded", "file-1");
    turn(job::intent_submit{name, "file-1", now}, "submit_intended", ""); // noon + 3
    turn(job::uploaded{"file-1", name}, "batch_postponed", "busy");
    turn(job::intent_submit{name, "file-1", now}, "submit_intended", ""); // the same submission
    turn(job::submitted{name, "file-1", "batch_1", 1}, "batch_created",
         "batch_1, found in the provider's list");
    turn(job::uploaded{"file-1", ""}, "batch_seen", "failed"); // the queue had no room
    turn(job::intent_submit{"second", "file-1", now}, "submit_intended", "");
    f.l->jobs().wish(f.job(id), {job::goal::merged, job::cancel_reason::user}, "cancel_asked", ++now);

    const auto job = job_of(f, id);
    REQUIRE(job.at("history").size() == 10);
    CHECK(job.at("history")[0].at("from").is_null());
    CHECK(job.at("history")[0].at("to") == "built");
    CHECK(job.at("history")[9].at("note") == "cancel_asked");
    REQUIRE(job.at("submissions").size() == 2);
    CHECK(job.at("submissions")[0] ==
          json({{"id", name}, {"batch_id", "batch_1"}, {"created_ms", noon + 3}, {"requests", 3}}));
    CHECK(job.at("submissions")[1].at("id") == submission_id(f.l->installation(), f.job(id), 2));
    CHECK(job.at("submissions")[1].at("batch_id").is_null());
}

TEST_CASE("samples show failed requests, and their text to operators alone", "[operations][job]") {
    operations_fixture f;
    const auto run = f.add_open_run();
    auto plan = f.plan(run);
    const std::string thai = "สวัสดี"; // 6 characters of three bytes
    std::string long_text;
    for (int i = 0; i < 50; ++i)
        long_text += thai;
    const auto line =
        json{
            {"custom_id", "x"},
            {"body",
             {{"messages",
               {{{"role", "system"}, {"content", "be brief"}}, {{"role", "user"}, {"content", long_text}}}}}}}
            .dump() +
        "\n";
    enrichd::test::write_file(f.files.request_file(plan.file_name), "0123456789" + line);
    const auto id = f.l->jobs().create(plan, job::goal::merged, noon);
    plan.totals.requests = 1;
    f.l->jobs().set_plan(id, plan);
    new_request r;
    r.custom_id = "x";
    r.file_offset = 10;
    r.file_length = line.size();
    f.l->requests().add(id, r);
    f.l->requests().add_row(id, plan.target, kind::summaries, {0, "e-17", "openssl"});
    CHECK(job_of(f, id).at("samples").empty());
    f.l->requests().end_request(id, {0, outcome::http_error, 400, "content_policy: no"});

    const auto job = job_of(f, id);
    REQUIRE(job.at("samples").size() == 1);
    const auto& sample = job.at("samples")[0];
    CHECK(sample.at("key") == "e-17");
    CHECK(sample.at("outcome") == "http_error");
    CHECK(sample.at("http_status") == 400);
    CHECK(sample.at("tries") == 1);
    CHECK(sample.at("reason") == "content_policy: no");
    CHECK(sample.at("text") == long_text.substr(0, 600)); // 200 characters
    CHECK(job.at("request_file") == f.files.request_file(plan.file_name).string());
    CHECK(job.at("results_file").is_null());

    const auto looked_at = job_of(f, id, false).at("samples")[0];
    CHECK_FALSE(looked_at.contains("text"));
    CHECK_FALSE(looked_at.contains("reason"));
    CHECK(f.ops.request_file(job_name(id)).value() == f.files.request_file(plan.file_name).string());
    std::filesystem::remove(f.files.request_file(plan.file_name));
    CHECK(f.ops.request_file(job_name(id)).error().code == errc::not_found);
    CHECK(job_of(f, id).at("samples")[0].at("text").is_null());
}

TEST_CASE("a job that was given up shows what its batch ended as, and not that it failed",
          "[operations][job]") {
    operations_fixture f;
    auto polling = std::get<job::polling>(enrichd::test::one_of_each_state()[6]);
    polling.status = batch_status::completed;
    const auto id = f.add_job_in(polling, job::goal::merged);
    f.put(id, job::failed{std::string(job::given_up)});
    CHECK(job_of(f, id).at("batch_status") == "completed");
    const auto other = f.add_job_in(polling, job::goal::merged);
    f.put(other, job::failed{"token_limit_exceeded"});
    CHECK(job_of(f, other).at("batch_status") == "failed");
}

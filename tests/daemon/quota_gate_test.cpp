// The provider's queue: what is in it, what fits, what a refusal teaches.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/quota_gate.hpp"

#include "tests/support/contains.hpp"
#include "tests/support/driver_fixture.hpp"

using namespace enrichd;
using namespace enrichd::test;
namespace event = enrichd::job::event;

namespace {

const std::string told =
    "Enqueued token limit reached for gpt-4o-mini in organization org-1. Limit: 900 enqueued "
    "tokens. Please try again once some in_progress batches have been completed.";

batch_object full_queue(const std::string& words = told) {
    auto b = batch(batch_status::failed);
    b.errors = {{"token_limit_exceeded", words, {}}};
    return b;
}

// Jobs of three requests, 100 tokens each.
struct queue_fixture : driver_fixture {
    std::shared_ptr<const model_catalogue> models =
        std::make_shared<const model_catalogue>(model_catalogue::built_in());
    quota_config config;

    queue_fixture() { put(id, job::uploaded{"file-1", "", 0}); }

    void limit(std::optional<std::uint64_t> tokens) {
        config.summaries_tokens = tokens;
        driver->set_quota(config, models);
    }
    std::int64_t add_uploaded(int requests = 3, kind k = kind::summaries) {
        const auto job = add_job(this->job(id).plan.run_id, job::goal::merged, requests, k);
        put(job, job::uploaded{"file-" + std::to_string(job), "", 0});
        return job;
    }
    /// A turn of this job; where a batch is asked for, it is made.
    void turn_of(std::int64_t job) {
        world.answers.clear();
        world.then(event::batch_created{"batch_" + std::to_string(job), noon / 1000});
        const auto kept = std::exchange(id, job);
        turn();
        id = kept;
        world.answers.clear();
    }
    void see(std::int64_t job, const batch_object& b) {
        world.answers.clear();
        world.then(event::batch_seen{b});
        const auto kept = std::exchange(id, job);
        turn();
        id = kept;
    }
    std::string state_of(std::int64_t job) { return std::string(job::name(this->job(job).state)); }
    bool waits(std::int64_t job) { return this->job(job).waiting.cause == errc::queue_full; }
};

} // namespace

TEST_CASE("a job waits while the queue has no room, and goes on when a batch ends", "[quota]") {
    queue_fixture f;
    f.limit(500);
    const auto second = f.add_uploaded();
    f.turn_of(f.id);
    CHECK(f.state_of(f.id) == "submitted");
    f.turn_of(second);
    CHECK(f.state_of(second) == "uploaded");
    CHECK(contains(f.job(second).waiting.reason,
                   "1 batches of ours hold 300 of 500 tokens ([quota] summaries_tokens)"));
    CHECK(f.job(second).waiting.due_ms > f.now.now); // looked at now and then, whatever happens

    f.see(f.id, batch(batch_status::in_progress));
    CHECK(f.job(second).waiting.due_ms > f.now.now);
    f.see(f.id, batch(batch_status::completed));
    CHECK(f.job(second).waiting.due_ms == f.now.now);
    f.turn_of(second);
    CHECK(f.state_of(second) == "submitted");
    CHECK_FALSE(f.waits(second));
}

TEST_CASE("a place is held from the intent on, over restarts and while the answer is unknown", "[quota]") {
    queue_fixture f;
    f.limit(500);
    const auto second = f.add_uploaded();
    const job::state state = GENERATE(values<job::state>(
        {job::intent_submit{"s", "file-1", noon}, job::submit_unknown{"s", "file-1", noon, 2},
         job::submitted{"s", "file-1", "batch_1", noon / 1000}}));
    f.put(f.id, state);
    f.restart();
    f.driver->set_quota(f.config, f.models);
    f.turn_of(second);
    CHECK(f.waits(second));
}

TEST_CASE("a second batch that still runs holds a place too", "[quota]") {
    queue_fixture f;
    twin_row twin;
    twin.batch_id = "batch_x";
    twin.job_id = f.id;
    twin.status = "in_progress";
    f.l->twins().put(twin);
    f.limit(500);
    CHECK(f.l->quotas().queued("gpt-4o-mini").tokens == 300);
    const auto second = f.add_uploaded();
    f.turn_of(second);
    CHECK(f.waits(second));
}

TEST_CASE("each model has a queue of its own, and requests are counted over all", "[quota]") {
    queue_fixture f;
    f.limit(300);
    const auto other = f.add_uploaded(3, kind::embeddings);
    f.turn_of(f.id);
    f.turn_of(other);
    CHECK(f.state_of(other) == "submitted");

    f.config.requests = 8;
    f.limit({});
    const auto third = f.add_uploaded(2), fourth = f.add_uploaded(2);
    f.turn_of(third);
    CHECK(f.state_of(third) == "submitted");
    f.turn_of(fourth);
    CHECK(f.waits(fourth));
    CHECK(contains(f.job(fourth).waiting.reason, "8 requests are enqueued, of at most 8"));
}

TEST_CASE("the limit is the configured one, else the provider's own, else the table's", "[quota]") {
    queue_fixture f;
    const auto m = f.models->find("gpt-4o-mini", kind::summaries).value();
    const auto limit = [&] {
        const auto found = limit_of_queue(*f.l, f.config, m);
        return found ? found->tokens : 0;
    };
    CHECK(limit() == 0);
    CHECK_FALSE(tokens_of_file(*f.l, f.config, m));
    f.config.tier = 1;
    CHECK(limit() == 2'000'000);
    CHECK(tokens_of_file(*f.l, f.config, m) == 1'000'000);
    f.l->quotas().put({"gpt-4o-mini", 5'000'000, noon, 100, 0, 0, 0, told});
    CHECK(limit() == 5'000'000); // a table is older than the provider's word
    f.config.summaries_tokens = 900'000;
    CHECK(limit() == 900'000);
    f.l->quotas().put({"gpt-4o-mini", 400'000, noon, 100, 0, 0, 0, told});
    CHECK(limit() == 400'000); // more would be refused
}

TEST_CASE("a refusal teaches the limit for good, and is no failed try", "[quota]") {
    queue_fixture f;
    const auto second = f.add_uploaded(), third = f.add_uploaded(), fourth = f.add_uploaded();
    for (const auto job : {f.id, second, third, fourth})
        f.turn_of(job); // no limit is known
    f.see(fourth, full_queue());
    CHECK(f.state_of(fourth) == "uploaded");
    CHECK(f.job(fourth).plan.attempt == 1);
    CHECK(f.job(fourth).waiting.failures == 0);
    f.restart();
    f.driver->set_quota(f.config, f.models);
    CHECK(f.l->quotas().find("gpt-4o-mini")->tokens == 900);
    CHECK(f.l->quotas().find("gpt-4o-mini")->refusals == 0); // 1,200 tokens are more than 900: explained
    f.turn_of(fourth);
    CHECK(f.waits(fourth));
    CHECK(contains(f.job(fourth).waiting.reason, "hold 900 of 900 tokens"));
    f.see(second, batch(batch_status::completed));
    f.turn_of(fourth);
    CHECK(f.state_of(fourth) == "submitted");
}

TEST_CASE("a refusal at the creation itself is waited out, whatever its status", "[quota]") {
    queue_fixture f;
    f.limit(600);
    const auto second = f.add_uploaded();
    f.turn_of(f.id);
    f.world.then(event::batch_postponed{{errc::provider_rejected, "token_limit_exceeded: " + told}});
    std::swap(f.id, const_cast<std::int64_t&>(second));
    f.turn();
    CHECK(f.state() == "uploaded");
    CHECK(f.wait_ms() == 0);
    f.turn_of(f.id);
    CHECK(f.waits(f.id));
}

TEST_CASE("refusals that no limit explains are waited out longer and longer, by one job for all", "[quota]") {
    queue_fixture f;
    f.limit(1000);
    const auto second = f.add_uploaded();
    std::int64_t last = 0;
    for (int n = 1; n <= 3; ++n) {
        CAPTURE(n);
        f.turn_of(f.id);
        CHECK(f.state_of(f.id) == "submitted");
        f.turn_of(second);
        if (n > 1) CHECK(f.waits(second)); // it asks for both
        f.see(f.id, full_queue("Enqueued token limit reached."));
        if (n == 1) f.see(second, full_queue("Enqueued token limit reached."));
        f.turn_of(f.id);
        REQUIRE(f.waits(f.id));
        CHECK(*f.job(f.id).waiting.due_ms - f.now.now > last);
        last = *f.job(f.id).waiting.due_ms - f.now.now;
        f.now.now = *f.job(f.id).waiting.due_ms;
    }
    REQUIRE(tell_stuck_queues(*f.l).size() == 1);
    CHECK(contains(tell_stuck_queues(*f.l).front(), "though none of ours is in its queue"));

    f.turn_of(f.id);
    f.see(f.id, batch(batch_status::in_progress));
    CHECK(tell_stuck_queues(*f.l).empty());
    CHECK(f.l->quotas().find("gpt-4o-mini")->refusals == 0);
}

TEST_CASE("a time that a clock ahead set holds nothing", "[quota]") {
    queue_fixture f;
    f.l->quotas().put({"gpt-4o-mini", {}, 0, 100, 3, noon, noon + 5 * hour, told});
    f.turn_of(f.id);
    CHECK(f.state_of(f.id) == "submitted");
}

TEST_CASE(
    "a job that can never fit is cut, before and after its upload, and a single text waits for a person",
    "[quota]") {
    queue_fixture f;
    f.limit(200);
    const auto before = f.add_job(f.job(f.id).plan.run_id);
    const auto single = f.add_uploaded(1);
    for (const auto job : {f.id, before}) {
        f.turn_of(job);
        CHECK(f.state_of(job) == "discarded");
        CHECK(std::get<job::discarded>(f.job(job).state).cut_to == 100);
        CHECK(f.l->requests().open_rows(job) == 3);
        CHECK(f.l->requests().failed(job).size() == 3);
    }
    f.limit(50);
    f.turn_of(single);
    CHECK(f.state_of(single) == "uploaded");
    CHECK(f.job(single).waiting.cause == errc::provider_rejected);
    CHECK(contains(f.job(single).waiting.reason, "it is one text, and cannot be cut"));
}

TEST_CASE("no more batches are asked for within an hour than may be", "[quota]") {
    queue_fixture f;
    f.config.batches_per_hour = 2;
    f.limit({});
    const auto second = f.add_uploaded(), third = f.add_uploaded();
    f.turn_of(f.id);
    f.now.now += hour / 4;
    f.turn_of(second);
    f.now.now += hour / 4;
    f.restart();
    f.driver->set_quota(f.config, f.models);
    f.turn_of(third);
    CHECK(f.waits(third));
    CHECK(contains(f.job(third).waiting.reason, "batches_per_hour"));
    CHECK(*f.job(third).waiting.due_ms == noon + hour + 1);
    f.now.now = *f.job(third).waiting.due_ms;
    f.turn_of(third);
    CHECK(f.state_of(third) == "submitted");
}

TEST_CASE("new limits are heeded at once", "[quota]") {
    queue_fixture f;
    f.limit(300);
    const auto second = f.add_uploaded();
    f.turn_of(f.id);
    f.turn_of(second);
    REQUIRE(f.waits(second));
    f.limit(600);
    CHECK(f.job(second).waiting.due_ms == f.now.now);
    f.turn_of(second);
    CHECK(f.state_of(second) == "submitted");
}

TEST_CASE("where the provider counts more tokens than we do, less of the limit is used", "[quota]") {
    queue_fixture f;
    f.driver->set_quota(f.config, f.models);
    const std::string words = "Enqueued token limit reached. Limit: 500 enqueued tokens";
    for (int n = 1; n <= 3; ++n) { // alone, and within the limit by our count
        CAPTURE(n);
        f.turn_of(f.id);
        REQUIRE(f.state_of(f.id) == "submitted");
        f.see(f.id, full_queue(words));
        if (n < 3) f.now.now += hour / 4;
    }
    const auto row = f.l->quotas().find("gpt-4o-mini").value();
    CHECK(row.percent == 50);
    CHECK(row.refusals == 0);
    f.turn_of(f.id); // 300 of 250
    CHECK(f.state_of(f.id) == "discarded");
    CHECK(std::get<job::discarded>(f.job(f.id).state).cut_to == 125);

    SECTION("a single text takes what is not used, when it is alone") {
        f.l->quotas().put({"gpt-4o-mini", 500, noon, 12, 0, 0, 0, words});
        const auto single = f.add_uploaded(1), other = f.add_uploaded(1);
        f.turn_of(single);
        CHECK(f.state_of(single) == "submitted");
        f.turn_of(other);
        CHECK(f.waits(other));
        f.see(single, batch(batch_status::completed));
        f.turn_of(other);
        CHECK(f.state_of(other) == "submitted");
    }
    SECTION("a day after the last refusal all of it is tried again") {
        const auto next = f.add_uploaded(2);
        f.turn_of(next);
        f.now.now += 25 * hour;
        f.see(next, full_queue(words));
        CHECK(f.l->quotas().find("gpt-4o-mini")->percent == 100);
    }
}

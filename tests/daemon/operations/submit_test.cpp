// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/operations_fixture.hpp"

using namespace enrichd;
using enrichd::test::operations_fixture;

namespace {

const auto cent = money{picodollars_per_dollar / 100};

struct built_set : operations_fixture {
    std::int64_t run = add_open_run(job::goal::built, money{cent.picodollars * 10});
    std::int64_t first = add_job(run, job::goal::built, 3, kind::summaries, "sha-a");
    std::int64_t second = add_job(run, job::goal::built, 2, kind::summaries, "sha-b");
};

} // namespace

TEST_CASE("submit finds a job by its file, and its whole set goes on to fetched", "[operations][submit]") {
    built_set f;
    const auto reply = f.ops.submit(kind::summaries, "sha-b", std::nullopt);
    REQUIRE(reply);
    CHECK(reply->at("status") == "submitting");
    CHECK(reply->at("run_id") == run_name(f.run));
    REQUIRE(reply->at("jobs").size() == 2);
    CHECK(reply->at("jobs")[0].at("file").at("number") == 1);
    CHECK(reply->at("jobs")[1].at("file").at("count") == 2);
    for (const auto id : {f.first, f.second}) {
        CHECK(f.job(id).wishes.until == job::goal::fetched);
        CHECK(f.job(id).waiting.due_ms == f.now.now);
    }
    CHECK(f.l->reserved_of_run(f.run) == money{cent.picodollars * 5});
    CHECK(f.woken == 1);

    const auto again = f.ops.submit(kind::summaries, "sha-a", std::nullopt);
    REQUIRE(again);
    CHECK(again->at("status") == "already_submitted");
    CHECK(again->at("jobs").size() == 2);
    CHECK(f.woken == 1);
}

TEST_CASE("a file that is not ours, or was edited, is refused with the way to rebuild it",
          "[operations][submit]") {
    built_set f;
    const auto reply = f.ops.submit(kind::embeddings, "sha-x", std::nullopt);
    REQUIRE_FALSE(reply);
    CHECK(reply.error().code == errc::state_conflict);
    CHECK(reply.error().detail.find("enrichctl build --kind embeddings") != std::string::npos);
}

TEST_CASE("a file of the other kind is a conflict, as it is for merge", "[operations][submit]") {
    built_set f;
    const auto reply = f.ops.submit(kind::embeddings, "sha-a", std::nullopt);
    REQUIRE_FALSE(reply);
    CHECK(reply.error().code == errc::state_conflict);
    CHECK(reply.error().detail.find("summaries") != std::string::npos);
}

TEST_CASE("a set that the budget does not cover is not submitted at all", "[operations][submit]") {
    built_set f;
    const auto check_refused = [&](std::optional<money> budget) {
        const auto reply = f.ops.submit(kind::summaries, "sha-a", budget);
        REQUIRE_FALSE(reply);
        CHECK(reply.error().code == errc::over_budget);
        CHECK(f.job(f.first).wishes.until == job::goal::built);
        CHECK(f.job(f.second).wishes.until == job::goal::built);
        return reply.error().detail;
    };
    SECTION("lowered by the caller") {
        const auto text = check_refused(money{cent.picodollars * 4});
        CHECK(text.find("$0.05") != std::string::npos); // what it may cost
        CHECK(text.find("$0.01") != std::string::npos); // by how much it is over
        CHECK(text.find("$0.04") != std::string::npos); // the budget
    }
    SECTION("used up by what the run has spent") {
        f.l->jobs().settle(f.add_job(f.run, job::goal::merged, 0), {{}, money{cent.picodollars * 6}},
                           enrichd::test::noon);
        check_refused(std::nullopt);
    }
    SECTION("exactly enough is enough, and is the run's limit from then on") {
        CHECK(f.ops.submit(kind::summaries, "sha-a", money{cent.picodollars * 5}));
        CHECK(f.l->runs().find(f.run)->limit == money{cent.picodollars * 5});
    }
    SECTION("a caller cannot raise the limit") {
        f.l->runs().set_limit(f.run, cent);
        check_refused(money{cent.picodollars * 1000});
    }
}

TEST_CASE("what was discarded, or is to be cancelled, is not submitted", "[operations][submit]") {
    built_set f;
    REQUIRE(f.ops.discard(job_name(f.first)));
    const auto gone = f.ops.submit(kind::summaries, "sha-a", std::nullopt);
    REQUIRE_FALSE(gone);
    CHECK(gone.error().code == errc::state_conflict);
    CHECK(gone.error().detail.find("discarded") != std::string::npos);

    const auto rest = f.ops.submit(kind::summaries, "sha-b", std::nullopt);
    REQUIRE(rest);
    CHECK(rest->at("jobs").size() == 1);

    built_set g;
    REQUIRE(g.ops.cancel(job_name(g.first), false));
    CHECK(g.ops.submit(kind::summaries, "sha-a", std::nullopt).error().code == errc::state_conflict);
}

TEST_CASE("the same file built again after a discard is the newer job's", "[operations][submit]") {
    built_set f;
    REQUIRE(f.ops.discard(job_name(f.first)));
    const auto run = f.add_open_run(job::goal::built);
    const auto rebuilt = f.add_job(run, job::goal::built, 3, kind::summaries, "sha-a");
    REQUIRE(f.ops.submit(kind::summaries, "sha-a", std::nullopt));
    CHECK(f.job(rebuilt).wishes.until == job::goal::fetched);
    CHECK(f.job(f.second).wishes.until == job::goal::built);
}

TEST_CASE("nothing new is taken while shutting down", "[operations][submit]") {
    built_set f;
    f.state = daemon_state::draining;
    CHECK(f.ops.submit(kind::summaries, "sha-a", std::nullopt).error().code == errc::unavailable);
    CHECK(f.ops.start_run({}).error().code == errc::unavailable);
    CHECK(f.ops.build({}).error().code == errc::unavailable);
}

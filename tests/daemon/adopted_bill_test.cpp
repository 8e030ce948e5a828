// Batches of which nothing is left but what they cost: it is booked.
// SPDX-License-Identifier: Apache-2.0
#include "core/run_order.hpp"
#include "daemon/bill.hpp"
#include "daemon/unknown_finder.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/lost_ledger.hpp"

#include <filesystem>

using namespace enrichd;
using enrichd::test::lost_ledger;
using enrichd::test::noon;

namespace {

// Two requests, both answered; nothing of them is left but the batch itself.
struct tidied_batch : lost_ledger {
    batch_object b = batch_of({add_row("k1", "one"), add_row("k2", "two")});

    tidied_batch() {
        b.status = batch_status::completed;
        b.total = b.completed = 2;
        b.usage = token_usage{1000, 200, 50, 7};
        b.output_file_id = "file-out";
        provider->content.clear();
    }

    void check_booked(const result<adoption>& done) {
        INFO((done ? "" : done.error().detail));
        REQUIRE(done);
        CHECK(done->only_booked);
        CHECK_FALSE(done->was_known);
        CHECK(done->rows == 0);
        const auto held = job(done->job_id);
        CHECK(job::name(held.state) == "merged");
        CHECK(held.batch_id == "batch_a");
        CHECK(held.used == *b.usage);
        CHECK(held.actual == cost(*b.usage, recipe().model.batch));
        CHECK(held.actual > money{});
        CHECK(held.plan.totals.requests == 0);
        CHECK(l->spent_of_run(held.plan.run_id) == held.actual);
        CHECK(l->totals().reserved == money{});
        CHECK(l->unknown().list().empty());
        CHECK(l->runs().find(held.plan.run_id)->waiting.due_ms); // to be reported, and ended
        CHECK_FALSE(std::filesystem::exists(files.request_file(held.plan.file_name)));
    }
};

} // namespace

TEST_CASE("of a batch whose files are all gone what it cost is booked, once", "[adopter]") {
    tidied_batch f;
    SECTION("both files") {}
    SECTION("and the request file is another now") {
        f.provider->content["file-in"] = "{}\n";
    }
    f.list_it(f.b);
    f.l->unknown().put({"batch_a", "1a2b3c4d", 2, noon, noon});
    const auto done = f.adopt("batch_a");
    f.check_booked(done);
    const auto run = read_order(f.l->runs().find(f.job(done->job_id).plan.run_id)->order_json);
    CHECK(run.value().adopted_batch == "batch_a");

    f.provider->calls.clear();
    const auto again = f.adopt("batch_a");
    REQUIRE(again);
    CHECK(again->was_known);
    CHECK(again->job_id == done->job_id);
    CHECK(f.provider->calls.empty());
    CHECK(f.l->totals().spent == f.job(done->job_id).actual);
    CHECK(f.list().batches.empty());
}

TEST_CASE("a gateway's 404 is no proof that a batch's files are gone", "[adopter]") {
    tidied_batch f;
    f.b.error_file_id = "file-err";
    f.list_it(f.b);
    f.l->unknown().put({"batch_a", "1a2b3c4d", 2, noon, noon});
    SECTION("said of the request file") {
        f.provider->out_of_sight = {"file-in"};
        CHECK(test::contains(f.refusal_of("batch_a").detail, "page not found"));
    }
    SECTION("said of a file of results") {
        f.provider->out_of_sight = {"file-out"};
        CHECK(test::contains(f.refusal_of("batch_a").detail, "page not found"));
    }
    CHECK(f.l->totals().spent == money{});
    REQUIRE(f.l->unknown().find("batch_a"));
    CHECK_FALSE(f.l->unknown().find("batch_a")->let_go); // nothing is bought before it is known
    f.provider->out_of_sight.clear();
    f.check_booked(f.adopt("batch_a"));
}

TEST_CASE("a batch of whose answers some are there is not written off as a bill", "[adopter]") {
    tidied_batch f;
    f.b.error_file_id = "file-err";
    f.provider->content["file-out"] = "{\"custom_id\":\"s-1\",\"response\":{}}\n";
    f.list_it(f.b);
    f.l->unknown().put({"batch_a", "1a2b3c4d", 2, noon, noon});
    const auto e = f.refusal_of("batch_a");
    CHECK(e.code == errc::state_conflict);
    CHECK(test::contains(e.detail, "file of results file-err"));
    CHECK(test::contains(e.detail, "others are there"));
    CHECK(f.l->totals().spent == money{});
    CHECK(f.l->unknown().find("batch_a")->let_go);
}

TEST_CASE("a batch that names no file of results is booked, once none can come any more", "[adopter]") {
    tidied_batch f;
    f.b.output_file_id.reset();
    SECTION("it ended long ago") {
        f.b.created_at -= 30 * 3600;
        f.list_it(f.b);
        const auto listed = f.list().batches.at(0);
        CHECK(listed.obstacle.empty());
        CHECK(listed.is_bill);
        unknown_finder finder(*f.l, f.adoptions, f.now, f.parts().settings);
        REQUIRE(f.wait(finder.look({chore::find_unknown, "", 0, noon, 0})));
        CHECK(f.l->unknown().list().empty()); // nothing waits for it
        f.check_booked(f.adopt("batch_a"));
        CHECK(f.provider->calls.back() == "get batch_a"); // no file is asked for
    }
    SECTION("it may name one yet") {
        f.list_it(f.b);
        CHECK_FALSE(f.list().batches.at(0).is_bill);
        CHECK(test::contains(f.refusal_of("batch_a").detail, "names no file of results"));
    }
    SECTION("it failed, and what it says that it cost is no bill of ours") {
        f.b.created_at -= 30 * 3600;
        f.b.status = batch_status::failed;
        f.list_it(f.b);
        CHECK(test::contains(f.refusal_of("batch_a").detail, "the provider failed it"));
    }
}

TEST_CASE("a batch that was taken while its files were asked for is not booked again", "[adopter]") {
    tidied_batch f;
    f.list_it(f.b);
    const auto id = f.add_job(f.add_open_run());
    f.jobs_before = 1;
    SECTION("by a job") {
        f.provider->at_download = [&] {
            f.put(id, job::submitted{"ed1-00000000-1-1", "file-1", "batch_a", noon / 1000});
        };
        const auto done = f.adopt("batch_a");
        REQUIRE(done);
        CHECK(done->was_known);
        CHECK(done->job_id == id);
        CHECK(f.l->jobs().list(false, 100).size() == 1);
    }
    SECTION("as a twin") {
        f.provider->at_download = [&] {
            twin_row twin;
            twin.batch_id = "batch_a";
            twin.job_id = id;
            f.l->twins().put(twin);
        };
        const auto e = f.refusal_of("batch_a");
        CHECK(e.code == errc::state_conflict);
        CHECK(test::contains(e.detail, "second batch of job 1"));
    }
    CHECK(f.l->totals().spent == money{});
}

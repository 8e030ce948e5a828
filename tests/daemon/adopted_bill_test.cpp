// Batches of which nothing is left but what they cost: it is booked.
// SPDX-License-Identifier: Apache-2.0
#include "core/run_order.hpp"
#include "daemon/adoption_record.hpp"
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

TEST_CASE("a batch of which one file of results is there is adopted by the answers in it", "[adopter]") {
    tidied_batch f;
    f.b.error_file_id = "file-err";
    const auto there = GENERATE("file-out", "file-err");
    f.provider->content[there] = "{\"custom_id\":\"s-1\",\"response\":{}}\n";
    f.list_it(f.b);
    f.l->unknown().put({"batch_a", "1a2b3c4d", 2, noon, noon});
    const auto adopted = f.adopt("batch_a");
    REQUIRE(adopted);
    CHECK(adopted->from_answers);
    CHECK_FALSE(adopted->only_booked);
    CHECK(adopted->requests == 1);
    CHECK(f.l->totals().spent == money{}); // its merge books it
    CHECK_FALSE(job::has_ended(f.job(adopted->job_id).state));
    CHECK_FALSE(f.l->unknown().find("batch_a"));
}

TEST_CASE("of a batch of another version what it cost is booked once nothing else is left of it",
          "[adopter]") {
    tidied_batch f;
    const auto then = GENERATE("gpt-4o-mini-ffffffffffff", "gpt-4.1-mini-ffffffffffff");
    f.b.metadata["enrichd_version"] = then;
    SECTION("its files are gone") {}
    SECTION("it names none") {
        f.b.output_file_id.reset();
        f.b.created_at -= 30 * 3600;
    }
    f.list_it(f.b);
    CHECK(f.list().batches.at(0).is_bill == !f.b.output_file_id.has_value());
    CHECK(f.list().batches.at(0).obstacle.empty());
    const auto done = f.adopt("batch_a");
    INFO((done ? "" : done.error().detail));
    REQUIRE(done);
    CHECK(done->only_booked);
    const auto held = f.job(done->job_id);
    CHECK(held.plan.version == then);
    CHECK(held.plan.model + "-ffffffffffff" == then);
    const auto models = f.parts().settings().models;
    CHECK(held.actual == cost(*f.b.usage, models->find(held.plan.model, kind::summaries).value().batch));
    CHECK(held.actual > money{});
    CHECK(f.adopt("batch_a")->was_known);
    CHECK(f.l->totals().spent == held.actual);
}

TEST_CASE("a batch of another version of which anything is left stays as it is", "[adopter]") {
    tidied_batch f;
    f.b.metadata["enrichd_version"] = "text-embedding-3-small-ffffffffffff";
    f.b.metadata["enrichd_kind"] = "embeddings";
    std::string why = "it was made for version text-embedding-3-small-ffffffffffff";
    SECTION("its request file") {
        f.provider->content["file-in"] = f.file;
    }
    SECTION("its answers") {
        f.provider->content["file-out"] =
            "{\"custom_id\":\"s-1\",\"response\":{}}\n{\"custom_id\":\"s-2\",\"response\":{}}\n";
    }
    SECTION("it runs still") {
        f.b.status = batch_status::in_progress;
    }
    SECTION("of a model of which nobody knows the price") {
        f.b.metadata["enrichd_kind"] = "summaries";
        f.b.metadata["enrichd_version"] = "gpt-9-ffffffffffff";
        why = "it was made for version gpt-9-ffffffffffff";
    }
    SECTION("it tells no usage") {
        f.b.usage.reset();
        why = "what it cost is not known";
    }
    f.list_it(f.b);
    CHECK(f.list().batches.at(0).may_come); // nothing is bought until a person has put it right, or let it go
    const auto e = f.refusal_of("batch_a");
    CHECK(test::contains(e.detail, why));
    CHECK(f.l->totals().spent == money{});
    CHECK_FALSE(std::filesystem::exists(f.files.request_file(adopted_file_name("batch_a"))));
    CHECK_FALSE(std::filesystem::exists(f.files.results_file("batch_a")));
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

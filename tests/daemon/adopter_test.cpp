// Batches that the ledger does not know: shown, and taken into it, by a provider and a target of the test's
// own.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/adopter.hpp"

#include "core/custom_id.hpp"
#include "core/run_order.hpp"
#include "core/sha256.hpp"
#include "daemon/adoption_record.hpp"
#include "daemon/row_survey.hpp"
#include "daemon/submission_name.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/lost_ledger.hpp"

#include <memory>
#include <string>

using namespace enrichd;
using enrichd::test::lost_ledger;
using enrichd::test::noon;

TEST_CASE("every page of the list is looked through for what the ledger does not know", "[adopter]") {
    lost_ledger f;
    const auto row = f.add_row("k1", "one");
    auto old = f.batch_of({row}, "batch_old");
    old.created_at -= 100'000;
    f.list_it(old);
    auto foreign = f.batch_of({row}, "batch_foreign");
    foreign.metadata = {{"project", "news"}};
    f.list_it(foreign);
    f.provider->pages.back().has_more = true;
    f.provider->pages.push_back({{f.batch_of({row}, "batch_new")}, true});
    f.provider->pages.push_back({{f.batch_of({row}, "batch_known")}, false});
    const auto known = f.add_job(f.add_open_run());
    f.put(known, job::submitted{"ed1-1", "file-1", "batch_known", noon / 1000});

    const auto found = f.list();
    REQUIRE(found.batches.size() == 2);
    CHECK(found.batches[0].batch.id == "batch_new");
    CHECK(found.batches[1].batch.id == "batch_old");
    CHECK(found.batches[0].obstacle.empty());
    REQUIRE(found.warnings.size() == 1);
    CHECK(test::contains(found.warnings[0], "installation 1a2b3c4d made 2 of these batches on this target"));
}

TEST_CASE("what cannot be adopted is shown with the reason, and refused with it", "[adopter]") {
    lost_ledger f;
    auto b = f.batch_of({f.add_row("k1", "one")});
    std::string why;
    SECTION("a batch that failed without files") {
        b.status = batch_status::failed;
        b.errors = {{"invalid_json_line", "line 3 is no JSON", 3}};
        why = "did nothing (invalid_json_line: line 3 is no JSON)";
    }
    SECTION("a batch that ended before anything ran") {
        b.status = batch_status::cancelled;
        why = "before any request ran";
    }
    SECTION("a batch without its results") {
        b.status = batch_status::completed;
        b.completed = 1;
        why = "names no file of results";
    }
    SECTION("another version") {
        b.metadata["enrichd_version"] = "gpt-9-ffffffffffff"; // of which nobody knows the price
        why = "it was made for version gpt-9-ffffffffffff";
    }
    SECTION("another target") {
        b.metadata["enrichd_target"] = target_mark("sqlite:other/events");
        why = "another target";
    }
    SECTION("a kind of later times") {
        b.metadata["enrichd_kind"] = "tags";
        why = "no kind that this version knows";
    }
    SECTION("one that a job looks for itself") {
        const auto id = f.add_job(f.add_open_run());
        f.put(id, job::submit_unknown{"ed1-1a2b3c4d-7-1", "file-in", noon, 0});
        f.jobs_before = 1;
        why = "job 1 looks for it itself";
    }
    f.list_it(b);
    const auto found = f.list();
    REQUIRE(found.batches.size() == 1);
    CHECK(test::contains(found.batches[0].obstacle, why));
    const auto e = f.refusal_of("batch_a");
    CHECK(e.code == errc::state_conflict);
    CHECK(test::contains(e.detail, why));
}

TEST_CASE("an adopted batch is a job like any other, with the rows that need its results", "[adopter]") {
    lost_ledger f;
    const auto one = f.add_row("k1", "one");
    const auto two = f.add_row("k2", "two");
    f.add_row("k3", "two");  // the same text: one request for both
    f.add_row("k4", "four"); // was not sent
    const auto done = f.add_row("k5", "five", need::done);
    const auto gone = f.add_row("k6", "six");
    f.database->rows.pop_back();
    f.list_it(f.batch_of({one, two, done, gone}));

    const auto adopted = f.adopt("batch_a");
    INFO((adopted ? "" : adopted.error().detail));
    REQUIRE(adopted);
    CHECK_FALSE(adopted->was_known);
    CHECK(adopted->requests == 4);
    CHECK(adopted->rows == 3);
    CHECK(adopted->unmatched == 2);
    CHECK(f.provider->calls == std::vector<std::string>{"get batch_a", "download file-in"});

    const auto job = f.job(adopted->job_id);
    const auto* polling = std::get_if<job::polling>(&job.state);
    REQUIRE(polling);
    CHECK(polling->batch_id == "batch_a");
    CHECK(polling->submission != "ed1-1a2b3c4d-7-1"); // the target may know slices of that one, cut otherwise
    CHECK(job.wishes.until == job::goal::merged);
    CHECK(job.waiting.due_ms == f.now.now);
    f.l->chores().release(chore::delete_input, adopted->job_id, f.now.now);
    CHECK(f.l->chores().due(f.now.now)->subject == "file-in"); // tidied at its end, like any other
    CHECK(job.plan.version == f.recipe().version);
    CHECK(job.plan.file_sha256 == to_hex(sha256::of(f.file)));
    CHECK(job.plan.totals.bytes == f.file.size());
    CHECK(job.plan.totals.requests == 4);
    CHECK(job.plan.row_count == 3);
    CHECK(job.plan.totals.bound > money{});
    CHECK(f.l->totals().reserved == job.plan.totals.bound);
    CHECK(test::read_file(f.files.request_file(job.plan.file_name)) == f.file);

    const auto requests = f.l->requests().open_requests(job.id, 100);
    REQUIRE(requests.size() == 4);
    CHECK(f.l->requests().rows_of_text(job.id, requests[0].text).size() == 1);
    CHECK(f.l->requests().rows_of_text(job.id, requests[1].text).size() == 2);
    CHECK(f.l->requests().rows_of_text(job.id, requests[2].text).empty());
    for (const auto& r : requests) {
        CHECK(f.file.substr(r.file_offset, r.file_length).find(r.custom_id) != std::string::npos);
        CHECK(f.file[r.file_offset + r.file_length - 1] == '\n');
        CHECK(r.input_tokens > 0);
        CHECK(r.bound > money{});
    }
    // What no row tells any more is counted from the line itself: as exact.
    CHECK(requests[0].input_tokens == requests[1].input_tokens);
    CHECK(requests[3].input_tokens == requests[1].input_tokens);

    const auto run = f.l->runs().find(job.plan.run_id).value();
    CHECK(run.state == run::state::open);
    CHECK(run.until == job::goal::built); // nothing of it is sent again
    CHECK(run.limit == job.plan.totals.bound);
    CHECK(read_order(run.order_json).value().adopted_batch == "batch_a");

    SECTION("adopting it again changes nothing, and asks nobody") {
        f.provider->calls.clear();
        const auto again = f.adopt("batch_a");
        REQUIRE(again);
        CHECK(again->was_known);
        CHECK(again->job_id == adopted->job_id);
        CHECK(f.provider->calls.empty());
        CHECK(f.l->jobs().list(false, 100).size() == 1);
        CHECK(f.list().batches.empty());
    }
    SECTION("an older batch of the same rows may have answers that it lacks") {
        f.list_it(f.batch_of({one, two}, "batch_b"));
        const auto older = f.adopt("batch_b");
        REQUIRE(older);
        CHECK(older->rows == 3);
        CHECK(older->in_flight == 3);
        CHECK(older->requests == 2);
        CHECK(f.l->requests().open_rows(older->job_id) == 3);
        CHECK(f.l->requests().open_rows(job.id) == 3);
    }
}

TEST_CASE("a job that was built and not sent does not buy what an adopted batch has", "[adopter]") {
    lost_ledger f;
    const auto why = GENERATE(need::value, need::done); // not written yet, or by another life of the ledger
    const auto one = f.add_row("k1", "one", why);
    f.list_it(f.batch_of({one, f.add_row("k9", "nine")}));
    const auto run = f.add_open_run();
    const auto unsent = f.add_job(run);
    new_request asked;
    asked.number = 7;
    asked.custom_id = make_custom_id(kind::summaries, f.recipe().version, hash_text(one.title, *one.text), 0);
    f.l->requests().add(unsent, asked);
    f.l->requests().add_row(unsent, f.database->identity(), kind::summaries, {7, "k1", ""});
    f.l->requests().add_row(unsent, f.database->identity(), kind::summaries, {7, "k2", ""});
    SECTION("of which nothing was uploaded") {}
    SECTION("of which a file was uploaded") {
        f.put(unsent, job::uploaded{"file-unsent", {}, 0});
    }
    const auto adopted = f.adopt("batch_a");
    INFO((adopted ? "" : adopted.error().detail));
    REQUIRE(adopted);
    CHECK(adopted->rows == (why == need::value ? 2 : 1));
    CHECK(adopted->in_flight == 0);
    CHECK(adopted->unsent == std::vector{unsent});
    CHECK(std::holds_alternative<job::cancelled>(f.job(unsent).state));
    CHECK(f.l->requests().open_rows(unsent) == 0);
    CHECK(f.l->requests().open_rows(adopted->job_id) == adopted->rows);
    CHECK(f.l->runs().find(run)->waiting.due_ms == f.now.now); // it may be done now
}

TEST_CASE("rows of a job that may have been sent are in both, and not bought a third time", "[adopter]") {
    lost_ledger f;
    f.list_it(f.batch_of({f.add_row("k1", "one")}));
    const auto sent = f.add_job(f.add_open_run());
    f.l->requests().add_row(sent, f.database->identity(), kind::summaries, {0, "k1", ""});
    SECTION("now") {
        f.put(sent, job::submit_unknown{"ed1-of-another", "file-1", noon, 0});
    }
    SECTION("before") { // and no batch was found
        f.put(sent, job::intent_submit{"ed1-of-another", "file-1", noon});
        f.put(sent, job::uploaded{"file-1", "ed1-of-another", noon});
    }
    const auto rows_before = f.l->requests().open_rows(sent);
    const auto adopted = f.adopt("batch_a");
    REQUIRE(adopted);
    CHECK(adopted->rows == 1);
    CHECK(adopted->in_flight == 1);
    CHECK(adopted->unsent.empty());
    CHECK_FALSE(job::has_ended(f.job(sent).state));
    CHECK(f.l->requests().open_rows(sent) == rows_before);
    CHECK(f.l->requests().open_rows(adopted->job_id) == 1);
}

TEST_CASE("a value of the original module is overwritten only where the batch was made for that",
          "[adopter]") {
    lost_ledger f;
    auto b = f.batch_of({f.add_row("k1", "one")});
    b.metadata["enrichd_refresh"] = "legacy";
    b.metadata["enrichd_keep"] = "versions";
    f.list_it(b);
    const auto adopted = f.adopt("batch_a");
    REQUIRE(adopted);
    CHECK(f.job(adopted->job_id).plan.refresh_legacy);
    CHECK(f.job(adopted->job_id).plan.keep_versions);
}

TEST_CASE("a batch whose request file is gone is adopted by its answers", "[adopter]") {
    lost_ledger f;
    const auto one = f.add_row("k1", "one");
    const auto two = f.add_row("k2", "two");
    auto b = f.batch_of({one, two});
    const auto adopt_ended = [&] {
        b.status = batch_status::completed;
        b.output_file_id = "file-out";
        const auto id =
            make_custom_id(kind::summaries, f.recipe().version, hash_text(one.title, *one.text), 0);
        f.provider->content["file-out"] = "{\"custom_id\":\"" + id + "\",\"response\":{}}\n" +
                                          "{\"custom_id\":\"s-of-nobody\",\"response\":{}}";
        f.list_it(b);
        const auto adopted = f.adopt("batch_a");
        INFO((adopted ? "" : adopted.error().detail));
        REQUIRE(adopted);
        CHECK(adopted->from_answers);
        CHECK(adopted->requests == 2);
        CHECK(adopted->rows == 1);
        CHECK(adopted->unmatched == 1);
    };
    SECTION("once it has ended") {
        f.provider->content.erase("file-in");
        adopt_ended();
    }
    SECTION("and so is one whose file is not what was sent") {
        f.provider->content["file-in"] += "{}\n";
        adopt_ended();
    }
    SECTION("and where answers are missing, once they were fetched often enough") {
        f.provider->content.erase("file-in");
        b.completed = 3;
        auto short_one = b;
        short_one.status = batch_status::completed;
        short_one.output_file_id = "file-out";
        f.provider->content["file-out"] = "{\"custom_id\":\"s-of-nobody\",\"response\":{}}";
        f.list_it(short_one);
        std::size_t fetched = 0;
        SECTION("which come with the same length each time") {
            f.provider->at_download = [&] { ++fetched; };
            CHECK(f.adopt("batch_a"));
            CHECK(fetched == 1 + 4); // the request file was asked for first
        }
        SECTION("and not while they come with another length each time") {
            f.provider->at_download = [&] { f.provider->content["file-out"] += std::string(++fetched, ' '); };
            const auto e = f.refusal_of("batch_a");
            CHECK(e.code == errc::unavailable);
            CHECK(test::contains(e.detail, "with 1 lines, and the provider counts 3 requests"));
        }
    }
    SECTION("and not before") {
        f.provider->content.erase("file-in");
        f.list_it(b);
        const auto e = f.refusal_of("batch_a");
        CHECK(e.code == errc::unavailable);
        CHECK(test::contains(e.detail, "once it has ended"));
    }
    SECTION("nor without them") {
        f.provider->content.erase("file-in");
        b.status = batch_status::completed;
        b.output_file_id = "file-out";
        f.list_it(b);
        const auto e = f.refusal_of("batch_a");
        CHECK(e.code == errc::not_found);
        CHECK(test::contains(e.detail, "so is its file of results file-out"));
        CHECK(test::contains(e.detail, "no request of it was done"));
    }
    SECTION("and where work was done that no usage tells, its cost is said to be unknown") {
        f.provider->content.erase("file-in");
        b.status = batch_status::completed;
        b.completed = 2;
        b.output_file_id = "file-out";
        f.list_it(b);
        f.l->unknown().put({"batch_a", "1a2b3c4d", 2, noon, noon});
        const auto e = f.refusal_of("batch_a");
        CHECK(e.code == errc::not_found);
        CHECK(test::contains(e.detail, "what it cost is not known"));
        CHECK(f.l->unknown().find("batch_a")->let_go);
    }
}

TEST_CASE("what the provider or the target refuses leaves nothing behind", "[adopter]") {
    lost_ledger f;
    auto b = f.batch_of({f.add_row("k1", "one")});
    f.list_it(b);
    SECTION("there is no such batch") {
        CHECK(f.refusal_of("batch_x").code == errc::not_found);
    }
    SECTION("a batch of another program") {
        f.provider->pages.back().batches.front().metadata.clear();
        const auto e = f.refusal_of("batch_a");
        CHECK(e.code == errc::state_conflict);
        CHECK(test::contains(e.detail, "was not made by enrichd"));
    }
    SECTION("the database cannot be reached") {
        f.database->broken = error{errc::target_unavailable, "no route to host"};
        const auto e = f.refusal_of("batch_a");
        CHECK(e.code == errc::target_unavailable);
        CHECK(e.detail == "no route to host");
    }
    SECTION("the list cannot be read") {
        f.provider->list_fails = error{errc::provider_busy, "429"};
        const auto found = f.wait(f.adoptions.list(f.parts().settings()));
        REQUIRE_FALSE(found);
        CHECK(found.error().code == errc::provider_busy);
    }
    SECTION("a run is being built") {
        (void)f.add_run();
        const auto e = f.refusal_of("batch_a");
        CHECK(e.code == errc::unavailable);
        CHECK(test::contains(e.detail, "run r1 is being built"));
    }
    SECTION("a run is started meanwhile") {
        f.database->after_read = [&] { (void)f.add_run(); };
        const auto e = f.refusal_of("batch_a");
        CHECK(e.code == errc::unavailable);
        CHECK(test::contains(e.detail, "run r1 is being built"));
    }
}

TEST_CASE("a batch of a job that ended without answers is adopted, whatever batch of it failed",
          "[adopter]") {
    lost_ledger f;
    auto b = f.batch_of({f.add_row("k1", "one")});
    const auto id = f.add_job(f.add_open_run());
    auto label = *read_label(b.metadata);
    label.installation = f.l->installation();
    label.submission = submission_id(label.installation, f.job(id), 1);
    b.metadata = to_metadata(label);
    f.list_it(b);
    SECTION("none") {}
    SECTION("one, before it did anything") {
        f.put(id, job::submitted{"ed1-00000000-1-1", "file-1", "batch_1", noon / 1000});
    }
    f.put(id, job::failed{"refused"});
    const auto listed = f.list().batches.at(0);
    CHECK(listed.obstacle.empty());
    CHECK(listed.own_job == id);
    const auto done = f.adopt("batch_a");
    REQUIRE(done);
    CHECK(done->job_id != id);
    CHECK(done->rows == 1);
}

TEST_CASE("a second batch of a job of this ledger is left to the daemon, which books it once", "[adopter]") {
    lost_ledger f;
    auto b = f.batch_of({f.add_row("k1", "one")});
    const auto id = f.add_job(f.add_open_run());
    auto label = *read_label(b.metadata);
    label.installation = f.l->installation();
    label.submission = submission_id(label.installation, f.job(id), 1);
    b.metadata = to_metadata(label);
    f.list_it(b);
    f.put(id, job::submitted{"ed1-00000000-1-1", "file-1", "batch_1", noon / 1000});
    f.jobs_before = 1;
    SECTION("by the submission that both were made by") {}
    SECTION("by what was found of it") {
        twin_row twin;
        twin.batch_id = "batch_a";
        twin.job_id = id;
        f.l->twins().put(twin);
    }
    CHECK(test::contains(f.list().batches.at(0).obstacle, "a second batch of job 1"));
    const auto e = f.refusal_of("batch_a");
    CHECK(e.code == errc::state_conflict);
    CHECK(test::contains(e.detail, "a second batch of job 1"));
}

TEST_CASE("summaries that were made for another version are adopted, and overwrite nothing newer",
          "[adopter]") {
    lost_ledger f;
    const auto one = f.add_row("k1", "one");
    const auto two = f.add_row("k2", "two");
    auto b = f.batch_of({one, two});
    const std::string then = "gpt-4o-mini-ffffffffffff";
    auto label = *read_label(b.metadata);
    label.version = then;
    b.metadata = to_metadata(label);
    const auto of_now =
        make_custom_id(kind::summaries, f.recipe().version, hash_text(one.title, *one.text), 0);
    const auto of_then = make_custom_id(kind::summaries, then, hash_text(one.title, *one.text), 0);
    f.file.replace(f.file.find(of_now), of_now.size(), of_then);
    f.provider->content["file-in"] = f.file;
    label.sha256 = to_hex(sha256::of(f.file));
    b.metadata = to_metadata(label);
    f.list_it(b);
    CHECK(f.list().batches.at(0).obstacle.empty());
    const auto adopted = f.adopt("batch_a");
    INFO((adopted ? "" : adopted.error().detail));
    REQUIRE(adopted);
    CHECK(adopted->requests == 2);
    CHECK(adopted->rows == 1); // of the other the batch has no request
    const auto job = f.job(adopted->job_id);
    CHECK(job.plan.version == then);
    CHECK(job.plan.keep_versions);
    CHECK(f.database->asked.want.keep_versions);
    CHECK(f.database->asked.want.version == then);
    CHECK(job.plan.totals.input_tokens > 0);
    CHECK(job.plan.totals.bound > money{});
}

// What a job keeps and forgets on its way.
// SPDX-License-Identifier: Apache-2.0
#include "core/job.hpp"

#include "tests/core/job_samples.hpp"
#include "tests/support/catch.hpp"

#include <map>
#include <string>
#include <vector>

using namespace enrichd;
using namespace enrichd::job;
using namespace enrichd::job::samples;

TEST_CASE("a submission keeps its id until a batch of it was seen", "[core][job]") {
    const auto asked = lead<intent_submit>(uploaded{"f1", ""}, event::submit_intended{"s1", 5});
    CHECK(asked.file_id == "f1");
    CHECK(lead<uploaded>(asked, event::batch_postponed{{errc::provider_busy, "busy"}}).unused_submission ==
          "s1");

    const auto unknown = lead<submit_unknown>(asked, event::batch_unclear{"reset"});
    CHECK(unknown.looks == 0);
    CHECK(unknown.since_ms == 5);
    const auto looked = lead<submit_unknown>(unknown, event::batch_not_found{false});
    CHECK(looked.looks == 1);
    CHECK(looked.submission == "s1");
    CHECK(lead<uploaded>(looked, event::batch_not_found{true}).unused_submission == "s1");
    CHECK(lead<submitted>(looked, event::batch_created{"batch_9", 7}).batch_id == "batch_9");

    // A person's word that there is none leads to the same.
    const auto said = lead<uploaded>(unknown, event::resubmit_wanted{});
    CHECK(said.unused_submission == "s1");
    CHECK(said.file_id == "f1");
    CHECK(said.unused_since_ms == 5);

    // Sent again under the same id, the list is still read back to the first time.
    const auto again = lead<uploaded>(looked, event::batch_not_found{true});
    CHECK(lead<intent_submit>(again, event::submit_intended{"s1", 900}).since_ms == 5);
    CHECK(lead<intent_submit>(again, event::submit_intended{"s2", 900}).since_ms == 900);
}

TEST_CASE("a batch that has ended with answers and names no file of them is looked at again", "[core][job]") {
    auto p = polling_as(batch_status::completed);
    p.completed = 3;
    CHECK(effect_of(p) == "poll");
    CHECK(effect_of(p, goal::merged, cancel_reason::user) == "fetch"); // what is not there counts as missing
    p.output_file_id = "file-out";
    CHECK(effect_of(p) == "fetch");
    auto none_done = polling_as(batch_status::expired);
    CHECK(effect_of(none_done) == "fetch");
}

TEST_CASE("the look that a restart makes at once is none of the schedule's", "[core][job]") {
    const auto s = lead<submit_unknown>(intent_submit{"s1", "f1", 5}, event::batch_not_found{true});
    CHECK(s.looks == 0);
    CHECK(s.since_ms == 5);
}

TEST_CASE("a batch seen is remembered as the provider told it", "[core][job]") {
    auto b = batch(batch_status::in_progress);
    b.total = 10;
    b.completed = 4;
    b.failed = 1;
    const auto first = lead<polling>(submitted{"s1", "f1", "batch_1", 900}, event::batch_seen{b});
    CHECK(first.created_at == 1000); // the provider's clock
    CHECK(first.total == 10);
    CHECK(first.completed == 4);
    CHECK(first.failed == 1);
    CHECK(first.polls == 1);
    b.created_at = 0; // some servers leave it out later
    b.status = batch_status::completed;
    b.output_file_id = "out";
    const auto second = lead<polling>(first, event::batch_seen{b});
    CHECK(second.created_at == 1000);
    CHECK(second.polls == 2);
    CHECK(second.output_file_id == "out");
    CHECK_FALSE(second.cancel_sent);
    CHECK(lead<polling>(first, event::cancel_sent{batch(batch_status::cancelling)}).cancel_sent);
    CHECK(lead<polling>(submitted{}, event::cancel_sent{batch(batch_status::cancelling)}).cancel_sent);
}

TEST_CASE("a failed batch ends its job, with what the provider said of it", "[core][job]") {
    auto b = batch(batch_status::failed);
    b.errors = {{"invalid_json_line", "not JSON", 3}, {"empty_file", "nothing", {}}};
    for (const state& s :
         {state(submitted{"s1", "f1", "batch_1", 1}), state(polling_as(batch_status::validating))}) {
        const auto end = lead<failed>(s, event::batch_seen{b});
        CHECK(end.reason.find("invalid_json_line (line 3): not JSON") != std::string::npos);
        CHECK(end.reason.find("empty_file: nothing") != std::string::npos);
    }
}

TEST_CASE("the reason of a failure is bounded however many errors there are", "[core][job]") {
    auto b = batch(batch_status::failed);
    b.errors.assign(1000, {"code", std::string(100, 'x'), {}});
    CHECK(lead<failed>(submitted{}, event::batch_seen{b}).reason.size() < 1300);
}

TEST_CASE("a failed batch that did something is fetched: paid results are not lost", "[core][job]") {
    auto b = batch(batch_status::failed);
    b.output_file_id = "out";
    const auto s = lead<polling>(submitted{"s1", "f1", "batch_1", 1}, event::batch_seen{b});
    CHECK(effect_of(s) == "fetch");
}

TEST_CASE("a full queue sends the job back to be submitted again, as a new submission", "[core][job]") {
    auto b = batch(batch_status::failed);
    b.errors = {{"token_limit_exceeded", "Enqueued token limit reached", {}}};
    for (const state& s :
         {state(submitted{"s1", "f1", "batch_1", 1}), state(polling_as(batch_status::validating))}) {
        const auto again = lead<uploaded>(s, event::batch_seen{b});
        CHECK(again.file_id == "f1");
        CHECK(again.unused_submission.empty());
    }
}

TEST_CASE("merging begins with the first file that there is", "[core][job]") {
    const auto p = polling_as(batch_status::expired);
    const auto where = [&](bool output, bool errors) {
        return lead<fetched>(p, event::results_fetched{output, errors}).next.where;
    };
    CHECK(where(true, true) == merge_cursor::part::output);
    CHECK(where(true, false) == merge_cursor::part::output);
    CHECK(where(false, true) == merge_cursor::part::errors);
    CHECK(where(false, false) == merge_cursor::part::rest);
    const auto f = lead<fetched>(p, event::results_fetched{true, true, 250, {"a1", "b2"}});
    CHECK(f.ended_as == batch_status::expired);
    CHECK(f.submission == "s1");
    CHECK(f.next.slice == 0);
    CHECK(f.next.lines == 250);
    const merge_cursor next{merge_cursor::part::errors, 77, 3, 250};
    CHECK(lead<fetched>(f, event::slice_merged{next}).next == next);
    const auto m = next_effect(lead<fetched>(f, event::slice_merged{next}), {goal::merged});
    CHECK(std::get<effect::merge>(m).from == next);
    CHECK(std::get<effect::merge>(m).digests == result_digests{"a1", "b2"});
}

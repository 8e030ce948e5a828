// SPDX-License-Identifier: Apache-2.0
#include "core/job.hpp"

#include "tests/support/catch.hpp"

#include <map>
#include <string>
#include <vector>

using namespace enrichd;
using namespace enrichd::job;

namespace {

batch_object batch(batch_status status) {
    batch_object b;
    b.id = "batch_1";
    b.status = status;
    b.created_at = 1000;
    return b;
}

polling polling_as(batch_status status) {
    polling p;
    p.submission = "s1";
    p.file_id = "f1";
    p.batch_id = "batch_1";
    p.created_at = 1000;
    p.status = status;
    return p;
}

const std::vector<state>& all_states() {
    static const std::vector<state> all = {
        built{},
        intent_upload{"s1"},
        uploaded{"f1", ""},
        intent_submit{"s1", "f1", 5},
        submit_unknown{"s1", "f1", 5, 1},
        submitted{"s1", "f1", "batch_1", 1000},
        polling_as(batch_status::in_progress),
        fetched{"s1", "batch_1", batch_status::completed, true, false, {}, {}},
        merged{"batch_1"},
        failed{"no"},
        cancelled{},
        discarded{}};
    return all;
}

const std::vector<event::any>& all_events() {
    static const std::vector<event::any> all = {event::upload_intended{"s1"},
                                                event::file_uploaded{"f1"},
                                                event::file_not_found{},
                                                event::file_refused{"bad"},
                                                event::submit_intended{"s1", 5},
                                                event::batch_created{"batch_1", 1000},
                                                event::batch_refused{"bad"},
                                                event::batch_postponed{{errc::provider_busy, "busy"}},
                                                event::batch_unclear{"reset"},
                                                event::batch_not_found{false},
                                                event::resubmit_wanted{},
                                                event::batch_seen{batch(batch_status::in_progress)},
                                                event::cancel_wanted{},
                                                event::cancel_sent{batch(batch_status::cancelling)},
                                                event::results_fetched{true, false},
                                                event::slice_merged{{merge_cursor::part::output, 10, 1}},
                                                event::all_merged{},
                                                event::discard_wanted{},
                                                event::abandon_wanted{},
                                                event::batch_found{"s1", "f1", "batch_1", 1000}};
    return all;
}

// Every legal pair and where it leads; what is not here is illegal.
const std::map<std::string, std::map<std::string, std::string>>& transitions() {
    static const std::map<std::string, std::map<std::string, std::string>> table = {
        {"built",
         {{"upload_intended", "intent_upload"},
          {"cancel_wanted", "cancelled"},
          {"discard_wanted", "discarded"},
          {"batch_found", "submitted"}}},
        {"intent_upload",
         {{"file_uploaded", "uploaded"},
          {"file_not_found", "built"},
          {"file_refused", "failed"},
          {"cancel_wanted", "cancelled"},
          {"batch_found", "submitted"}}},
        {"uploaded",
         {{"submit_intended", "intent_submit"},
          {"cancel_wanted", "cancelled"},
          {"batch_found", "submitted"}}},
        {"intent_submit",
         {{"batch_created", "submitted"},
          {"batch_refused", "failed"},
          {"batch_postponed", "uploaded"},
          {"batch_unclear", "submit_unknown"},
          {"batch_not_found", "submit_unknown"},
          {"file_not_found", "built"}}},
        {"submit_unknown",
         {{"batch_created", "submitted"},
          {"batch_not_found", "submit_unknown"},
          {"resubmit_wanted", "uploaded"},
          {"abandon_wanted", "failed"}}},
        {"submitted", {{"batch_seen", "polling"}, {"cancel_sent", "polling"}, {"abandon_wanted", "failed"}}},
        {"polling",
         {{"batch_seen", "polling"},
          {"cancel_sent", "polling"},
          {"results_fetched", "fetched"},
          {"abandon_wanted", "failed"}}},
        {"fetched", {{"slice_merged", "fetched"}, {"all_merged", "merged"}, {"abandon_wanted", "failed"}}},
        {"merged", {}},
        {"failed", {}},
        {"cancelled", {}},
        {"discarded", {}},
    };
    return table;
}

std::string effect_of(const state& s, goal until = goal::merged, cancel_reason cancel = cancel_reason::none) {
    return std::string(effect::name(next_effect(s, {until, cancel})));
}

template <class S>
S lead(const state& from, const event::any& e) {
    const auto to = apply(from, e);
    REQUIRE(to);
    REQUIRE(std::holds_alternative<S>(*to));
    return std::get<S>(*to);
}

} // namespace

TEST_CASE("every pair of state and event is legal or illegal as the table says", "[core][job]") {
    REQUIRE(all_states().size() == std::variant_size_v<state>);
    REQUIRE(all_events().size() == std::variant_size_v<event::any>);
    std::size_t legal = 0;
    for (const auto& s : all_states()) {
        const auto& row = transitions().at(std::string(name(s)));
        for (const auto& e : all_events()) {
            CAPTURE(name(s), event::name(e));
            const auto expected = row.find(std::string(event::name(e)));
            const auto to = apply(s, e);
            CHECK(is_legal(s, e) == (expected != row.end()));
            CHECK(to.has_value() == (expected != row.end()));
            if (to && expected != row.end()) {
                CHECK(name(*to) == expected->second);
                ++legal;
            }
            if (!to) {
                CHECK(to.error().code == errc::illegal_transition);
                CHECK(to.error().detail.find(std::string(name(s))) != std::string::npos);
                CHECK(to.error().detail.find(std::string(event::name(e))) != std::string::npos);
            }
        }
    }
    CHECK(legal == 32);
}

TEST_CASE("every state owes one effect for each goal", "[core][job]") {
    const struct {
        const char* state;
        const char* built;
        const char* fetched;
        const char* merged;
    } table[] = {
        {"built", "wait_for_user", "upload", "upload"},
        {"intent_upload", "find_file", "find_file", "find_file"},
        {"uploaded", "create_batch", "create_batch", "create_batch"},
        {"intent_submit", "find_batch", "find_batch", "find_batch"},
        {"submit_unknown", "find_batch", "find_batch", "find_batch"},
        {"submitted", "poll", "poll", "poll"},
        {"polling", "poll", "poll", "poll"},
        {"fetched", "wait_for_user", "wait_for_user", "merge"},
        {"merged", "none", "none", "none"},
        {"failed", "none", "none", "none"},
        {"cancelled", "none", "none", "none"},
        {"discarded", "none", "none", "none"},
    };
    REQUIRE(std::size(table) == all_states().size());
    for (std::size_t i = 0; i < std::size(table); ++i) {
        const auto& s = all_states()[i];
        CAPTURE(table[i].state);
        REQUIRE(name(s) == table[i].state);
        CHECK(effect_of(s, goal::built) == table[i].built);
        CHECK(effect_of(s, goal::fetched) == table[i].fetched);
        CHECK(effect_of(s, goal::merged) == table[i].merged);
        CHECK(has_ended(s) == (std::string(table[i].merged) == "none"));
    }
}

TEST_CASE("a wish to cancel changes what a running batch owes, and nothing after its end", "[core][job]") {
    for (const auto why : {cancel_reason::user, cancel_reason::deadline}) {
        CHECK(effect_of(submitted{"s1", "f1", "batch_1", 1000}, goal::merged, why) == "cancel_batch");
        CHECK(effect_of(polling_as(batch_status::validating), goal::merged, why) == "cancel_batch");
        CHECK(effect_of(polling_as(batch_status::in_progress), goal::merged, why) == "cancel_batch");
        CHECK(effect_of(polling_as(batch_status::unknown), goal::merged, why) == "cancel_batch");
        CHECK(effect_of(polling_as(batch_status::cancelling), goal::merged, why) == "poll");
        auto sent = polling_as(batch_status::in_progress);
        sent.cancel_sent = true;
        CHECK(effect_of(sent, goal::merged, why) == "poll");
        for (const auto ended :
             {batch_status::completed, batch_status::expired, batch_status::cancelled, batch_status::failed})
            CHECK(effect_of(polling_as(ended), goal::merged, why) == "fetch");
        CHECK(effect_of(fetched{}, goal::merged, why) == "merge");
    }
}

TEST_CASE("a batch that has ended is fetched whatever the goal and wish", "[core][job]") {
    for (const auto until : {goal::built, goal::fetched, goal::merged})
        for (const auto ended : {batch_status::completed, batch_status::expired, batch_status::cancelled})
            CHECK(effect_of(polling_as(ended), until) == "fetch");
}

TEST_CASE("a job found in an intent at restart is looked for, not repeated", "[core][job]") {
    CHECK(effect_of(intent_upload{"s1"}) == "find_file");
    const auto look = next_effect(intent_submit{"s1", "f1", 5}, {goal::merged});
    REQUIRE(std::holds_alternative<effect::find_batch>(look));
    CHECK(std::get<effect::find_batch>(look).submission == "s1");
    CHECK(std::get<effect::find_batch>(look).file_id == "f1");
    CHECK(std::get<effect::find_batch>(look).since_ms == 5);
    CHECK_FALSE(is_legal(intent_submit{}, event::submit_intended{}));
    CHECK_FALSE(is_legal(submit_unknown{}, event::submit_intended{}));
    CHECK_FALSE(is_legal(intent_submit{}, event::cancel_wanted{}));
    CHECK_FALSE(is_legal(submit_unknown{}, event::cancel_wanted{}));
    CHECK_FALSE(is_legal(intent_upload{}, event::upload_intended{}));
}

TEST_CASE("the effects that cannot be repeated have an intent, all others none", "[core][job]") {
    const auto up = intent(effect::upload{}, "s7", 42);
    REQUIRE(up);
    CHECK(std::get<event::upload_intended>(*up).submission == "s7");
    const auto sub = intent(effect::create_batch{"f1"}, "s7", 42);
    REQUIRE(sub);
    CHECK(std::get<event::submit_intended>(*sub).submission == "s7");
    CHECK(std::get<event::submit_intended>(*sub).since_ms == 42);
    for (const effect::any& e :
         {effect::any(effect::none{}), effect::any(effect::wait_for_user{}), effect::any(effect::find_file{}),
          effect::any(effect::find_batch{}), effect::any(effect::poll{}), effect::any(effect::cancel_batch{}),
          effect::any(effect::fetch{}), effect::any(effect::merge{})}) {
        CAPTURE(effect::name(e));
        CHECK_FALSE(intent(e, "s7", 42));
    }
}

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

TEST_CASE("every way from built that does not stop reaches an end in the table", "[core][job]") {
    // From each state that is no end, some end can be reached: no job is stuck by construction.
    std::map<std::string, bool> reaches;
    for (const auto& s : all_states())
        reaches[std::string(name(s))] = has_ended(s);
    for (int pass = 0; pass < 12; ++pass)
        for (const auto& [from, row] : transitions())
            for (const auto& [e, to] : row)
                if (reaches[to]) reaches[from] = true;
    for (const auto& [state, ends] : reaches) {
        CAPTURE(state);
        CHECK(ends);
    }
}

TEST_CASE("people see a state under a word of the spine, or by its own end", "[core][job]") {
    const char* words[] = {"built",   "built",   "built",  "submitted", "submitted", "submitted",
                           "polling", "polling", "merged", "failed",    "cancelled", "discarded"};
    for (std::size_t i = 0; i < all_states().size(); ++i)
        CHECK(spine_word(all_states()[i]) == words[i]);
}

TEST_CASE("the batch's id is known from submitted to merged", "[core][job]") {
    for (const auto& s : all_states()) {
        CAPTURE(name(s));
        const bool knows = std::holds_alternative<submitted>(s) || std::holds_alternative<polling>(s) ||
                           std::holds_alternative<fetched>(s) || std::holds_alternative<merged>(s);
        CHECK(batch_id(s).has_value() == knows);
    }
}

TEST_CASE("only what follows an unknown submission may be a duplicate", "[core][job]") {
    for (const auto& from : all_states())
        for (const auto& e : all_events()) {
            const auto to = apply(from, e);
            if (!to) continue;
            CAPTURE(name(from), event::name(e));
            const bool sent_again = name(from) == "submit_unknown" && name(*to) == "uploaded";
            CHECK(may_duplicate(from, *to) == sent_again);
        }
}

TEST_CASE("a job is over at the provider once its batch has ended there, or it never had one",
          "[core][job]") {
    for (const auto& s : all_states()) {
        CAPTURE(name(s));
        CHECK(is_over_at_provider(s) == (name(s) == "fetched" || has_ended(s)));
    }
    CHECK(is_over_at_provider(polling_as(batch_status::completed)));
    CHECK_FALSE(is_over_at_provider(polling_as(batch_status::cancelling)));
}

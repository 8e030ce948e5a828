// Which events a state knows, and what it owes.
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
    CHECK(legal == 35);
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

TEST_CASE("a refusal and an early cancel end a job without answers; giving up is a choice", "[core][job]") {
    for (const auto& s : all_states()) {
        CAPTURE(name(s));
        CHECK(ended_without_answers(s) == (name(s) == "failed" || name(s) == "cancelled"));
    }
    CHECK_FALSE(ended_without_answers(failed{std::string(given_up)}));
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

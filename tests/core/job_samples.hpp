// Jobs, batches and events to try the rules of a job's life with.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/job.hpp"
#include "tests/support/catch.hpp"

#include <map>
#include <string>
#include <vector>

namespace enrichd::job::samples {

inline batch_object batch(batch_status status) {
    batch_object b;
    b.id = "batch_1";
    b.status = status;
    b.created_at = 1000;
    return b;
}

inline polling polling_as(batch_status status) {
    polling p;
    p.submission = "s1";
    p.file_id = "f1";
    p.batch_id = "batch_1";
    p.created_at = 1000;
    p.status = status;
    return p;
}

inline const std::vector<state>& all_states() {
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

inline const std::vector<event::any>& all_events() {
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
                                                event::batch_found{"s1", "f1", "batch_1", 1000},
                                                event::results_gone{},
                                                event::cut_wanted{500}};
    return all;
}

// Every legal pair and where it leads; what is not here is illegal.
inline const std::map<std::string, std::map<std::string, std::string>>& transitions() {
    static const std::map<std::string, std::map<std::string, std::string>> table = {
        {"built",
         {{"upload_intended", "intent_upload"},
          {"cancel_wanted", "cancelled"},
          {"discard_wanted", "discarded"},
          {"cut_wanted", "discarded"},
          {"batch_found", "submitted"}}},
        {"intent_upload",
         {{"file_uploaded", "uploaded"},
          {"file_not_found", "built"},
          {"file_refused", "failed"},
          {"cancel_wanted", "cancelled"},
          {"batch_found", "submitted"}}},
        {"uploaded",
         {{"submit_intended", "intent_submit"},
          {"cut_wanted", "discarded"},
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
        {"fetched",
         {{"slice_merged", "fetched"},
          {"results_gone", "fetched"},
          {"all_merged", "merged"},
          {"abandon_wanted", "failed"}}},
        {"merged", {}},
        {"failed", {}},
        {"cancelled", {}},
        {"discarded", {}},
    };
    return table;
}

inline std::string effect_of(const state& s, goal until = goal::merged,
                             cancel_reason cancel = cancel_reason::none) {
    return std::string(effect::name(next_effect(s, {until, cancel})));
}

template <class S>
S lead(const state& from, const event::any& e) {
    const auto to = apply(from, e);
    REQUIRE(to);
    REQUIRE(std::holds_alternative<S>(*to));
    return std::get<S>(*to);
}

} // namespace enrichd::job::samples

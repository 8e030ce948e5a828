// What each state owes the world, and what everything is called. core/job_transitions.cpp has where events
// lead.
// SPDX-License-Identifier: Apache-2.0
#include "core/job.hpp"

#include "core/overloaded.hpp"

#include <array>

namespace enrichd::job {

namespace {

constexpr std::int64_t looks_for_error_file = 5;

constexpr std::array<std::string_view, 12> state_names = {
    "built",   "intent_upload", "uploaded", "intent_submit", "submit_unknown", "submitted",
    "polling", "fetched",       "merged",   "failed",        "cancelled",      "discarded"};
static_assert(state_names.size() == std::variant_size_v<state>);

constexpr std::array<std::string_view, 22> event_names = {
    "upload_intended", "file_uploaded", "file_not_found",  "file_refused",   "submit_intended",
    "batch_created",   "batch_refused", "batch_postponed", "batch_unclear",  "batch_not_found",
    "resubmit_wanted", "batch_seen",    "cancel_wanted",   "cancel_sent",    "results_fetched",
    "slice_merged",    "all_merged",    "discard_wanted",  "abandon_wanted", "batch_found",
    "results_gone",    "cut_wanted"};
static_assert(event_names.size() == std::variant_size_v<event::any>);

constexpr std::array<std::string_view, 10> effect_names = {
    "none",       "wait_for_user", "upload",       "find_file", "create_batch",
    "find_batch", "poll",          "cancel_batch", "fetch",     "merge"};
static_assert(effect_names.size() == std::variant_size_v<effect::any>);

// Owed effects, state by state.

effect::any owed(const built&, const wishes& w) {
    if (w.until == goal::built) return effect::wait_for_user{};
    return effect::upload{};
}
effect::any owed(const intent_upload& s, const wishes&) {
    return effect::find_file{s.submission};
}
effect::any owed(const uploaded& s, const wishes&) {
    return effect::create_batch{s.file_id};
}
effect::any owed(const intent_submit& s, const wishes&) {
    return effect::find_batch{s.submission, s.file_id, s.since_ms, 0};
}
effect::any owed(const submit_unknown& s, const wishes&) {
    return effect::find_batch{s.submission, s.file_id, s.since_ms, s.looks};
}
effect::any owed(const submitted& s, const wishes& w) {
    if (w.cancel != cancel_reason::none) return effect::cancel_batch{s.batch_id};
    return effect::poll{s.batch_id};
}
effect::any owed(const polling& s, const wishes& w) {
    if (waits_for_results(s, w)) return effect::poll{s.batch_id};
    if (enrichd::has_ended(s.status)) return effect::fetch{s.batch_id, s.output_file_id, s.error_file_id};
    if (w.cancel != cancel_reason::none && !s.cancel_sent && s.status != batch_status::cancelling)
        return effect::cancel_batch{s.batch_id};
    return effect::poll{s.batch_id};
}
effect::any owed(const fetched& s, const wishes& w) {
    if (w.until != goal::merged) return effect::wait_for_user{};
    return effect::merge{s.submission, s.batch_id,   s.ended_as, s.next,
                         s.has_output, s.has_errors, s.digests,  s.some_gone};
}
effect::any owed(const merged&, const wishes&) {
    return effect::none{};
}
effect::any owed(const failed&, const wishes&) {
    return effect::none{};
}
effect::any owed(const cancelled&, const wishes&) {
    return effect::none{};
}
effect::any owed(const discarded&, const wishes&) {
    return effect::none{};
}

} // namespace

std::string_view name(const state& s) {
    return state_names[s.index()];
}

std::string_view event::name(const any& e) {
    return event_names[e.index()];
}

std::string_view effect::name(const any& e) {
    return effect_names[e.index()];
}

bool keeps_its_time(const state& s) {
    return std::holds_alternative<submit_unknown>(s);
}

bool may_duplicate(const state& from, const state& to) {
    return std::holds_alternative<submit_unknown>(from) && std::holds_alternative<uploaded>(to);
}

bool is_over_at_provider(const state& s) {
    if (const auto* p = std::get_if<polling>(&s)) return enrichd::has_ended(p->status);
    return std::holds_alternative<fetched>(s) || has_ended(s);
}

bool ended_without_answers(const state& s) {
    if (const auto* f = std::get_if<failed>(&s)) return f->reason != given_up;
    return std::holds_alternative<cancelled>(s);
}

// Answers were paid for, and are waited for until the user gives them up. Of errors nothing is lost; some
// servers have no file of them.
bool awaits_results(const polling& s) {
    if (!enrichd::has_ended(s.status)) return false;
    if (s.completed > 0 && !s.output_file_id) return true;
    return s.failed > 0 && !s.error_file_id && s.looks_for_files < looks_for_error_file;
}

bool waits_for_results(const polling& s, const wishes& w) {
    if (!awaits_results(s)) return false;
    return w.cancel == cancel_reason::none ||
           (w.cancel == cancel_reason::deadline && s.looks_for_files < looks_for_results);
}

bool has_ended(const state& s) {
    return std::holds_alternative<effect::none>(next_effect(s, {}));
}

std::string_view spine_word(const state& s) {
    return std::visit(overloaded{
                          [](const built&) { return "built"; },
                          [](const intent_upload&) { return "built"; },
                          [](const uploaded&) { return "built"; },
                          [](const intent_submit&) { return "submitted"; },
                          [](const submit_unknown&) { return "submitted"; },
                          [](const submitted&) { return "submitted"; },
                          [](const polling&) { return "polling"; },
                          [](const fetched&) { return "polling"; },
                          [](const merged&) { return "merged"; },
                          [](const failed&) { return "failed"; },
                          [](const cancelled&) { return "cancelled"; },
                          [](const discarded&) { return "discarded"; },
                      },
                      s);
}

std::optional<std::string> batch_id(const state& s) {
    return std::visit(
        [](const auto& alternative) -> std::optional<std::string> {
            if constexpr (requires { alternative.batch_id; })
                return alternative.batch_id;
            else
                return std::nullopt;
        },
        s);
}

effect::any next_effect(const state& s, const wishes& w) {
    return std::visit([&](const auto& alternative) { return owed(alternative, w); }, s);
}

std::optional<event::any> intent(const effect::any& e, const std::string& submission, std::int64_t now_ms) {
    if (std::holds_alternative<effect::upload>(e)) return event::upload_intended{submission};
    if (std::holds_alternative<effect::create_batch>(e)) return event::submit_intended{submission, now_ms};
    return std::nullopt;
}

} // namespace enrichd::job

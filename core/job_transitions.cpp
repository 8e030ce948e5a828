// Where each event leads, state by state.
// SPDX-License-Identifier: Apache-2.0
#include "core/job.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace enrichd::job {

namespace {

// A pair of state and event that has no overload here is illegal.

state on(const built&, const event::upload_intended& e) {
    return intent_upload{e.submission};
}
state on(const built&, const event::cancel_wanted&) {
    return cancelled{};
}
state on(const built&, const event::discard_wanted&) {
    return discarded{};
}
state on(const built&, const event::cut_wanted& e) {
    return discarded{e.tokens};
}

state on(const built&, const event::batch_found& e) {
    return submitted{e.submission, e.file_id, e.batch_id, e.created_at};
}

state on(const intent_upload&, const event::file_uploaded& e) {
    return uploaded{e.file_id, {}, 0};
}
state on(const intent_upload&, const event::file_not_found&) {
    return built{};
}
state on(const intent_upload&, const event::file_refused& e) {
    return failed{e.reason};
}
state on(const intent_upload&, const event::cancel_wanted&) {
    return cancelled{};
}

state on(const intent_upload&, const event::batch_found& e) {
    return submitted{e.submission, e.file_id, e.batch_id, e.created_at};
}

state on(const uploaded& s, const event::submit_intended& e) {
    // The list is read back to the first time that this id was used.
    const bool again = e.submission == s.unused_submission;
    return intent_submit{e.submission, s.file_id, again ? s.unused_since_ms : e.since_ms};
}
state on(const uploaded&, const event::cut_wanted& e) {
    return discarded{e.tokens};
}
state on(const uploaded&, const event::cancel_wanted&) {
    return cancelled{};
}
state on(const uploaded&, const event::batch_found& e) {
    return submitted{e.submission, e.file_id, e.batch_id, e.created_at};
}

state on(const intent_submit& s, const event::batch_created& e) {
    return submitted{s.submission, s.file_id, e.batch_id, e.created_at};
}
state on(const intent_submit&, const event::batch_refused& e) {
    return failed{e.reason};
}
state on(const intent_submit& s, const event::batch_postponed&) {
    return uploaded{s.file_id, s.submission, s.since_ms};
}
state on(const intent_submit&, const event::file_not_found&) {
    return built{};
}
state on(const intent_submit& s, const event::batch_unclear&) {
    return submit_unknown{s.submission, s.file_id, s.since_ms, 0};
}
// A turn that starts in intent_submit is a restart. Its look comes at once, so it does not count: the
// schedule of looks begins after it.
state on(const intent_submit& s, const event::batch_not_found&) {
    return submit_unknown{s.submission, s.file_id, s.since_ms, 0};
}

state on(const submit_unknown& s, const event::batch_created& e) {
    return submitted{s.submission, s.file_id, e.batch_id, e.created_at};
}
state on(const submit_unknown& s, const event::batch_not_found& e) {
    if (e.last_look) return uploaded{s.file_id, s.submission, s.since_ms};
    auto next = s;
    ++next.looks;
    return next;
}

state on(const submit_unknown& s, const event::resubmit_wanted&) {
    return uploaded{s.file_id, s.submission, s.since_ms};
}

// What may have been paid is given up by the user alone, and with a reason that says so.

state on(const submit_unknown&, const event::abandon_wanted&) {
    return failed{std::string(given_up)};
}
state on(const submitted&, const event::abandon_wanted&) {
    return failed{std::string(given_up)};
}
state on(const polling&, const event::abandon_wanted&) {
    return failed{std::string(given_up)};
}
state on(const fetched&, const event::abandon_wanted&) {
    return failed{std::string(given_up)};
}

std::string failure_reason(const batch_object& b) {
    std::string reason = "the provider failed the batch";
    for (const auto& e : b.errors) {
        reason +=
            fmt::format("; {}{}: {}", e.code, e.line ? fmt::format(" (line {})", *e.line) : "", e.message);
        if (reason.size() > 1000) break;
    }
    return reason;
}

// A failed batch without results did nothing and cost nothing. The provider's queue being full is no fault of
// the file's: it waits and is submitted again.
state seen(polling s, const batch_object& b) {
    if (b.status == batch_status::failed && !b.output_file_id && !b.error_file_id)
        return failed_for_full_queue(b) ? state(uploaded{s.file_id, {}, 0}) : failed{failure_reason(b)};
    if (b.created_at > 0) s.created_at = b.created_at;
    s.status = b.status;
    s.total = b.total;
    s.completed = b.completed;
    s.failed = b.failed;
    s.output_file_id = b.output_file_id;
    s.error_file_id = b.error_file_id;
    s.billed = b.usage;
    ++s.polls;
    if (enrichd::has_ended(s.status)) ++s.looks_for_files;
    return s;
}

polling first_sight(const submitted& s) {
    polling p;
    p.submission = s.submission;
    p.file_id = s.file_id;
    p.batch_id = s.batch_id;
    p.created_at = s.created_at;
    return p;
}

state on(const submitted& s, const event::batch_seen& e) {
    return seen(first_sight(s), e.batch);
}
state on(const submitted& s, const event::cancel_sent& e) {
    auto p = first_sight(s);
    p.cancel_sent = true;
    return seen(std::move(p), e.batch);
}

state on(const polling& s, const event::batch_seen& e) {
    return seen(s, e.batch);
}
state on(const polling& s, const event::cancel_sent& e) {
    auto p = s;
    p.cancel_sent = true;
    return seen(std::move(p), e.batch);
}

merge_cursor::part first_part(bool has_output, bool has_errors) {
    if (has_output) return merge_cursor::part::output;
    return has_errors ? merge_cursor::part::errors : merge_cursor::part::rest;
}

state on(const polling& s, const event::results_fetched& e) {
    fetched f;
    f.submission = s.submission;
    f.batch_id = s.batch_id;
    f.ended_as = s.status;
    f.has_output = e.has_output;
    f.has_errors = e.has_errors;
    f.digests = e.digests;
    f.some_gone = e.some_gone;
    f.billed = s.billed;
    f.next.where = first_part(e.has_output, e.has_errors);
    f.next.lines = e.slice_lines;
    return f;
}

state on(const fetched& s, const event::slice_merged& e) {
    auto next = s;
    next.next = e.next;
    return next;
}
state on(const fetched& s, const event::results_gone&) {
    using part = merge_cursor::part;
    auto next = s;
    next.some_gone = true;
    next.next.where = s.next.where == part::output && s.has_errors ? part::errors : part::rest;
    next.next.offset = 0;
    ++next.next.slice;
    return next;
}
state on(const fetched& s, const event::all_merged&) {
    return merged{s.batch_id};
}

template <class S, class E>
concept legal = requires(const S& s, const E& e) {
    on(s, e);
};

// What must never become possible, whoever adds an overload.
static_assert(!legal<built, event::slice_merged>, "a job cannot be merged before it is submitted");
static_assert(!legal<intent_submit, event::cut_wanted> && !legal<submit_unknown, event::cut_wanted>,
              "what may be a batch is not sent again in parts");
static_assert(!legal<built, event::submit_intended>, "nothing is submitted before the provider has the file");
static_assert(!legal<intent_submit, event::submit_intended>, "an open intent is looked for, never repeated");
static_assert(!legal<submit_unknown, event::submit_intended>,
              "an unknown submission is looked for, never repeated");
static_assert(!legal<submit_unknown, event::cancel_wanted>, "a batch that may exist is not forgotten");
static_assert(!legal<intent_submit, event::cancel_wanted>, "a batch that may exist is not forgotten");
static_assert(!legal<fetched, event::discard_wanted>, "paid results are not dropped");
static_assert(!legal<merged, event::slice_merged> && !legal<merged, event::batch_seen>, "merged is an end");
static_assert(!legal<failed, event::batch_seen> && !legal<cancelled, event::submit_intended>,
              "ends are ends");

} // namespace

bool is_legal(const state& s, const event::any& e) {
    return std::visit([]<class S, class E>(const S&, const E&) { return legal<S, E>; }, s, e);
}

result<state> apply(const state& s, const event::any& e) {
    return std::visit(
        [&]<class S, class E>(const S& from, const E& what) -> result<state> {
            if constexpr (legal<S, E>)
                return on(from, what);
            else
                return error{errc::illegal_transition,
                             fmt::format("a job that is {} does not accept {}", name(s), event::name(e))};
        },
        s, e);
}

} // namespace enrichd::job

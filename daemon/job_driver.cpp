// SPDX-License-Identifier: Apache-2.0
#include "daemon/job_driver.hpp"

#include "core/overloaded.hpp"
#include "core/quota_message.hpp"
#include "daemon/bill.hpp"
#include "daemon/job_log.hpp"
#include "daemon/purchase_gate.hpp"
#include "daemon/remote_files.hpp"
#include "daemon/submission_name.hpp"
#include "daemon/twins.hpp"

#include <fmt/format.h>

#include <utility>

namespace enrichd {

namespace {

// Effects that begin something new at the provider; a pause holds them back, and nothing else.
bool begins_something(const job::effect::any& what) {
    return std::holds_alternative<job::effect::upload>(what) ||
           std::holds_alternative<job::effect::create_batch>(what);
}

std::int64_t created_at(const job::state& s) {
    if (const auto* p = std::get_if<job::polling>(&s))
        return has_ended(p->status) && !job::awaits_results(*p) ? 0 : p->created_at;
    if (const auto* b = std::get_if<job::submitted>(&s)) return b->created_at;
    return 0;
}

void write_down(ledger& l, const job_row& job, const slice_record& slice, std::int64_t now_ms) {
    for (const auto& e : slice.requests)
        l.requests().end_request(job.id, e);
    for (const auto& e : slice.rows)
        l.requests().end_row(job.id, e);
    const auto& p = job.plan;
    for (const auto& r : slice.refused)
        l.quarantine().put({p.target, p.kind, r.key, p.version, r.hash, job.id, outcome::invalid, r.reason,
                            p.attempt, now_ms, r.authority});
    for (const auto& part : slice.parts)
        l.requests().keep_part(job.plan.run_id, part);
    for (const auto& hash : slice.complete_texts)
        l.requests().drop_parts(job.plan.run_id, hash);
    const settlement s{slice.used, slice.actual, slice.released, slice.strays, slice.unproven};
    l.jobs().settle(job.id, s, now_ms);
    if (slice.proven) l.jobs().prove(job.id, now_ms);
}

const job::event::any abandon = job::event::abandon_wanted{};

// A job that ends beside merged leaves requests behind that nobody will answer.
void end_requests(ledger& l, const job_row& job, const job::state& end) {
    std::visit(overloaded{
                   [&](const job::failed& s) { l.requests().end_all(job.id, outcome::cancelled, s.reason); },
                   [&](const job::cancelled&) {
                       l.requests().end_all(job.id, outcome::cancelled, "cancelled before it was submitted");
                   },
                   // What is cut goes on in smaller jobs: its rows are open until they are theirs.
                   [&](const job::discarded& s) {
                       if (s.cut_to > 0)
                           l.requests().end_open_requests(job.id, outcome::cancelled,
                                                          "cut into smaller jobs");
                       else
                           l.requests().end_all(job.id, outcome::cancelled, "discarded");
                   },
                   [](const auto&) {},
               },
               end);
}

bool is_new_submission(const job_row& before, const job::event::any& what) {
    const auto* u = std::get_if<job::uploaded>(&before.state);
    return u && u->unused_submission.empty() && std::holds_alternative<job::event::submit_intended>(what);
}

} // namespace

job_driver::job_driver(ledger& l, effects& e, const clock& c, std::function<double()> random)
    : ledger_(l), effects_(e), clock_(c), random_(std::move(random)), quota_(l, c) {}

void job_driver::set_quota(quota_config c, std::shared_ptr<const model_catalogue> models) {
    quota_.set_limits(c, std::move(models));
    auto all_at_once = ledger_.begin();
    quota_.let_in();
    all_at_once.commit();
}

boost::asio::awaitable<void> job_driver::take_turn(std::int64_t job_id) {
    auto row = ledger_.jobs().find(job_id);
    if (!row || job::has_ended(row->state)) co_return;
    if (note_deadline(*row)) row = ledger_.jobs().find(job_id);
    if (apply_cancel(*row)) co_return;

    const auto what = job::next_effect(row->state, row->wishes);
    if (std::holds_alternative<job::effect::wait_for_user>(what)) {
        ledger_.jobs().postpone(*row, {}, clock_.now_ms());
        co_return;
    }
    if (hold_while_paused(*row, what) || hold_at_gate(*row, what) || hold_for_queue(*row, what)) co_return;

    if (const auto intended = job::intent(what, next_submission(*row), clock_.now_ms())) {
        record(*row, {*intended, "", std::nullopt});
        row = ledger_.jobs().find(job_id);
    }

    auto came_of_it = co_await effects_.perform(what, *row);

    // Wishes may have been recorded meanwhile; the state is still the one that this turn left.
    const auto known = row->wishes;
    row = ledger_.jobs().find(job_id);
    if (job::has_ended(row->state)) co_return; // an adopted batch has what it was about to buy
    const bool new_wishes = row->wishes != known;
    if (auto* done = std::get_if<effect_done>(&came_of_it)) {
        auto* none = std::get_if<job::event::batch_not_found>(&done->event);
        if (none && holds_unknown(*row)) none->last_look = false;
        record(*row, *done);
    } else if (row->wishes.cancel == job::cancel_reason::abandon &&
               std::holds_alternative<job::effect::cancel_batch>(what))
        end_abandoned(*row); // the provider was asked to cancel; its answer is not waited for
    else
        postpone(*row, std::get<effect_postponed>(came_of_it).why);
    if (new_wishes) heed_now(job_id);
}

// A wish that came during a turn was not seen by it: the next turn is now, not at the time that this one set.
void job_driver::heed_now(std::int64_t job_id) {
    const auto row = ledger_.jobs().find(job_id);
    if (job::has_ended(row->state) ||
        (job::keeps_its_time(row->state) && row->wishes.cancel != job::cancel_reason::abandon))
        return;
    auto next = row->waiting;
    next.due_ms = clock_.now_ms();
    ledger_.jobs().postpone(*row, next, clock_.now_ms());
}

// An id of which no batch exists is used again, so that a batch that shows up late after all is still
// recognised.
std::string job_driver::next_submission(const job_row& row) const {
    if (const auto* u = std::get_if<job::uploaded>(&row.state); u && !u->unused_submission.empty())
        return u->unused_submission;
    return submission_id(ledger_.installation(), row, row.submissions + 1);
}

bool job_driver::note_deadline(const job_row& row) {
    const auto created = created_at(row.state);
    if (created <= 0 || row.wishes.cancel != job::cancel_reason::none) return false;
    if (clock_.now_ms() < created * 1000 + rules_.deadline.count()) return false;
    auto wishes = row.wishes;
    wishes.cancel = job::cancel_reason::deadline;
    ledger_.jobs().wish(row, wishes, "deadline_passed", clock_.now_ms());
    log_job(log::level::warning, row,
            "the batch is over its deadline; it is cancelled, and what it did is merged");
    return true;
}

// A wish to cancel ends the job at once where no batch can exist, or where the batch is given up; elsewhere
// the effect sees to it.
bool job_driver::apply_cancel(const job_row& row) {
    if (row.wishes.cancel == job::cancel_reason::none) return false;
    const job::event::any cancel = job::event::cancel_wanted{};
    if (job::is_legal(row.state, cancel)) {
        record(row, {cancel, "", std::nullopt});
        return true;
    }
    if (row.wishes.cancel != job::cancel_reason::abandon || !job::is_legal(row.state, abandon)) return false;
    const auto owed = job::next_effect(row.state, row.wishes);
    if (std::holds_alternative<job::effect::cancel_batch>(owed)) return false; // that first
    end_abandoned(row);
    return true;
}

// What it cost stays in the books: as the provider's bill, or as what may have been billed.
void job_driver::end_abandoned(const job_row& row) {
    auto bill = last_bill(row);
    if (!bill) bill.emplace().unproven = ledger_.jobs().open_bound_of(row.id);
    record(row, {abandon, "", std::move(bill)});
}

// What is to be cancelled is not sent again anyway, and waits for nobody's word.
bool job_driver::holds_unknown(const job_row& row) const {
    return rules_.hold_unknown && row.wishes.cancel == job::cancel_reason::none;
}

bool job_driver::hold_while_paused(const job_row& row, const job::effect::any& what) {
    if (!begins_something(what) || !ledger_.paused()) return false;
    ledger_.jobs().postpone(row, {std::nullopt, 0, "paused"}, clock_.now_ms());
    return true;
}

// A file that is looked for belongs to an upload that may have become a batch: that is looked for first.
bool job_driver::hold_at_gate(const job_row& row, const job::effect::any& what) {
    if (!begins_something(what) && !std::holds_alternative<job::effect::find_file>(what)) return false;
    const auto why = why_not_send(ledger_);
    if (!why) return false;
    ledger_.jobs().postpone(row, {std::nullopt, 0, why->detail, why->code}, clock_.now_ms());
    return true;
}

// Held until there is room in the provider's queue, or cut where there never can be.
bool job_driver::hold_for_queue(const job_row& row, const job::effect::any& what) {
    if (!begins_something(what)) return false;
    auto verdict = quota_.judge(row, std::holds_alternative<job::effect::create_batch>(what));
    if (verdict.cut_to > 0) {
        record(row, {job::event::cut_wanted{verdict.cut_to}, verdict.why, std::nullopt});
        return true;
    }
    if (!verdict.hold) return false;
    if (row.waiting.cause != errc::queue_full) log_job(log::level::info, row, verdict.hold->reason);
    ledger_.jobs().postpone(row, *verdict.hold, clock_.now_ms());
    return true;
}

// What its batch's life tells of the queue: full, taken, or with more room than before.
void job_driver::note_queue(const job_row& before, const job::state& next, const job::event::any& what) {
    const auto& model = before.plan.model;
    if (const auto* seen = std::get_if<job::event::batch_seen>(&what);
        seen && failed_for_full_queue(seen->batch)) {
        std::string words;
        for (const auto& e : seen->batch.errors)
            words += fmt::format("{}{}: {}", words.empty() ? "" : "; ", e.code, e.message);
        quota_.note_refusal(before, words, random_());
    } else if (const auto* later = std::get_if<job::event::batch_postponed>(&what);
               later && says_queue_is_full(later->why.detail)) {
        quota_.note_refusal(before, later->why.detail, random_());
    } else if (const auto* p = std::get_if<job::polling>(&next);
               p && p->status != batch_status::validating && p->status != batch_status::unknown) {
        quota_.note_taken(model);
    }
    if (!quota_.holds_place(before.state) || quota_.holds_place(next)) return;
    if (std::holds_alternative<job::uploaded>(next)) // refused, and not ended
        quota_.let_in(model);
    else
        quota_.note_end(model);
}

void job_driver::record(const job_row& before, const effect_done& done) {
    const auto next = job::apply(before.state, done.event);
    if (!next) { // an effect answered with an event that its state does not know: our bug, and no reason to
                 // stop
        postpone(before, {errc::internal, next.error().detail});
        return;
    }
    const auto now = clock_.now_ms();
    const job_change change{*next,
                            std::string(job::event::name(done.event)),
                            done.detail,
                            wait_after(before, *next, done.event),
                            is_new_submission(before, done.event) ? 1 : 0,
                            job::may_duplicate(before.state, *next)};

    auto all_or_nothing = ledger_.begin();
    if (done.slice) write_down(ledger_, before, *done.slice, now);
    if (const auto recorded = ledger_.jobs().record(before, change, now); !recorded) {
        log_job(log::level::error, before, recorded.error().detail);
        return;
    }
    const auto kept = job::batch_id(*next).value_or("");
    std::vector<batch_object> new_twins;
    for (const auto& twin : done.twins)
        if (record_twin(ledger_, before, kept, twin, now)) new_twins.push_back(twin);
    owe_looks_for_twins(ledger_, before, *next, now, longest_look_wait_ms(rules_.reconcile_seconds));
    note_remote_files(ledger_, before, *next, done.event, now);
    note_queue(before, *next, done.event);
    if (job::has_ended(*next)) {
        end_requests(ledger_, before, *next);
        ledger_.runs().postpone(before.plan.run_id, {now, 0, ""},
                                now); // it may have to send again, or is done
    }
    all_or_nothing.commit();
    log_transition(before, change);
    for (const auto& twin : new_twins)
        log_twin(before, kept, twin);
}

void job_driver::postpone(const job_row& row, const error& why) {
    const auto now = clock_.now_ms();
    const auto failures = row.waiting.failures + 1;
    const auto wait = backoff(failures, why.retry_after, random_());
    const waiting next{now + wait.count(), failures, why.detail, why.code,
                       with_sign(row.waiting.signs, why.sign)};
    ledger_.jobs().postpone(row, next, now);
    if (row.waiting.reason != why.detail) // once a cause, not once a try
        log_job(needs_person(why.code) ? log::level::error : log::level::warning, row, why.detail);
}

waiting job_driver::wait_after(const job_row& before, const job::state& next,
                               const job::event::any& what) const {
    const auto now = clock_.now_ms();
    const auto in = [&](milliseconds wait, std::string why = {}, std::int64_t failures = 0,
                        std::optional<errc> cause = {}) {
        return waiting{now + wait.count(), failures, std::move(why), cause};
    };
    const auto failing_still = [&] {
        return waiting{now, before.waiting.failures, "", {}, before.waiting.signs};
    };
    return std::visit(
        overloaded{
            [&](const job::submitted&) { return in(poll_wait(rules_.rhythm, 0, random_())); },
            [&](const job::polling& s) {
                const auto wait = poll_wait(rules_.rhythm, s.polls, random_());
                if (job::waits_for_results(s, before.wishes))
                    return in(
                        wait,
                        fmt::format(
                            "{} requests have ended, and the provider does not name the files of results yet",
                            s.completed + s.failed),
                        0, errc::provider_invalid);
                return has_ended(s.status) ? in(milliseconds(0)) : in(wait);
            },
            [&](const job::submit_unknown& s) {
                const auto wait = reconcile_wait(rules_.reconcile_seconds, s.looks);
                if (!wait && holds_unknown(before))
                    return waiting{std::nullopt, 0,
                                   "whether the provider took the batch is for a person to say"};
                return in(wait.value_or(milliseconds(0)),
                          "whether the provider took the batch is unknown: its list is looked through before "
                          "anything "
                          "is sent again");
            },
            // A failure count survives the look for the file, so that failing uploads back off further.
            [&](const job::built&) { return failing_still(); },
            [&](const job::intent_upload&) { return failing_still(); },
            [&](const job::uploaded&) {
                if (std::holds_alternative<job::event::file_uploaded>(what)) return in(milliseconds(0));
                // A full queue is waited for at the next turn, by what it takes.
                if (std::holds_alternative<job::event::batch_seen>(what)) return in(milliseconds(0));
                if (const auto* later = std::get_if<job::event::batch_postponed>(&what)) {
                    const auto& why = later->why;
                    const bool full = says_queue_is_full(why.detail);
                    const auto wait = backoff(before.waiting.failures + 1, why.retry_after, random_());
                    auto later_still =
                        in(full ? milliseconds(0) : wait, why.detail, before.waiting.failures + 1, why.code);
                    later_still.signs = with_sign(before.waiting.signs, why.sign);
                    return later_still;
                }
                return failing_still();
            },
            // A failure count survives the intent, so that repeated refusals back off further.
            [&](const job::intent_submit&) { return failing_still(); },
            [&](const auto&) { return in(milliseconds(0)); },
        },
        next);
}

} // namespace enrichd

// SPDX-License-Identifier: Apache-2.0
#include "daemon/unknown_finder.hpp"

#include "daemon/batch_search.hpp"
#include "daemon/job_log.hpp"
#include "daemon/purchase_gate.hpp"
#include "daemon/submission_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace enrichd {

namespace {

// OpenAI keeps the files of a batch for 30 days; of an older one nothing is to be had.
constexpr std::int64_t results_live_ms = 30 * 24 * 3'600'000LL;

} // namespace

unknown_finder::unknown_finder(ledger& l, adopter& a, const clock& c,
                               std::function<build_settings()> settings)
    : ledger_(l), adopter_(a), clock_(c), settings_(std::move(settings)) {}

// A job that waits for submit longer than that may have been submitted after it was built, at any time.
std::int64_t unknown_finder::reach() const {
    auto since = clock_.now_ms() - results_live_ms;
    for (const auto& job : ledger_.jobs().list(true, std::numeric_limits<std::int64_t>::max()))
        if (!job::batch_id(job.state)) since = std::min(since, job.created_ms);
    return since;
}

boost::asio::awaitable<result<bool>> unknown_finder::look(chore_row c) {
    const auto since = reach();
    auto found = co_await adopter_.list(settings_(), since);
    if (!found) co_return found.error();
    for (const auto& b : found->batches)
        if (b.is_unsure) co_return error{errc::target_unavailable, b.obstacle};

    std::stable_sort(found->batches.begin(), found->batches.end(),
                     [](const auto& a, const auto& b) { return is_better_to_keep(a.batch, b.batch); });

    // From here on nothing waits: what the ledger says is so until the commit.
    const auto now = clock_.now_ms();
    std::vector<unknown_row> unknown;
    std::size_t others = 0;
    const auto next_try = std::find_if(found->batches.begin(), found->batches.end(),
                                       [](const auto& b) { return b.is_next_try; });
    const bool is_done = next_try == found->batches.end();
    {
        auto all_or_nothing = ledger_.begin();
        for (const auto& b : found->batches) {
            if (is_of_another_life(b)) ledger_.set_outlived(b.batch.created_at * 1000);
            count_failed_try(b);
            if (b.own_job)
                give(b, now);
            else if (b.twin_of)
                ledger_.chores().owe(
                    {chore::find_twins, job_name(*b.twin_of) + " at start", *b.twin_of, now, 0});
            if ((b.obstacle.empty() && !b.is_bill) || b.may_come) // a bill alone stands in nobody's way
                ledger_.unknown().put(
                    {b.batch.id, b.label.installation, b.batch.total, b.batch.created_at * 1000, now});
            else if (!b.own_job && !b.is_next_try)
                ++others;
        }
        ledger_.unknown().drop_not_found(now, since);
        if (is_done) ledger_.chores().done(c);
        release_held(ledger_, now);
        unknown = ledger_.unknown().list();
        all_or_nothing.commit();
    }
    // What is taken in in a moment, by itself, is no news for a person.
    for (const auto& b : found->batches)
        if (b.own_job) std::erase_if(unknown, [&b](const auto& u) { return u.batch_id == b.batch.id; });
    if (!unknown.empty()) log::warning(tell_unknown(ledger_.installation(), unknown));
    if (others > 0)
        log::info(
            fmt::format("of {} batches of enrichd at the provider that are not in the ledger nothing is "
                        "to be had here: enrichctl adopt lists them, with the reasons",
                        others));
    if (is_done) co_return true;
    co_return error{errc::unavailable, fmt::format("batch {}: {}", next_try->batch.id, next_try->obstacle)};
}

// Made by this installation, and in no history of this ledger, which is an old copy then.
bool unknown_finder::is_of_another_life(const unknown_batch& b) {
    if (b.label.installation != ledger_.installation()) return false;
    const auto job = job_of_submission(ledger_, b.label.submission);
    return !job || try_of(b.label.submission) > job->submissions;
}

// Its name is not given to another batch: who looks for that one would find this.
void unknown_finder::count_failed_try(const unknown_batch& b) {
    if (!did_nothing(b.batch)) return;
    if (const auto job = job_of_submission(ledger_, b.label.submission))
        ledger_.jobs().hear_of_tries(job->id, try_of(b.label.submission));
}

// The first that is given to a job stays its own; others are its twins, which a chore finds and stops. The
// same chore takes in what is of a job that ended without a batch's answers.
void unknown_finder::give(const unknown_batch& own, std::int64_t now_ms) {
    const auto job = ledger_.jobs().find(*own.own_job).value();
    const auto& b = own.batch;
    if (job::batch_id(job.state) || job::has_ended(job.state)) {
        ledger_.chores().owe({chore::find_twins, job_name(job.id), job.id, now_ms, 0});
        return;
    }
    const job::event::any found =
        job::event::batch_found{own.label.submission, b.input_file_id, b.id, b.created_at};
    const job_change change{job::apply(job.state, found).value(),
                            std::string(job::event::name(found)),
                            b.id + ", found in the provider's list",
                            {now_ms, 0, ""},
                            std::max<std::int64_t>(1, try_of(own.label.submission) - job.submissions)};
    // It was ordered, as it was bought: it counts as reserved, and its results are fetched.
    if (job.wishes.until == job::goal::built) {
        auto wishes = job.wishes;
        wishes.until = job::goal::fetched;
        ledger_.jobs().wish(job, wishes, "submit_found", now_ms);
    }
    ledger_.jobs().record(ledger_.jobs().find(job.id).value(), change, now_ms).value();
    if (!b.input_file_id.empty()) ledger_.chores().owe_at_end(chore::delete_input, b.input_file_id, job.id);
    log_job(
        log::level::warning, job,
        fmt::format("the provider has a batch of it already, {}, of which this ledger did not know: it is "
                    "taken for its own, and not submitted again",
                    b.id));
}

} // namespace enrichd

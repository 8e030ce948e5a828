// SPDX-License-Identifier: Apache-2.0
#include "daemon/sweeper.hpp"

#include "core/calendar.hpp"
#include "core/schedule.hpp"
#include "daemon/batch_search.hpp"
#include "daemon/job_log.hpp"
#include "daemon/log.hpp"
#include "daemon/purchase_gate.hpp"
#include "daemon/submission_name.hpp"
#include "daemon/twins.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace enrichd {

namespace asio = boost::asio;

namespace {

bool is_of_batches(const chore_row& c) {
    return c.what == chore::find_twins || c.what == chore::follow_twin || c.what == chore::find_unknown;
}

bool says_missing(const error& why) {
    return why.code == errc::provider_rejected && provider::answered(why, 404);
}

// Whether to ask again would bring the same. A server may lack a DELETE, or a list; of batches that are or
// may be at work, no gateway's or foreign key's refusal is the last word, and one that is restarted answers
// 404 for a while: only after an hour of that there is no such call. Any other failure in between begins it
// anew: then it is an outage.
bool is_refused_for_good(const chore_row& c, const error& why) {
    constexpr std::int64_t refusals_of_an_hour = 24;
    if (why.code != errc::provider_rejected) return false;
    if (!is_of_batches(c) || provider::answered(why, 405) || provider::answered(why, 501)) return true;
    return says_missing(why) && c.missing >= refusals_of_an_hour;
}

// By then the batch of a job that ended has ended too, and needs its file no more.
constexpr std::int64_t youngest_orphan_ms = 2 * day_ms;

} // namespace

sweeper::sweeper(ledger& l, const clock& c, std::function<double()> random, std::function<void()> changed)
    : ledger_(l), clock_(c), random_(std::move(random)), changed_(std::move(changed)) {}

void sweeper::begin() {
    if (find_unknown_) ledger_.chores().owe({chore::find_unknown, "", 0, clock_.now_ms(), 0});
    if (!ledger_.chores().is_owed(chore::sweep_files))
        ledger_.chores().owe({chore::sweep_files, "", 0, clock_.now_ms() + day_ms, 0});
}

asio::awaitable<void> sweeper::sweep() {
    while (!stopping_) {
        const auto c = ledger_.chores().due(clock_.now_ms());
        if (!c) co_return;
        const auto done = co_await perform(*c);
        const bool refused = !done && is_refused_for_good(*c, done.error());
        if (refused && (!is_of_batches(*c) || co_await is_api_there())) {
            give_up(*c, done.error());
        } else if (!done || !*done) {
            put_off(*c, done);
        }
        changed_();
    }
}

void sweeper::put_off(const chore_row& c, const result<bool>& done) {
    const auto now = clock_.now_ms();
    const auto asked = done ? std::nullopt : done.error().retry_after;
    auto all_or_nothing = ledger_.begin();
    ledger_.chores().postpone(c, now + backoff(c.failures + 1, asked, random_()).count(),
                              done ? std::string() : done.error().detail,
                              !done && says_missing(done.error()));
    if (c.what == chore::find_unknown) release_held(ledger_, now); // what waited for a first try
    all_or_nothing.commit();
    if (!done && c.what == chore::find_unknown && c.failures == 0)
        log::warning("the look for batches that the ledger does not know is not done: " +
                     done.error().detail + "; nothing is submitted before it is");
}

// The provider will not do it. One without a DELETE lets its files expire, or has other ways.
void sweeper::give_up(const chore_row& c, const error& why) {
    const auto task = c.what == chore::find_unknown
                          ? std::string("the look for batches that the ledger does not know")
                          : fmt::format("{} {}", name(c.what), c.subject);
    log::write(is_of_batches(c) ? log::level::warning : log::level::info,
               fmt::format("{} is given up: {}", task, why.detail), {});
    if (c.what == chore::sweep_files)
        ledger_.chores().postpone(c, clock_.now_ms() + day_ms);
    else
        ledger_.chores().done(c);
    if (c.what == chore::find_unknown) release_held(ledger_, clock_.now_ms());
}

// Where all of it is missing, it is a gateway or an address that is wrong, and will be mended.
asio::awaitable<bool> sweeper::is_api_there() {
    const auto client = client_;
    const auto files = co_await client->list_files(submissions_of(ledger_.installation()));
    co_return files.has_value();
}

// True: it is done, and recorded as such. False: its time has not come yet.
asio::awaitable<result<bool>> sweeper::perform(chore_row c) {
    switch (c.what) {
    case chore::find_twins: return find_twins(std::move(c));
    case chore::follow_twin: return follow_twin(std::move(c));
    case chore::delete_input:
    case chore::delete_result: return delete_file(std::move(c));
    case chore::sweep_files: return sweep_files();
    case chore::find_unknown: return find_unknown_(std::move(c));
    case chore::write_report: return write_report(std::move(c));
    }
    throw fatal_error(errc::internal, "a chore that nobody does");
}

asio::awaitable<result<bool>> sweeper::find_twins(chore_row c) {
    const auto client = client_;
    auto job = ledger_.jobs().find(c.job_id);
    batch_search search{submission_id(ledger_.installation(), *job, 1), file_of(c.job_id), job->created_ms,
                        true};
    auto found = co_await find_batches(client, std::move(search));
    if (!found) co_return found.error();
    // While the job's own batch is not known, any of these may be the one that its next turn adopts.
    job = ledger_.jobs().find(c.job_id);
    if (!job::batch_id(job->state) && !job::has_ended(job->state)) co_return false;
    std::erase_if(*found, [&job](const auto& b) {
        const auto submission = b.metadata.find("enrichd_submission");
        const bool is_later = submission != b.metadata.end() && is_later_try(*job, submission->second);
        // That is no twin, but will be the job's own.
        return did_nothing(b) || (is_later && !job::has_ended(job->state));
    });
    auto kept = job->batch_id.value_or("");
    if (take_in_ && job::ended_without_answers(job->state)) {
        auto taken = co_await take_in(*job, *found);
        if (!taken) co_return taken.error();
        if (!taken->empty()) kept = std::move(*taken);
    }
    std::erase_if(*found, [this](const auto& b) { return ledger_.jobs().find_batch(b.id).has_value(); });
    std::vector<batch_object> twins;
    std::optional<error> left;
    for (const auto& b : *found) {
        auto stopped = co_await stop_batch(client, b);
        if (stopped)
            twins.push_back(std::move(*stopped));
        else
            left = stopped.error();
    }
    auto all_or_nothing = ledger_.begin();
    for (const auto& twin : twins) {
        if (ledger_.jobs().find_batch(twin.id)) continue; // a person adopted it meanwhile
        take_down(*job, kept, twin);
        ledger_.unknown().drop(twin.id);
    }
    if (!left) ledger_.chores().done(c);
    release_held(ledger_, clock_.now_ms());
    all_or_nothing.commit();
    if (left) co_return *left;
    co_return true;
}

// A batch that shows up after its job ended without one is taken in like one of a lost ledger, so that what
// it answers is merged: the first of these of which anything is to be had. It is empty if none is. What
// nobody wants any more is cancelled, and what was done by then still merged.
asio::awaitable<result<std::string>> sweeper::take_in(job_row job, std::vector<batch_object> found) {
    for (const auto& b : found) {
        if (ledger_.twins().find(b.id)) continue;
        if (may_name_files(b, clock_.now_ms()))
            co_return error{errc::unavailable, "batch " + b.id + " does not name its files of results yet"};
        const auto taken = co_await take_in_(b.id);
        if (!taken && taken.error().code != errc::state_conflict && taken.error().code != errc::not_found)
            co_return taken.error();
        if (!taken) { // for an obstacle that stays
            log_job(log::level::warning, job,
                    fmt::format("its batch {} is not taken in: {}", b.id, taken.error().detail));
            continue;
        }
        const auto holder = ledger_.jobs().find(taken->job_id).value();
        if (!taken->was_known)
            log_job(
                log::level::critical, job,
                fmt::format("a batch was made of its requests after all, {}: it is job {} now, with the {} "
                            "rows that no other job has",
                            b.id, job_name(holder.id), taken->rows));
        if (taken->only_booked) continue;
        const bool wanted = job.wishes.cancel == job::cancel_reason::none && taken->rows > 0;
        if (!wanted && !job::is_over_at_provider(holder.state) &&
            holder.wishes.cancel == job::cancel_reason::none)
            ledger_.jobs().wish(holder, {holder.wishes.until, job::cancel_reason::user}, "cancel_wanted",
                                clock_.now_ms());
        co_return b.id;
    }
    co_return std::string();
}

asio::awaitable<result<bool>> sweeper::follow_twin(chore_row c) {
    const auto client = client_;
    auto seen = co_await client->get_batch(c.subject);
    if (!seen) co_return seen.error();
    seen = co_await stop_batch(client, *seen);
    if (!seen) co_return seen.error();
    const auto job = ledger_.jobs().find(c.job_id);
    auto all_or_nothing = ledger_.begin();
    take_down(*job, job->batch_id.value_or(""), *seen);
    const bool ended = has_ended(seen->status);
    if (ended) ledger_.chores().done(c);
    all_or_nothing.commit();
    co_return ended;
}

asio::awaitable<result<bool>> sweeper::delete_file(chore_row c) {
    const auto client = client_;
    const bool kept = c.what == chore::delete_result && !delete_results_;
    if (!kept) {
        const auto deleted = co_await client->delete_file(c.subject);
        if (!deleted) co_return deleted.error();
    }
    ledger_.chores().done(c);
    co_return true;
}

// Request files of jobs that have ended, as a crash between an upload and its record leaves them behind. One
// of a job that this ledger does not know may be the input of a batch that it does not know: it is left to
// expire.
asio::awaitable<result<bool>> sweeper::sweep_files() {
    const auto client = client_;
    const auto files = co_await client->list_files(submissions_of(ledger_.installation()));
    if (!files) co_return files.error();
    std::size_t deleted = 0;
    std::optional<error> left;
    for (const auto& file : *files) {
        if (is_needed(file)) continue;
        const auto gone = co_await client->delete_file(file.id);
        if (gone)
            ++deleted;
        else
            left = gone.error();
    }
    if (deleted > 0)
        log::info(
            fmt::format("{} request files that no job needs any more were deleted at the provider", deleted));
    if (left) co_return *left;
    ledger_.chores().owe({chore::sweep_files, "", 0, clock_.now_ms() + day_ms, 0});
    co_return true;
}

asio::awaitable<result<bool>> sweeper::write_report(chore_row c) {
    if (write_report_) {
        const auto run_id = ledger_.jobs().find(c.job_id)->plan.run_id;
        const auto written = co_await write_report_(run_id);
        if (!written) co_return written.error();
    }
    ledger_.chores().done(c);
    co_return true;
}

bool sweeper::is_needed(const provider::remote_file& file) {
    if (!file.filename.ends_with(".jsonl") || file.created_at * 1000 > clock_.now_ms() - youngest_orphan_ms)
        return true;
    const auto job = job_of_submission(ledger_, file.filename);
    return !job || !job::has_ended(job->state);
}

void sweeper::take_down(const job_row& job, const std::string& kept, const batch_object& twin) {
    if (record_twin(ledger_, job, kept, twin, clock_.now_ms())) log_twin(job, kept, twin);
}

// The file that its batches were made from, as far as its history goes.
std::string sweeper::file_of(std::int64_t job_id) {
    std::string file;
    for (const auto& h : ledger_.history_of_job(job_id))
        if (h.event == job::event::name(job::event::file_uploaded{})) file = h.detail;
    return file;
}

} // namespace enrichd

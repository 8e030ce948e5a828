// SPDX-License-Identifier: Apache-2.0
#include "daemon/sweeper.hpp"

#include "core/schedule.hpp"
#include "daemon/batch_search.hpp"
#include "daemon/job_driver.hpp"
#include "daemon/log.hpp"
#include "daemon/twins.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace enrichd {

namespace asio = boost::asio;

sweeper::sweeper(ledger& l, const clock& c, std::function<double()> random, std::function<void()> changed)
    : ledger_(l), clock_(c), random_(std::move(random)), changed_(std::move(changed)) {}

asio::awaitable<void> sweeper::sweep() {
    while (!stopping_) {
        const auto c = ledger_.chores().due(clock_.now_ms());
        if (!c) co_return;
        const auto done = co_await perform(*c);
        const auto now = clock_.now_ms();
        if (!done && done.error().code == errc::provider_rejected) {
            log::warning(
                fmt::format("{} {} is given up: {}", name(c->what), c->subject, done.error().detail));
            ledger_.chores().done(*c);
        } else if (!done || !*done) {
            const auto asked = done ? std::nullopt : done.error().retry_after;
            ledger_.chores().postpone(*c, now + backoff(c->failures + 1, asked, random_()).count());
        }
        changed_();
    }
}

// True: it is done, and recorded as such. False: its time has not come yet.
asio::awaitable<result<bool>> sweeper::perform(chore_row c) {
    switch (c.what) {
    case chore::find_twins: return find_twins(std::move(c));
    case chore::follow_twin: return follow_twin(std::move(c));
    }
    throw fatal_error(errc::internal, "a chore that nobody does");
}

asio::awaitable<result<bool>> sweeper::find_twins(chore_row c) {
    const auto client = client_;
    auto job = ledger_.jobs().find(c.job_id);
    batch_search search{submission_id(ledger_.installation(), c.job_id, 1), file_of(c.job_id),
                        job->created_ms, true};
    const auto found = co_await find_batches(client, std::move(search));
    if (!found) co_return found.error();
    // While the job's own batch is not known, any of these may be the one that its next turn adopts.
    job = ledger_.jobs().find(c.job_id);
    if (!job::batch_id(job->state) && !job::has_ended(job->state)) co_return false;
    std::vector<batch_object> twins;
    for (const auto& b : *found) {
        if (b.id == job->batch_id || did_nothing(b)) continue;
        auto stopped = co_await stop_batch(client, b);
        if (!stopped) co_return stopped.error();
        twins.push_back(std::move(*stopped));
    }
    auto all_or_nothing = ledger_.begin();
    for (const auto& twin : twins)
        take_down(*job, twin);
    ledger_.chores().done(c);
    all_or_nothing.commit();
    co_return true;
}

asio::awaitable<result<bool>> sweeper::follow_twin(chore_row c) {
    const auto client = client_;
    auto seen = co_await client->get_batch(c.subject);
    if (!seen) co_return seen.error();
    seen = co_await stop_batch(client, *seen);
    if (!seen) co_return seen.error();
    const auto job = ledger_.jobs().find(c.job_id);
    auto all_or_nothing = ledger_.begin();
    take_down(*job, *seen);
    const bool ended = has_ended(seen->status);
    if (ended) ledger_.chores().done(c);
    all_or_nothing.commit();
    co_return ended;
}

void sweeper::take_down(const job_row& job, const batch_object& twin) {
    const auto kept = job.batch_id.value_or("");
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

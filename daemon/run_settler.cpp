// SPDX-License-Identifier: Apache-2.0
#include "daemon/run_settler.hpp"

#include "daemon/job_log.hpp"
#include "daemon/on_pool.hpp"
#include "daemon/request_files.hpp"

#include <fmt/format.h>

#include <map>
#include <utility>
#include <vector>

namespace enrichd {

namespace {

// Sent again by itself: only what a run that goes on by itself may, and never what was cancelled.
bool may_go_on(const run_row& run, const job_row& job) {
    return run.until == job::goal::merged && !run.cancel_wanted &&
           job.wishes.cancel == job::cancel_reason::none;
}

// Copies lines of one request file into another. Returns its SHA-256, and fills the places in the new file.
result<std::string> copy_lines(const std::filesystem::path& from, const std::filesystem::path& to,
                               std::vector<failed_request>& requests) {
    spool_writer writer(to);
    for (auto& r : requests) {
        const auto line = read_range(from, r.asked.file_offset, r.asked.file_length);
        if (!line) return line.error();
        r.asked.file_offset = writer.size();
        writer.append(*line);
    }
    return writer.finish();
}

file_totals totals_of(const std::vector<failed_request>& requests, const job_plan& before) {
    file_totals t;
    for (const auto& r : requests) {
        ++t.requests;
        t.bytes += r.asked.file_length;
        t.embedding_inputs += r.asked.chunk_tokens.size();
        t.input_tokens += r.asked.input_tokens;
        t.output_cap += r.asked.output_cap;
        t.bound += r.asked.bound;
    }
    t.reply_bytes = before.totals.reply_bytes; // fewer requests: an upper bound still
    return t;
}

} // namespace

struct run_settler::verdicts {
    std::vector<failed_request> again;
    std::vector<failed_request> given_up;    ///< not worth another try, or the tries are used up
    std::vector<failed_request> not_covered; ///< worth another try that the budget does not cover
};

boost::asio::awaitable<result<bool>> run_settler::settle(run_row run) {
    // Jobs may end while one is settled; the last pass finds nothing to do, and suspends nowhere.
    for (bool again = true; again;) {
        again = false;
        for (const auto& job : ledger_.jobs().of_run(run.id)) {
            if (!job::has_ended(job.state) || ledger_.requests().open_rows(job.id) == 0) continue;
            const auto settled = co_await settle_job(run, job);
            if (!settled) co_return settled.error();
            again = true;
        }
    }
    co_return ledger_.jobs().open_in_run(run.id) == 0;
}

run_settler::verdicts run_settler::judge(const run_row& run, const job_row& job) {
    verdicts v;
    auto committed = ledger_.spent_of_run(run.id) + ledger_.jobs().open_bound(run.id);
    for (auto& r : ledger_.requests().failed(job.id)) {
        if (!may_go_on(run, job) || !retryable(r.how, r.http_status) || job.plan.attempt >= max_tries) {
            v.given_up.push_back(std::move(r));
        } else if (committed + r.asked.bound > run.limit) {
            v.not_covered.push_back(std::move(r));
        } else {
            committed += r.asked.bound;
            v.again.push_back(std::move(r));
        }
    }
    return v;
}

boost::asio::awaitable<result<void>> run_settler::settle_job(run_row run, job_row job) {
    auto v = judge(run, job);
    job_plan plan = job.plan;
    if (!v.again.empty()) {
        plan.attempt = job.plan.attempt + 1;
        plan.file_name = fmt::format("{}{}-{}.{}.requests.jsonl", request_file_prefix(run.id),
                                     name(plan.kind), job_name(job.id), plan.attempt);
        const auto from = spool_.request_file(job.plan.file_name);
        const auto to = spool_.request_file(plan.file_name);
        const auto sha = co_await on_pool(pool_, [&] { return copy_lines(from, to, v.again); });
        if (!sha) co_return sha.error();
        plan.file_sha256 = *sha;
        plan.totals = totals_of(v.again, job.plan);
    }
    std::int64_t next_job = 0;
    {
        auto all_at_once = ledger_.begin();
        if (!v.again.empty()) next_job = resend(job, plan, v.again);
        for (const auto& r : v.given_up)
            give_up(job, r, job.plan.attempt >= max_tries);
        for (const auto& r : v.not_covered) {
            ledger_.requests().count_unsent(job.id, r.how);
            ledger_.requests().end_rows_of_text(job.id, r.asked.text, r.how,
                                                r.reason + "; not sent again: the budget does not cover it");
        }
        all_at_once.commit();
    }
    if (next_job > 0) log_built(*ledger_.jobs().find(next_job));
    co_return result<void>{};
}

// Within the caller's transaction: a row is in flight in the old job or in the new one, never in both or
// neither.
std::int64_t run_settler::resend(const job_row& job, job_plan plan,
                                 const std::vector<failed_request>& requests) {
    const auto now = clock_.now_ms();
    const auto id = ledger_.jobs().create(plan, job.wishes.until, now);
    std::map<std::int64_t, std::int64_t> texts; // of the old job, to those of the new
    std::uint64_t rows = 0;
    std::int64_t number = 0;
    for (const auto& r : requests) {
        ledger_.requests().count_resent(job.id, r.how);
        auto again = r.asked;
        again.number = number++;
        const auto [text, is_new] = texts.emplace(r.asked.text, again.number);
        again.text = text->second;
        ledger_.requests().add(id, again);
        if (!is_new) continue; // another part of the same text
        const auto keys = ledger_.requests().rows_of_text(job.id, r.asked.text);
        ledger_.requests().mark_resent(job.id, r.asked.text);
        for (const auto& [key, authority] : keys)
            ledger_.requests().add_row(id, plan.target, plan.kind, {again.text, key, authority});
        rows += keys.size();
    }
    plan.row_count = rows;
    ledger_.jobs().set_plan(id, plan);
    ledger_.jobs().postpone(*ledger_.jobs().find(id), {now, 0, ""}, now); // due
    return id;
}

// Quarantined is what would fail again, or did three times. A cancelled request did not fail: the next run
// takes it.
void run_settler::give_up(const job_row& job, const failed_request& r, bool tries_used) {
    const bool worth_another = retryable(r.how, r.http_status) || r.how == outcome::cancelled;
    if (!worth_another || (tries_used && r.how != outcome::cancelled))
        for (const auto& [key, authority] : ledger_.requests().rows_of_text(job.id, r.asked.text))
            ledger_.quarantine().put({job.plan.target, job.plan.kind, key, job.plan.version, r.asked.hash,
                                      job.id, r.how, r.reason, job.plan.attempt, clock_.now_ms(), authority});
    ledger_.requests().end_rows_of_text(job.id, r.asked.text, r.how, r.reason);
}

} // namespace enrichd

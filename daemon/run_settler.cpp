// SPDX-License-Identifier: Apache-2.0
#include "daemon/run_settler.hpp"

#include "daemon/job_log.hpp"
#include "daemon/on_pool.hpp"
#include "daemon/purchase_gate.hpp"
#include "daemon/request_files.hpp"
#include "daemon/spending_limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace enrichd {

/// There is at least one of them, in order.
struct failed_text {
    std::vector<failed_request> requests;

    std::int64_t number() const { return requests.front().asked.text; }
    const text_hash& hash() const { return requests.front().asked.hash; }
    money bound() const {
        money sum;
        for (const auto& r : requests)
            sum += r.asked.bound;
        return sum;
    }
    bool worth_another_try() const {
        return std::ranges::all_of(requests, [](const auto& r) { return retryable(r.how, r.http_status); });
    }
    /// The failure that the text's rows end with: the one that most stands in the way of another try.
    const failed_request& cause() const;
};

struct run_settler::verdicts {
    std::vector<failed_text> again;
    std::vector<failed_text> given_up;    ///< not worth another try, or the tries are used up
    std::vector<failed_text> not_covered; ///< worth another try that the budget does not cover
    std::vector<failed_text> unreadable;  ///< worth another try, and their request file is lost
    std::vector<failed_text> elsewhere;   ///< an adopted batch was asked the same, or one may have been
};

/// A request file in the making of the next job. The places of its texts' requests are those in it.
struct run_settler::copied_file {
    job_plan plan;
    std::vector<failed_text> texts;
};

namespace {

// Tokens of each of the jobs that this one was cut into; 0: it was not cut.
std::uint64_t cut_to(const job_row& job) {
    const auto* d = std::get_if<job::discarded>(&job.state);
    return d ? d->cut_to : 0;
}

// Sent again by itself: only what a run that goes on by itself may, and never what was cancelled.
bool may_go_on(const run_row& run, const job_row& job) {
    if (cut_to(job) > 0) return !run.cancel_wanted && job.wishes.cancel == job::cancel_reason::none;
    return run.until == job::goal::merged && !run.cancel_wanted &&
           job.wishes.cancel == job::cancel_reason::none && job.plan.attempt < max_tries;
}

// Would fail again, whatever is done. What was cancelled did not fail: the next run takes it.
bool is_permanent(const failed_request& r) {
    return !retryable(r.how, r.http_status) && r.how != outcome::cancelled;
}

std::vector<failed_text> by_text(std::vector<failed_request> requests) {
    std::vector<failed_text> texts; // the parts of a text stand together in a file
    for (auto& r : requests) {
        if (texts.empty() || texts.back().number() != r.asked.text) texts.emplace_back();
        texts.back().requests.push_back(std::move(r));
    }
    return texts;
}

// Whether these are the files of just these texts, in order.
template <class Files>
bool holds_just(const Files& files, const std::vector<failed_text>& texts) {
    auto next = texts.begin();
    for (const auto& file : files)
        for (const auto& t : file.texts)
            if (next == texts.end() || t.number() != (next++)->number()) return false;
    return next == texts.end();
}

std::uint64_t tokens_of(const failed_text& text) {
    std::uint64_t sum = 0;
    for (const auto& r : text.requests)
        sum += r.asked.input_tokens;
    return sum;
}

// In order, each of at most so many tokens, or of one text; 0: all in one.
std::vector<std::vector<failed_text>> split(std::vector<failed_text> texts, std::uint64_t tokens) {
    std::vector<std::vector<failed_text>> pieces;
    std::uint64_t filled = 0;
    for (auto& t : texts) {
        const auto wanted = tokens_of(t);
        if (pieces.empty() || (tokens > 0 && filled + wanted > tokens)) {
            pieces.emplace_back();
            filled = 0;
        }
        filled += wanted;
        pieces.back().push_back(std::move(t));
    }
    return pieces;
}

// Copies the texts' lines from one request file into another. Returns its SHA-256, and fills in the places.
// Errors: not_found where the file is lost, or is not what was sent.
result<std::string> copy_lines(const std::filesystem::path& from, const std::string& sha256,
                               const std::filesystem::path& to, std::vector<failed_text>& texts) {
    if (!std::filesystem::exists(from)) return error{errc::not_found, "its request file is lost"};
    const auto there = hash_file(from);
    if (!there) return there.error();
    if (*there != sha256) return error{errc::not_found, "its request file was changed since it was sent"};
    spool_writer writer(to);
    for (auto& text : texts)
        for (auto& r : text.requests) {
            const auto line = read_range(from, r.asked.file_offset, r.asked.file_length);
            if (!line) return line.error();
            r.asked.file_offset = writer.size();
            writer.append(*line);
        }
    return writer.finish();
}

file_totals totals_of(const std::vector<failed_text>& texts, const job_plan& before) {
    file_totals t;
    for (const auto& text : texts)
        for (const auto& r : text.requests) {
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

const failed_request& failed_text::cause() const {
    const auto rank = [](const failed_request& r) {
        return is_permanent(r) ? 0 : r.how == outcome::cancelled ? 1 : 2;
    };
    return *std::ranges::min_element(requests, {}, rank);
}

boost::asio::awaitable<result<bool>> run_settler::settle(std::int64_t run_id) {
    // Jobs may end while one is settled; the last pass finds nothing to do, and suspends nowhere. It comes:
    // a job that was settled has no open rows, and what is sent again are jobs that have not ended.
    for (bool again = true; again;) {
        again = false;
        for (const auto& job : ledger_.jobs().of_run(run_id)) {
            if (!job::has_ended(job.state) || ledger_.requests().open_rows(job.id) == 0) continue;
            const auto settled = co_await settle_job(run_id, job.id);
            if (!settled) co_return settled.error();
            again = true;
        }
    }
    const bool all_ended = ledger_.jobs().open_in_run(run_id) == 0;
    if (all_ended) ledger_.requests().drop_parts_of_run(run_id); // of texts whose last job was cancelled
    co_return all_ended;
}

run_settler::verdicts run_settler::judge(const run_row& run, const job_row& job) {
    verdicts v;
    const bool is_outlived = job.created_ms <= ledger_.outlived_ms();
    auto committed =
        ledger_.spent_of_run(run.id) + ledger_.unproven_of_run(run.id) + ledger_.jobs().open_bound(run.id);
    auto left = left_to_spend(ledger_, budget_, job.plan.kind, clock_.now_ms());
    for (auto& t : by_text(ledger_.requests().failed(job.id))) {
        if (!may_go_on(run, job) || (cut_to(job) == 0 && !t.worth_another_try())) {
            v.given_up.push_back(std::move(t));
        } else if (is_outlived || ledger_.requests().is_asked_elsewhere(job.id, t.number())) {
            v.elsewhere.push_back(std::move(t));
        } else if (committed + t.bound() > run.limit || (left && t.bound() > *left)) {
            v.not_covered.push_back(std::move(t));
        } else {
            committed += t.bound();
            if (left) *left -= t.bound();
            v.again.push_back(std::move(t));
        }
    }
    return v;
}

boost::asio::awaitable<result<void>> run_settler::settle_job(std::int64_t run_id, std::int64_t job_id) {
    std::vector<copied_file> copied;
    std::string lost; // why its requests cannot be copied
    for (;;) {
        // Read and judged anew after every wait: a cancel may have come meanwhile, or another job's bill.
        const auto job = ledger_.jobs().find(job_id).value();
        auto v = judge(ledger_.runs().find(run_id).value(), job);
        if (!v.again.empty() && ledger_.chores().is_owed(chore::find_unknown))
            co_return why_not_send(ledger_).value(); // what another life sent again is not known yet
        if (!lost.empty()) v.unreadable = std::exchange(v.again, {});
        if (!holds_just(copied, v.again) && !v.again.empty()) {
            co_await drop(copied);
            auto files = co_await copy(job, v.again);
            if (!files && files.error().code != errc::not_found) co_return files.error();
            if (files)
                copied = std::move(*files);
            else
                lost = files.error().detail;
            continue;
        }
        if (v.again.empty()) co_await drop(copied);
        for (const auto next : write_down(job, v, copied, lost))
            log_built(*ledger_.jobs().find(next));
        co_return result<void>{};
    }
}

// Files that no job will have.
boost::asio::awaitable<void> run_settler::drop(std::vector<copied_file>& files) {
    if (!files.empty())
        co_await on_pool(pool_, [&] {
            for (const auto& f : files)
                spool_.remove_files(f.plan.file_name, std::nullopt);
        });
    files.clear();
}

boost::asio::awaitable<result<std::vector<run_settler::copied_file>>> run_settler::copy(
    job_row job, std::vector<failed_text> texts) {
    const auto tokens = cut_to(job);
    std::vector<copied_file> files;
    for (auto& piece : split(std::move(texts), tokens)) {
        copied_file file{job.plan, std::move(piece)};
        auto& plan = file.plan;
        if (tokens == 0) ++plan.attempt;
        plan.file_name = fmt::format("{}{}-{}.{}{}.requests.jsonl", request_file_prefix(plan.run_id),
                                     name(plan.kind), job_name(job.id), plan.attempt,
                                     tokens > 0 ? fmt::format("-{}", files.size() + 1) : "");
        files.push_back(std::move(file));
    }
    const auto from = spool_.request_file(job.plan.file_name);
    for (auto& file : files) {
        const auto to = spool_.request_file(file.plan.file_name);
        const auto sha =
            co_await on_pool(pool_, [&] { return copy_lines(from, job.plan.file_sha256, to, file.texts); });
        if (!sha) {
            auto why = sha.error();
            co_await drop(files);
            co_return why;
        }
        file.plan.file_sha256 = *sha;
        file.plan.totals = totals_of(file.texts, job.plan);
    }
    co_return files;
}

// Returns the jobs that send again.
std::vector<std::int64_t> run_settler::write_down(const job_row& job, const verdicts& v,
                                                  const std::vector<copied_file>& files,
                                                  const std::string& lost) {
    std::vector<std::int64_t> next_jobs;
    auto all_at_once = ledger_.begin();
    for (const auto& file : files)
        next_jobs.push_back(resend(job, file));
    for (const auto& t : v.given_up)
        give_up(job, t);
    for (const auto& t : v.not_covered) {
        for (const auto& r : t.requests)
            ledger_.requests().count_unsent(job.id, r.how);
        leave(job, t, "the budget does not cover it");
    }
    for (const auto& t : v.elsewhere)
        leave(job, t,
              "another batch may have the answer: one that was adopted, or one of a ledger that is lost");
    for (const auto& t : v.unreadable)
        leave(job, t, lost);
    close_rest(job);
    all_at_once.commit();
    return next_jobs;
}

// Within the caller's transaction: a row is in flight in the old job or in the new one, never in both or
// neither.
std::int64_t run_settler::resend(const job_row& job, const copied_file& file) {
    const auto now = clock_.now_ms();
    auto plan = file.plan;
    const auto id = ledger_.jobs().create(plan, job.wishes.until, now);
    std::uint64_t rows = 0;
    std::int64_t number = 0;
    for (const auto& t : file.texts) {
        const auto text = number; // that of its first request
        for (const auto& r : t.requests) {
            ledger_.requests().count_resent(job.id, r.how);
            auto again = r.asked;
            again.number = number++;
            again.text = text;
            ledger_.requests().add(id, again);
        }
        const auto keys = ledger_.requests().rows_of_text(job.id, t.number());
        ledger_.requests().mark_resent(job.id, t.number());
        for (const auto& [key, authority] : keys)
            ledger_.requests().add_row(id, plan.target, plan.kind, {text, key, authority});
        rows += keys.size();
    }
    plan.row_count = rows;
    ledger_.jobs().set_plan(id, plan);
    ledger_.jobs().postpone(*ledger_.jobs().find(id), {now, 0, ""}, now); // due
    return id;
}

// Quarantined is what would fail again, or did three times.
void run_settler::give_up(const job_row& job, const failed_text& t) {
    const auto& cause = t.cause();
    const bool tries_used = job.plan.attempt >= max_tries && cause.how != outcome::cancelled;
    if (is_permanent(cause) || tries_used)
        for (const auto& [key, authority] : ledger_.requests().rows_of_text(job.id, t.number()))
            ledger_.quarantine().put({job.plan.target, job.plan.kind, key, job.plan.version, t.hash(), job.id,
                                      cause.how, cause.reason, job.plan.attempt, clock_.now_ms(), authority});
    ledger_.requests().end_rows_of_text(job.id, t.number(), cause.how, cause.reason);
    ledger_.requests().drop_parts(job.plan.run_id, t.hash());
}

void run_settler::leave(const job_row& job, const failed_text& t, const std::string& why) {
    const auto& cause = t.cause();
    ledger_.requests().end_rows_of_text(job.id, t.number(), cause.how,
                                        fmt::format("{}; not sent again: {}", cause.reason, why));
    ledger_.requests().drop_parts(job.plan.run_id, t.hash());
}

// No rule leads here. A row that no failed request accounts for would keep the run open for ever.
void run_settler::close_rest(const job_row& job) {
    const auto closed = ledger_.requests().end_open_rows(
        job.id, outcome::invalid, "its request did not fail, and yet the row was left without an outcome");
    if (closed > 0)
        log_job(log::level::critical, job,
                fmt::format("{} rows had no outcome although none of their requests failed: they end as "
                            "invalid, and the next run takes them. Please report this",
                            closed));
}

} // namespace enrichd

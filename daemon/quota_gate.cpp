// SPDX-License-Identifier: Apache-2.0
#include "daemon/quota_gate.hpp"

#include "core/iso_time.hpp"
#include "core/json_edge.hpp"
#include "core/quota_message.hpp"
#include "core/schedule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

namespace enrichd {

namespace {

constexpr std::int64_t hour_ms = 3'600'000;
constexpr std::int64_t longest_look_ms = hour_ms / 4; // a wake-up that is lost costs no more
constexpr std::int64_t stuck_after = 2;               // refusals in a row with nothing in the queue
constexpr std::int64_t other_count_after = 3;         // of these; then less of the limit is used
constexpr std::int64_t least_percent = 12;            // of it: halved three times
constexpr std::int64_t other_count_for_ms = 24 * hour_ms;
constexpr std::size_t longest_words = 300;

// "2,000,000"
std::string grouped(std::uint64_t n) {
    auto digits = std::to_string(n);
    for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
        digits.insert(static_cast<std::size_t>(at), ",");
    return digits;
}

std::optional<std::uint64_t> configured(const quota_config& c, kind k) {
    return k == kind::summaries ? c.summaries_tokens : c.embeddings_tokens;
}

std::optional<queue_limit> of_table(const quota_config& c, const model& m) {
    if (!c.tier || *c.tier > m.enqueued_tokens.size()) return std::nullopt;
    return queue_limit{m.enqueued_tokens[*c.tier - 1], 0, fmt::format("the table's for tier {}", *c.tier)};
}

std::optional<queue_limit> find_limit(const std::optional<quota_row>& row, const quota_config& c,
                                      const model& m) {
    const auto own = configured(c, m.kind);
    if (row && row->tokens && (!own || *row->tokens < *own))
        return queue_limit{*row->tokens, 0,
                           fmt::format("the provider's own, told {}", format_iso_time(row->told_ms))};
    if (own) return queue_limit{*own, 0, fmt::format("[quota] {}_tokens", name(m.kind))};
    return of_table(c, m);
}

waiting wait(const job_row& job, std::optional<std::int64_t> due_ms, std::string why) {
    return {due_ms, job.waiting.failures, std::move(why), errc::queue_full, job.waiting.signs};
}

// A wait that the scheduler may cut short: what another job's end moves on is looked at now and then anyway.
std::int64_t next_look(std::int64_t now_ms) {
    return now_ms + longest_look_ms;
}

} // namespace

std::optional<queue_limit> limit_of_queue(ledger& l, const quota_config& c, const model& m) {
    const auto row = l.quotas().find(m.name);
    auto limit = find_limit(row, c, m);
    if (!limit) return limit;
    const auto percent = row ? static_cast<std::uint64_t>(row->percent) : 100;
    limit->used =
        std::max<std::uint64_t>(1, limit->tokens / 100 * percent + limit->tokens % 100 * percent / 100);
    if (percent < 100)
        limit->source +=
            fmt::format(", of which {} % are used, as the provider counts more than we do", percent);
    return limit;
}

std::optional<std::uint64_t> tokens_of_file(ledger& l, const quota_config& c, const model& m) {
    const auto limit = limit_of_queue(l, c, m);
    if (!limit) return std::nullopt;
    return std::max<std::uint64_t>(1, limit->used / 2);
}

std::vector<std::string> tell_stuck_queues(ledger& l) {
    std::vector<std::string> all;
    for (const auto& q : l.quotas().list()) {
        if (q.refusals < stuck_after || l.quotas().queued(q.model).batches > 0) continue;
        all.push_back(fmt::format(
            "the provider has refused batches of {} {} times since {}, though none of ours is in its queue: "
            "its counter of enqueued tokens is stuck, or others of the organization fill the queue ({}); "
            "tried again at {}",
            q.model, q.refusals, format_iso_time(q.since_ms), q.text, format_iso_time(q.next_ms)));
    }
    return all;
}

std::optional<model> quota_gate::known(const job_plan& plan) const {
    if (!models_) return std::nullopt;
    const auto m = models_->find(plan.model, plan.kind);
    return m ? std::optional(*m) : std::nullopt;
}

queue_room quota_gate::room(const std::string& model, const std::optional<queue_limit>& limit) {
    const auto left = [](std::uint64_t of, std::uint64_t used) { return of > used ? of - used : 0; };
    queue_room r;
    if (limit) r.tokens = left(limit->used, ledger_.quotas().queued(model).tokens);
    if (config_.requests) r.requests = left(*config_.requests, ledger_.quotas().queued().requests);
    return r;
}

quota_gate::verdict quota_gate::judge(const job_row& job, bool creates) {
    const auto m = known(job.plan);
    const auto limit = m ? limit_of_queue(ledger_, config_, *m) : std::nullopt;
    const auto tokens = job.plan.totals.input_tokens;
    if (limit && tokens > limit->used) {
        const auto why = fmt::format("its {} input tokens are more than the queue of {} takes: {} ({})",
                                     grouped(tokens), job.plan.model, grouped(limit->tokens), limit->source);
        if (ledger_.requests().texts(job.id) > 1) return {{}, *tokens_of_file(ledger_, config_, *m), why};
        if (tokens <= limit->tokens) return creates ? judge_creation(job, limit) : verdict{};
        auto hold = wait(job, next_look(clock_.now_ms()), why + "; it is one text, and cannot be cut");
        hold.cause = errc::provider_rejected;
        return {std::move(hold), 0, ""};
    }
    return creates ? judge_creation(job, limit) : verdict{};
}

quota_gate::verdict quota_gate::judge_creation(const job_row& job, const std::optional<queue_limit>& limit) {
    if (auto hold = wait_for_hour(job)) return {std::move(hold), 0, ""};
    if (auto hold = wait_for_queue(job, limit)) return {std::move(hold), 0, ""};
    return {};
}

std::optional<waiting> quota_gate::wait_for_hour(const job_row& job) {
    const auto now = clock_.now_ms();
    const auto oldest = ledger_.quotas().nth_newest_creation(config_.batches_per_hour, now - hour_ms, now);
    if (!oldest) return std::nullopt;
    return wait(job, *oldest + hour_ms + 1,
                fmt::format("{} batches were asked for within an hour, which is the most ([quota] "
                            "batches_per_hour)",
                            grouped(config_.batches_per_hour)));
}

std::optional<waiting> quota_gate::wait_for_queue(const job_row& job,
                                                  const std::optional<queue_limit>& limit) {
    const auto now = clock_.now_ms();
    const auto& model = job.plan.model;
    if (auto row = ledger_.quotas().find(model); row && row->refusals > 0) {
        // A time further off than any wait was set by a clock that ran ahead.
        if (row->next_ms > now && row->next_ms <= now + quota_wait(row->refusals, 1.0).count())
            return wait(job, row->next_ms,
                        fmt::format("the queue of {} is full, as the provider says: {}", model, row->text));
        // One job asks; the others wait for what comes of it.
        row->next_ms = now + quota_wait(row->refusals, 0.5).count();
        ledger_.quotas().put(*row);
    }
    const auto used = ledger_.quotas().queued(model);
    const auto space = room(model, limit);
    // Alone, a single text may take what is not used otherwise.
    if (limit && used.batches == 0 && job.plan.totals.input_tokens > limit->used) return std::nullopt;
    if (admitted(ledger_.quotas().waiting(model, job.id, now), space, now).contains(job.id))
        return std::nullopt;
    if (!limit || (space.requests && job.plan.totals.requests > *space.requests))
        return wait(job, next_look(now),
                    fmt::format("waits for room: {} requests are enqueued, of at most {} ([quota] requests)",
                                grouped(ledger_.quotas().queued().requests), grouped(*config_.requests)));
    return wait(
        job, next_look(now),
        fmt::format("waits for room in the queue of {}: {} batches of ours hold {} of {} tokens ({}), "
                    "and it needs {}",
                    model, used.batches, grouped(used.tokens), grouped(limit->tokens), limit->source,
                    grouped(job.plan.totals.input_tokens)));
}

bool quota_gate::holds_place(const job::state& s) {
    if (const auto* p = std::get_if<job::polling>(&s)) return !has_ended(p->status);
    return std::holds_alternative<job::intent_submit>(s) || std::holds_alternative<job::submit_unknown>(s) ||
           std::holds_alternative<job::submitted>(s);
}

// What is refused again and again though it is alone is more by the provider's count than by ours; or else
// the provider's counter is stuck, and then smaller jobs do no harm.
void quota_gate::use_less(quota_row& row) {
    if (row.percent / 2 < least_percent) return;
    row.percent /= 2;
    row.refusals = 0;
    row.next_ms = 0;
}

// A limit that is told explains a refusal where what we had enqueued passes it: then the queue's own accounts
// hold the job from now on, and no time has to be guessed.
void quota_gate::note_refusal(const job_row& job, const std::string& words, double random) {
    const auto now = clock_.now_ms();
    const auto& model = job.plan.model;
    auto row = ledger_.quotas().find(model).value_or(quota_row{});
    row.model = model;
    if (row.refusals == 0 && now - row.told_ms > other_count_for_ms) row.percent = 100;
    if (const auto told = told_queue_limit(words)) {
        row.tokens = told;
        row.told_ms = now;
    }
    row.text = safe_excerpt(words, longest_words);
    // Its own batch was counted by the provider, and is in no queue any more.
    const auto others = ledger_.quotas().queued(model);
    if (!row.tokens || others.tokens + job.plan.totals.input_tokens <= *row.tokens) {
        if (row.refusals++ == 0) row.since_ms = now;
        row.next_ms = now + quota_wait(row.refusals - 1, random).count();
        if (row.tokens && others.batches == 0 && row.refusals >= other_count_after) use_less(row);
    }
    ledger_.quotas().put(row);
}

void quota_gate::note_taken(const std::string& model) {
    auto row = ledger_.quotas().find(model);
    if (!row || row->refusals == 0) return;
    row->refusals = 0;
    row->next_ms = 0;
    ledger_.quotas().put(*row);
    let_in(model);
}

void quota_gate::note_end(const std::string& model) {
    if (auto row = ledger_.quotas().find(model); row && row->refusals > 0) {
        row->next_ms = clock_.now_ms();
        ledger_.quotas().put(*row);
    }
    let_in(model);
}

void quota_gate::let_in(const std::string& model) {
    const auto now = clock_.now_ms();
    const auto waiting_jobs = ledger_.quotas().waiting(model, 0, now);
    if (waiting_jobs.empty()) return;
    const auto first = ledger_.jobs().find(waiting_jobs.front().job_id).value();
    const auto m = known(first.plan);
    const auto limit = m ? limit_of_queue(ledger_, config_, *m) : std::nullopt;
    for (const auto id : admitted(waiting_jobs, room(model, limit), now)) {
        const auto job = ledger_.jobs().find(id).value();
        auto next = job.waiting;
        next.due_ms = now;
        ledger_.jobs().postpone(job, next, now);
    }
}

void quota_gate::let_in() {
    std::set<std::string> models;
    for (const auto& job : ledger_.jobs().list(true, std::numeric_limits<std::int64_t>::max()))
        if (job.waiting.cause == errc::queue_full) models.insert(job.plan.model);
    for (const auto& model : models)
        let_in(model);
}

} // namespace enrichd

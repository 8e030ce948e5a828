// Operations on jobs.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/operations/live_operations.hpp"

#include "daemon/job_log.hpp"
#include "daemon/operations/job_reply.hpp"
#include "daemon/purchase_gate.hpp"
#include "daemon/spending_limits.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>

namespace enrichd {

using json = nlohmann::json;

namespace {

bool waits_for_submit(const job_row& job) {
    return std::holds_alternative<job::built>(job.state) && job.wishes.until == job::goal::built &&
           job.wishes.cancel == job::cancel_reason::none;
}

bool has_ended_there(const job::state& s) {
    if (const auto* p = std::get_if<job::polling>(&s))
        return has_ended(p->status) && !job::awaits_results(*p);
    return std::holds_alternative<job::fetched>(s) || std::holds_alternative<job::merged>(s);
}

// A batch that goes its way is cancelled, and not given up.
bool may_be_abandoned(const job_row& job) {
    const bool has_batch = job::batch_id(job.state).has_value() && !job::has_ended(job.state);
    return !has_batch || job.waiting.cause || job.wishes.cancel != job::cancel_reason::none;
}

// What waits for a person's word has no schedule of looks any more, and may be looked for at any time.
bool is_watched(const job_row& job) {
    if (!job::batch_id(job.state)) return job::keeps_its_time(job.state) && !job.waiting.due_ms;
    return !has_ended_there(job.state);
}

std::string rebuild_hint(kind k) {
    return fmt::format("rebuild it with: enrichctl build --kind {} --out FILE", name(k));
}
error over_budget(money needed, money committed, money limit) {
    return {errc::over_budget,
            fmt::format("the file and its set may cost {}, and with the {} that the run has spent or "
                        "reserved that is {} over "
                        "the budget of {}; nothing was sent. Build fewer rows (enrichctl build --limit N; "
                        "enrichctl plan tells "
                        "the N that would fit), or raise the budget",
                        display_dollars(needed), display_dollars(committed),
                        display_dollars(needed + committed - limit), display_dollars(limit))};
}

} // namespace

result<job_row> live_operations::job_of_file(enrichd::kind k, const std::string& sha256) {
    auto with_file = parts_.ledger.jobs().with_file(sha256);
    if (with_file.empty())
        return error{
            errc::state_conflict,
            "this is not a request file of this installation, or it was edited since it was built; " +
                rebuild_hint(k)};
    const auto of_kind =
        std::find_if(with_file.begin(), with_file.end(), [&](const job_row& j) { return j.plan.kind == k; });
    if (of_kind == with_file.end())
        return error{errc::state_conflict,
                     fmt::format("--kind {}: the file holds {} (job {})", name(k),
                                 name(with_file.front().plan.kind), job_name(with_file.front().id))};
    // The same rows, built again after a discard, are the same file: the newest that can be submitted counts.
    const auto usable = std::find_if(
        of_kind, with_file.end(), [&](const job_row& j) { return j.plan.kind == k && waits_for_submit(j); });
    return usable != with_file.end() ? *usable : *of_kind;
}

result<void> live_operations::check_budget(const run_row& run, money limit, const std::vector<job_row>& set) {
    money needed;
    for (const auto& job : set)
        needed += job.plan.totals.bound;
    const auto committed = parts_.ledger.spent_of_run(run.id) + parts_.ledger.reserved_of_run(run.id);
    if (committed + needed <= limit) return {};
    return over_budget(needed, committed, limit);
}

result<json> live_operations::submit(enrichd::kind k, std::string sha256, std::optional<money> budget) {
    if (const auto ready = refuse_while_draining(); !ready) return ready.error();
    const auto found = job_of_file(k, sha256);
    if (!found) return found.error();
    const auto& job = *found;
    const auto run = parts_.ledger.runs().find(job.plan.run_id).value();
    std::vector<job_row> set;
    for (auto& other : parts_.ledger.jobs().of_run(run.id))
        if (other.plan.kind == k && other.plan.attempt == job.plan.attempt) set.push_back(std::move(other));

    if (job.wishes.until != job::goal::built)
        return json{
            {"status", "already_submitted"}, {"run_id", run_name(run.id)}, {"jobs", job_objects(set)}};
    if (!waits_for_submit(job))
        return error{errc::state_conflict,
                     fmt::format("job {}, which was built with this file, is {}{}; {}", job_name(job.id),
                                 job::name(job.state),
                                 job::has_ended(job.state) ? "" : " and is to be cancelled",
                                 rebuild_hint(k))};
    if (run.state != run::state::open)
        return error{errc::state_conflict,
                     fmt::format("run {} is {}: its files can be submitted once all of them are built",
                                 run_name(run.id), name(run.state))};
    std::erase_if(set, [](const job_row& j) { return !waits_for_submit(j); });
    const auto limit = budget ? std::min(*budget, run.limit) : run.limit;
    if (const auto covered = check_budget(run, limit, set); !covered) return covered.error();
    std::map<enrichd::kind, money> more;
    for (const auto& j : set)
        more[k] += j.plan.totals.bound;
    if (auto over =
            why_not_reserve(parts_.ledger, parts_.settings().settings->budget, more, parts_.clock.now_ms()))
        return *over;
    return submit_set(run, limit, set);
}

json live_operations::submit_set(const run_row& run, money limit, const std::vector<job_row>& set) {
    auto& l = parts_.ledger;
    {
        auto whole_set = l.begin();
        if (limit < run.limit) l.runs().set_limit(run.id, limit);
        for (const auto& job : set)
            l.jobs().wish(job, {job::goal::fetched, job.wishes.cancel}, "submit_wanted",
                          parts_.clock.now_ms());
        whole_set.commit();
    }
    something_changed();
    json jobs = json::array();
    for (const auto& job : set)
        jobs.push_back(job_object(job.id));
    return {{"status", "submitting"}, {"run_id", run_name(run.id)}, {"jobs", std::move(jobs)}};
}

result<json> live_operations::merge(std::string id, std::optional<enrichd::kind> k) {
    const auto found = find_job(id);
    if (!found) return found.error();
    const auto& job = *found;
    if (k && *k != job.plan.kind)
        return error{errc::state_conflict,
                     fmt::format("job {} holds {}, not {}", job_name(job.id), name(job.plan.kind), name(*k))};
    const auto answer = [&](const char* status, std::uint64_t skipped) {
        return json{
            {"status", status}, {"updated", 0}, {"skipped_count", skipped}, {"job", job_object(job.id)}};
    };
    if (std::holds_alternative<job::merged>(job.state)) return answer("already_merged", job.plan.row_count);
    if (!has_ended_there(job.state))
        return error{
            errc::state_conflict,
            job::has_ended(job.state)
                ? fmt::format("job {} is {}: there are no results to merge", job_name(job.id),
                              job::name(job.state))
                : fmt::format("job {} is {}: its batch has not ended; enrichctl poll {} waits for it",
                              job_name(job.id), job::name(job.state), job_name(job.id))};
    if (job.wishes.until != job::goal::merged) {
        auto with_history = parts_.ledger.begin();
        parts_.ledger.jobs().wish(job, {job::goal::merged, job.wishes.cancel}, "merge_wanted",
                                  parts_.clock.now_ms());
        with_history.commit();
        something_changed();
    }
    return answer("merging", 0);
}

result<json> live_operations::poll(std::string id) {
    const auto found = find_job(id);
    if (!found) return found.error();
    const auto& job = *found;
    const auto answer = [&](const char* status) {
        return json{{"status", status}, {"job", job_object(job.id)}};
    };
    if (job::has_ended(job.state) || has_ended_there(job.state)) return answer("ended");
    // A look for a batch that may or may not exist keeps to its schedule: only time makes its absence
    // certain.
    if (!is_watched(job)) return answer("not_submitted");
    make_due(job);
    something_changed();
    return answer("looking");
}

result<json> live_operations::cancel(std::string id, bool abandon) {
    const auto why = abandon ? job::cancel_reason::abandon : job::cancel_reason::user;
    if (id == "latest" || parse_run_name(id)) {
        const auto run = find_run(id);
        if (!run) return run.error();
        return cancel_run(*run, why);
    }
    const auto found = find_job(id);
    if (!found) return found.error();
    const auto& job = *found;
    if (const auto free = refuse_while_building(job); !free) return free.error();
    if (abandon && !may_be_abandoned(job))
        return error{
            errc::state_conflict,
            fmt::format("job {} is {}, and nothing stands in its way; cancel it first: enrichctl cancel {}. "
                        "--abandon is for what the provider does not end, or has lost",
                        job_name(job.id), job::name(job.state), job_name(job.id))};
    const bool too_late = job::has_ended(job.state) || (has_ended_there(job.state) && !abandon);
    if (!too_late) {
        auto with_history = parts_.ledger.begin();
        wish_to_cancel(job, why, false);
        with_history.commit();
        something_changed();
    }
    return json{{"status", too_late ? "already_ended" : "cancelling"},
                {"run_id", nullptr},
                {"jobs", json::array({job_object(job.id)})}};
}

// Building may begin again, and makes its jobs anew then: a wish of one of them would be forgotten.
result<void> live_operations::refuse_while_building(const job_row& job) {
    const auto run = parts_.ledger.runs().find(job.plan.run_id);
    if (!run || run->state != run::state::building) return {};
    return error{
        errc::state_conflict,
        fmt::format("job {} is of run {}, which is being built; wait until it is, or cancel the run: "
                    "enrichctl cancel {}",
                    job_name(job.id), run_name(run->id), run_name(run->id))};
}

// `merge_too`: what a person was to merge is merged by itself now, so that the run comes to its end.
void live_operations::wish_to_cancel(const job_row& job, job::cancel_reason why, bool merge_too) {
    auto w = job.wishes;
    if (why == job::cancel_reason::abandon ||
        (!has_ended_there(job.state) && w.cancel == job::cancel_reason::none))
        w.cancel = why;
    if (merge_too && w.until == job::goal::fetched) w.until = job::goal::merged;
    if (w == job.wishes) return;
    parts_.ledger.jobs().wish(job, w, why == job::cancel_reason::abandon ? "abandon_asked" : "cancel_asked",
                              parts_.clock.now_ms());
}

json live_operations::cancel_run(const run_row& run, job::cancel_reason why) {
    auto& l = parts_.ledger;
    std::vector<job_row> open;
    for (auto& job : l.jobs().of_run(run.id))
        if (!job::has_ended(job.state)) open.push_back(std::move(job));
    const bool too_late = run::has_ended(run.state);
    if (!too_late) {
        const auto now = parts_.clock.now_ms();
        auto all_at_once = l.begin();
        l.runs().want_cancel(run.id, now);
        // A run that is still being built drops its jobs itself.
        if (run.state == run::state::open)
            for (const auto& job : open)
                wish_to_cancel(job, may_be_abandoned(job) ? why : job::cancel_reason::user, true);
        l.runs().postpone(run.id, {now, 0, ""}, now);
        all_at_once.commit();
        something_changed();
    }
    json jobs = json::array();
    for (const auto& job : open)
        jobs.push_back(job_object(job.id));
    return {{"status", too_late ? "already_ended" : "cancelling"},
            {"run_id", run_name(run.id)},
            {"jobs", std::move(jobs)}};
}

result<json> live_operations::discard(std::string id) {
    const auto found = find_job(id);
    if (!found) return found.error();
    const auto& job = *found;
    if (const auto free = refuse_while_building(job); !free) return free.error();
    if (std::holds_alternative<job::discarded>(job.state))
        return json{{"status", "already_discarded"}, {"job", job_object(job.id)}};
    if (!waits_for_submit(job) || parts_.in_turn(job.id))
        return error{
            errc::state_conflict,
            fmt::format("job {} is {}{}; only what was built and waits for submit can be discarded{}",
                        job_name(job.id), job::name(job.state),
                        job::has_ended(job.state) ? "" : ", on its way to the provider",
                        job::has_ended(job.state) ? ""
                                                  : "; stop it with: enrichctl cancel " + job_name(job.id))};
    const auto now = parts_.clock.now_ms();
    const job_change change{
        job::discarded{}, std::string(job::event::name(job::event::discard_wanted{})), "", {}, false};
    {
        auto all_at_once = parts_.ledger.begin();
        if (const auto recorded = parts_.ledger.jobs().record(job, change, now); !recorded)
            return recorded.error();
        parts_.ledger.requests().end_all(job.id, outcome::cancelled, "discarded");
        parts_.ledger.runs().postpone(job.plan.run_id, {now, 0, ""}, now); // it may be done now
        all_at_once.commit();
    }
    log_transition(job, change);
    something_changed();
    return json{{"status", "discarded"}, {"job", job_object(job.id)}};
}

result<json> live_operations::retry(std::string id) {
    const auto found = find_job(id);
    if (!found) return found.error();
    const auto& job = *found;
    const bool waits = !job::has_ended(job.state) && job.waiting.cause;
    if (waits) {
        if (is_held_at_gate(job.waiting)) look_now();
        make_due(job);
        something_changed();
    }
    return json{{"status", waits ? "retrying" : "not_waiting"}, {"job", job_object(job.id)}};
}

} // namespace enrichd

// SPDX-License-Identifier: Apache-2.0
#include "daemon/operations/status_reply.hpp"

#include "core/iso_time.hpp"
#include "core/json_edge.hpp"
#include "daemon/operations/error_object.hpp"
#include "daemon/operations/job_story.hpp"
#include "daemon/operations/run_reply.hpp"
#include "daemon/purchase_gate.hpp"
#include "daemon/quota_gate.hpp"
#include "daemon/spending_limits.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <variant>

namespace enrichd {

namespace {

using json = nlohmann::json;

constexpr std::int64_t ended_runs_shown = 5;
constexpr std::int64_t open_jobs_shown = 100'000;             // all of them
constexpr std::int64_t twins_shown_ms = 7 * 24 * 3'600'000LL; // since they were found

// Worst first.
enum class severity { storage, twin, money, blocked, unknown, waiting, notice };

struct alert {
    severity how_bad{};
    std::int64_t at_ms = 0;
    errc code{};
    std::string message;
    std::string hint;
};

std::string_view name(daemon_state s) {
    switch (s) {
    case daemon_state::starting: return "starting";
    case daemon_state::running: return "running";
    case daemon_state::draining: return "draining";
    }
    return "";
}

bool is_of_provider(errc code) {
    return code == errc::provider_rejected || code == errc::provider_unauthorized ||
           code == errc::provider_busy || code == errc::provider_ambiguous || code == errc::provider_invalid;
}

bool is_of_target(errc code) {
    return code == errc::target_blocked || code == errc::target_unavailable;
}

// What stands in the way of jobs, one alert for each cause.
void add_job_alerts(const std::vector<job_row>& open, std::vector<alert>& into) {
    for (const auto& job : open) {
        const auto story = tell(job, false, std::nullopt);
        const auto since = job.waiting_since_ms.value_or(job.changed_ms);
        if (story.blocked) {
            const auto same = std::find_if(into.begin(), into.end(), [&](const alert& a) {
                return a.message == story.blocked->message;
            });
            if (same != into.end()) continue;
            into.push_back({needs_person(story.blocked->code) ? severity::blocked : severity::waiting, since,
                            story.blocked->code, story.blocked->message, story.blocked->hint});
        } else if (std::holds_alternative<job::submit_unknown>(job.state)) {
            into.push_back({story.held ? severity::blocked : severity::unknown, since,
                            errc::provider_ambiguous, fmt::format("job {}: {}", job_name(job.id), story.why),
                            story.held ? story.next : "enrichctl job " + job_name(job.id)});
        }
    }
}

void add_run_alerts(ledger& l, const std::vector<run_row>& runs, std::vector<alert>& into) {
    for (const auto& run : runs) {
        const auto spent = l.spent_of_run(run.id);
        if (spent > run.limit)
            into.push_back(
                {severity::money, run.changed_ms, errc::over_budget,
                 fmt::format("run {} cost {}, over its limit of {}: the provider billed more than the "
                             "upper bound of what was sent",
                             run_name(run.id), display_dollars(spent), display_dollars(run.limit)),
                 "check the prices of the model ([provider] models_file)"});
        if (run.waiting.cause == errc::unknown_batches) continue; // an alert of its own
        const bool building = run.state == run::state::requested || run.state == run::state::building;
        if (building && run.waiting.cause)
            into.push_back({needs_person(*run.waiting.cause) ? severity::blocked : severity::waiting,
                            run.changed_ms, *run.waiting.cause,
                            fmt::format("run {}: {}", run_name(run.id), run.waiting.reason), ""});
    }
}

// What is used up refuses every new run until its day or month is over.
void add_limit_alerts(ledger& l, const budget_config& budget, std::int64_t now_ms, std::vector<alert>& into) {
    for (const auto& limit : spending_limits(l, budget, now_ms)) {
        if (limit.left() > money{}) continue;
        into.push_back(
            {severity::money, now_ms, errc::over_budget,
             fmt::format("[budget] {} = {} is used up ({} spent, {} may have been billed, {} reserved): "
                         "nothing new is bought until {}",
                         limit.key, display_dollars(limit.limit), display_dollars(limit.out.spent),
                         display_dollars(limit.out.unproven), display_dollars(limit.out.reserved),
                         format_iso_time(limit.until_ms)),
             "enrichctl budget; to buy more before that, raise it and: systemctl reload enrichd"});
    }
}

// Paid twice, or nearly: said for some days, whatever became of the job.
void add_twin_alerts(ledger& l, std::int64_t now_ms, std::vector<alert>& into) {
    for (const auto& t : l.twins().found_since(now_ms - twins_shown_ms)) {
        auto message = fmt::format(
            "more than one batch was made for job {}: {} beside {}; it is {}, with {} requests done",
            job_name(t.job_id), t.batch_id, t.kept_batch.empty() ? "none" : t.kept_batch, t.status,
            t.completed);
        if (t.cost > money{}) message += fmt::format(", and cost {}", display_dollars(t.cost));
        if (t.unproven > money{})
            message += fmt::format(", and may have cost up to {}", display_dollars(t.unproven));
        into.push_back({severity::twin, t.found_ms, errc::provider_ambiguous, std::move(message),
                        "enrichctl job " + job_name(t.job_id)});
    }
}

void add_unknown_alert(ledger& l, std::vector<alert>& into) {
    const auto unknown = l.unknown().list();
    if (unknown.empty()) return;
    into.push_back({severity::blocked, unknown.front().found_ms, errc::unknown_batches,
                    tell_unknown(l.installation(), unknown), "enrichctl adopt"});
}

std::vector<alert> find_alerts(ledger& l, const std::vector<job_row>& open, const std::vector<run_row>& runs,
                               const budget_config& budget, std::int64_t now_ms) {
    std::vector<alert> all;
    add_twin_alerts(l, now_ms, all);
    add_limit_alerts(l, budget, now_ms, all);
    add_unknown_alert(l, all);
    for (auto& message : tell_stuck_queues(l))
        all.push_back({severity::waiting, now_ms, errc::queue_full, std::move(message),
                       "wait, or ask the provider to reset it; to ask at once: enrichctl retry JOB"});
    add_job_alerts(open, all);
    add_run_alerts(l, runs, all);
    if (const auto n = l.quarantine().count(); n > 0)
        all.push_back({severity::notice, now_ms, errc::state_conflict,
                       fmt::format("{} rows are quarantined: they are not sent again by themselves", n),
                       "enrichctl quarantine list"});
    if (l.paused())
        all.push_back(
            {severity::notice, now_ms, errc::state_conflict, "submitting is paused", "enrichctl resume"});
    std::stable_sort(all.begin(), all.end(),
                     [](const alert& a, const alert& b) { return a.how_bad < b.how_bad; });
    return all;
}

std::optional<alert> storage_alert(const operation_parts& parts) {
    if (!parts.storage || !parts.storage->trouble()) return std::nullopt;
    const auto& t = *parts.storage->trouble();
    return alert{severity::storage, t.since_ms, t.why.code,
                 "nothing is done, as nothing can be recorded: " + t.why.detail, ""};
}

json alert_array(const std::vector<alert>& alerts) {
    json all = json::array();
    for (const auto& a : alerts) {
        auto object = error_object(a.code, a.message, a.hint);
        object["at_ms"] = a.at_ms;
        all.push_back(std::move(object));
    }
    return all;
}

json first_error(const std::vector<alert>& alerts, bool (*is_of_it)(errc)) {
    for (const auto& a : alerts)
        if ((a.how_bad == severity::blocked || a.how_bad == severity::waiting) && is_of_it(a.code))
            return error_object(a.code, a.message, a.hint);
    return nullptr;
}

// Queues of models that something of ours is in, or waits for.
json queue_array(ledger& l, const std::vector<job_row>& open, const build_settings& with) {
    std::map<std::string, std::pair<enrichd::kind, std::int64_t>> waiting;
    for (const auto& job : open) {
        auto& [k, n] = waiting[job.plan.model];
        k = job.plan.kind;
        if (job.waiting.cause == errc::queue_full) ++n;
    }
    json all = json::array();
    for (const auto& [name, about] : waiting) {
        const auto held = l.quotas().queued(name);
        if (held.batches == 0 && about.second == 0) continue;
        const auto m = with.models->find(name, about.first);
        const auto limit = m ? limit_of_queue(l, with.settings->quota, *m) : std::nullopt;
        all.push_back({{"model", name},
                       {"batches", held.batches},
                       {"tokens", held.tokens},
                       {"requests", held.requests},
                       {"limit_tokens", limit ? json(limit->tokens) : json(nullptr)},
                       {"limit_source", limit ? json(limit->source) : json(nullptr)},
                       {"jobs_waiting", about.second}});
    }
    return all;
}

json state_counts(ledger& l) {
    json counts = json::object();
    for (const char* state :
         {"built", "intent_upload", "uploaded", "intent_submit", "submit_unknown", "submitted", "polling",
          "fetched", "merged", "failed", "cancelled", "discarded"})
        counts[state] = 0;
    for (const auto& [state, n] : l.jobs().count_by_state())
        counts[state] = n;
    return counts;
}

json earliest(const std::vector<job_row>& jobs, const std::vector<run_row>& runs) {
    std::optional<std::int64_t> next;
    const auto consider = [&](const std::optional<std::int64_t>& due) {
        if (due) next = std::min(next.value_or(*due), *due);
    };
    for (const auto& job : jobs)
        consider(job.waiting.due_ms);
    for (const auto& run : runs)
        consider(run.waiting.due_ms);
    return next ? json(*next) : json(nullptr);
}

} // namespace

json status_reply(const operation_parts& parts) {
    auto& l = parts.ledger;
    const auto with = parts.settings();
    const auto open = l.jobs().list(true, open_jobs_shown);
    const auto open_runs = l.runs().list_open();
    auto runs = open_runs;
    for (auto& ended : l.runs().list_ended(ended_runs_shown))
        runs.push_back(std::move(ended));
    auto alerts = find_alerts(l, open, runs, with.settings->budget, parts.clock.now_ms());
    const auto storage = storage_alert(parts);
    if (storage) alerts.insert(alerts.begin(), *storage);
    const auto money = l.totals();

    run_reply reply(l, parts.spool, with.settings->poll.deadline_hours);
    json run_objects = json::array();
    for (const auto& run : runs)
        run_objects.push_back(reply.object(run, false));
    return {
        {"state", name(parts.state())},
        {"paused", l.paused()},
        {"pid", parts.pid},
        {"started_ms", parts.started_ms},
        {"state_directory", with.settings->state_directory},
        {"config_file", parts.config_file.empty() ? json(nullptr) : json(parts.config_file)},
        {"provider",
         {{"base_url", with.settings->provider.base_url}, {"error", first_error(alerts, is_of_provider)}}},
        {"target", {{"identity", with.database->identity()}, {"error", first_error(alerts, is_of_target)}}},
        {"storage_error", storage ? alert_array({*storage}).front() : json(nullptr)},
        {"jobs", state_counts(l)},
        {"runs", std::move(run_objects)},
        {"queues", queue_array(l, open, with)},
        {"quarantined", l.quarantine().count()},
        {"unknown_batches", l.unknown().list().size()},
        {"money",
         {{"reserved_usd", exact_dollars(money.reserved)}, {"spent_usd", exact_dollars(money.spent)}}},
        {"next_due_ms", earliest(open, open_runs)},
        {"alerts", alert_array(alerts)},
    };
}

} // namespace enrichd

// Operations on runs, and on all that is under way.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/operations/live_operations.hpp"

#include "daemon/job_log.hpp"
#include "daemon/operations/run_reply.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>

namespace enrichd {

using json = nlohmann::json;

void live_operations::something_changed() {
    parts_.changes.bump();
    parts_.wake();
}

// Failures are forgotten: a person says that something has changed. In a turn, the turn itself decides.
void live_operations::make_due(const job_row& job) {
    const auto now = parts_.clock.now_ms();
    if (!parts_.in_turn(job.id)) parts_.ledger.jobs().postpone(job, {now, 0, ""}, now);
}

// For batches that the ledger does not know, if that is owed: jobs wait for it.
void live_operations::look_now() {
    auto look = parts_.ledger.chores().find(chore::find_unknown);
    if (!look) return;
    look->due_ms = parts_.clock.now_ms();
    parts_.ledger.chores().owe(*look);
}

result<void> live_operations::refuse_while_draining() const {
    if (parts_.state() != daemon_state::draining) return {};
    return error{errc::unavailable, "enrichd is shutting down; what is under way goes on at its next start"};
}

std::optional<error> live_operations::cannot_write() {
    return parts_.storage ? parts_.storage->refusal() : std::nullopt;
}

// A transaction that found no room left nothing behind. One of which the sync failed may be there when the
// ledger is opened anew.
std::optional<error> live_operations::explain(const std::exception_ptr& failed) {
    if (!parts_.storage || !parts_.storage->suspect(failed)) return std::nullopt;
    if (!parts_.ledger.is_broken()) return parts_.storage->refusal();
    const auto& why = parts_.storage->trouble()->why;
    return error{why.code,
                 fmt::format("whether this was recorded is not known: look at enrichctl status once "
                             "work goes on, before you try it again; {}",
                             why.detail)};
}

result<json> live_operations::accept(run_order order, job::goal until) {
    if (const auto ready = refuse_while_draining(); !ready) return ready.error();
    if (order.kinds.empty()) order.kinds.assign(std::begin(all_kinds), std::end(all_kinds));
    const auto limit = limit_of(order, parts_.settings().settings->budget);
    std::int64_t id = 0;
    {
        auto with_history = parts_.ledger.begin();
        id = parts_.ledger.runs().create(until, to_json(order), limit, parts_.clock.now_ms());
        with_history.commit();
    }
    log_run(log::level::info, id, fmt::format("requested, limit {}", display_dollars(limit)));
    something_changed();
    return json{{"status", "accepted"},
                {"run", run_reply(parts_.ledger, parts_.spool, deadline_hours())
                            .object(parts_.ledger.runs().find(id).value(), true)}};
}

result<json> live_operations::start_run(run_order order) {
    return accept(std::move(order), job::goal::merged);
}

result<json> live_operations::build(run_order order) {
    return accept(std::move(order), job::goal::built);
}

result<json> live_operations::pause() {
    if (parts_.ledger.paused()) return json{{"status", "already_paused"}};
    parts_.ledger.set_paused(true);
    something_changed();
    return json{{"status", "paused"}};
}

result<json> live_operations::resume() {
    if (!parts_.ledger.paused()) return json{{"status", "already_running"}};
    const auto now = parts_.clock.now_ms();
    auto& l = parts_.ledger;
    {
        auto all_at_once = l.begin();
        l.set_paused(false);
        for (const auto& job : l.jobs().list(true, 100'000))
            if (job.waiting.reason == "paused") l.jobs().postpone(job, {now, 0, ""}, now);
        for (const auto& run : l.runs().list_open())
            if (run.waiting.reason == "paused") l.runs().postpone(run.id, {now, 0, ""}, now);
        all_at_once.commit();
    }
    something_changed();
    return json{{"status", "running"}};
}

result<json> live_operations::quarantine_release(std::vector<std::string> keys, bool all) {
    auto& quarantine = parts_.ledger.quarantine();
    std::int64_t released = 0;
    {
        auto all_or_nothing = parts_.ledger.begin();
        if (all)
            released = quarantine.release_all();
        else {
            std::sort(keys.begin(), keys.end());
            keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
            for (const auto& key : keys) {
                const auto n = quarantine.release(key);
                if (n == 0)
                    return error{
                        errc::not_found,
                        fmt::format("no row with the key {} is quarantined; nothing was released", key)};
                released += n;
            }
        }
        all_or_nothing.commit();
    }
    something_changed();
    return json{{"status", "released"}, {"released", released}};
}

} // namespace enrichd

// Operations on batches that the ledger does not know.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/operations/live_operations.hpp"
#include "daemon/purchase_gate.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace enrichd {

using json = nlohmann::json;

namespace {

std::string what_adopting_does(const unknown_batch& b) {
    if (b.is_bill) return "it names no file of results: what it cost is booked";
    return has_ended(b.batch.status) ? "its results are fetched and merged"
                                     : "it is polled until it ends, then its results are merged";
}

std::string note_on(const unknown_batch& b, bool let_go) {
    if (!b.obstacle.empty()) return b.obstacle;
    return (let_go ? "it was let go; adopted, " : "") + what_adopting_does(b);
}

json unknown_object(const unknown_batch& b, const std::string& installation, const std::string& mark,
                    bool let_go) {
    const auto& label = b.label;
    return {{"batch_id", b.batch.id},
            {"kind", label.kind ? json(name(*label.kind)) : json(nullptr)},
            {"value_version", label.version},
            {"created_ms", b.batch.created_at * 1000},
            {"batch_status", b.batch.status_word},
            {"requests", b.batch.total},
            {"installation", label.installation},
            {"is_ours", label.installation == installation},
            {"same_target", label.target == mark},
            {"can_adopt", b.obstacle.empty()},
            {"let_go", let_go},
            {"note", note_on(b, let_go)}};
}

} // namespace

live_operations::awaitable<result<json>> live_operations::adoptable() {
    const auto with = parts_.settings();
    const auto waited_for = parts_.ledger.unknown().list().size();
    const auto found = co_await parts_.adoptions.list(with);
    if (!found) co_return found.error();
    if (parts_.ledger.unknown().list().size() < waited_for) something_changed();
    const auto identity = with.database->identity();
    const auto& installation = parts_.ledger.installation();
    json batches = json::array();
    for (const auto& b : found->batches) {
        const auto known = parts_.ledger.unknown().find(b.batch.id);
        batches.push_back(unknown_object(b, installation, target_mark(identity), known && known->let_go));
    }
    co_return json{{"installation", installation},
                   {"target", identity},
                   {"batches", std::move(batches)},
                   {"warnings", found->warnings}};
}

live_operations::awaitable<result<json>> live_operations::adopt(std::string batch_id) {
    if (const auto ready = refuse_while_draining(); !ready) co_return ready.error();
    const auto done = co_await parts_.adoptions.adopt(std::move(batch_id), parts_.settings());
    if (!done) { // what waited for a batch that is not to be had goes on too
        something_changed();
        co_return done.error();
    }
    if (!done->was_known) something_changed();
    const auto job = parts_.ledger.jobs().find(done->job_id).value();
    json unsent = json::array();
    for (const auto id : done->unsent)
        unsent.push_back(job_name(id));
    const auto* status = done->was_known ? "already_known" : done->only_booked ? "booked" : "adopted";
    co_return json{{"status", status},
                   {"run_id", run_name(job.plan.run_id)},
                   {"requests", done->requests},
                   {"rows", done->rows},
                   {"in_flight", done->in_flight},
                   {"unsent_jobs", std::move(unsent)},
                   {"unmatched", done->unmatched},
                   {"from_answers", done->from_answers},
                   {"job", job_object(job.id)}};
}

result<json> live_operations::leave(std::string batch_id) {
    auto& l = parts_.ledger;
    if (const auto job = l.jobs().find_batch(batch_id))
        return error{errc::state_conflict,
                     fmt::format("batch {} is not unknown: it is of job {}", batch_id, job_name(job->id))};
    const auto unknown = l.unknown().find(batch_id);
    if (!unknown)
        return error{errc::not_found,
                     fmt::format("nothing waits for a batch {}: the look at the last start did "
                                 "not find it",
                                 batch_id)};
    if (!unknown->let_go) {
        auto all_or_nothing = l.begin();
        l.unknown().let_go(*unknown);
        release_held(l, parts_.clock.now_ms());
        all_or_nothing.commit();
        something_changed();
    }
    return json{{"status", unknown->let_go ? "already_let_go" : "let_go"}, {"batch_id", batch_id}};
}

} // namespace enrichd

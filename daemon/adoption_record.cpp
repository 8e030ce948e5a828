// SPDX-License-Identifier: Apache-2.0
#include "daemon/adoption_record.hpp"

#include "core/run_order.hpp"
#include "core/run_summary.hpp"
#include "daemon/bill.hpp"
#include "daemon/job_log.hpp"
#include "daemon/purchase_gate.hpp"
#include "daemon/remote_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <utility>

namespace enrichd {

namespace {

// The idempotency key of its merge. Not the submission's own id, under which the target may know slices that
// another ledger merged: those were cut elsewhere, and held other rows.
std::string merge_key(const ledger& l, const std::string& batch_id, std::int64_t now_ms) {
    return fmt::format("ed1-{}-adopted-{}-{}", l.installation(), batch_id, now_ms);
}

job_plan plan_of(const adoptable& what, std::int64_t run_id) {
    const auto& r = what.made_with;
    job_plan p;
    p.run_id = run_id;
    p.kind = r.kind;
    p.target = what.before.target;
    p.model = r.model.name;
    p.version = r.version;
    p.refresh_legacy = what.label.refresh_legacy;
    p.keep_versions = what.label.keep_versions;
    p.dimensions = r.dimensions;
    p.window = what.window;
    p.file_name = adopted_file_name(what.batch.id);
    p.file_sha256 = what.label.sha256;
    p.totals = what.matched.totals;
    p.max_line_bytes = what.matched.max_line_bytes;
    p.price = r.model.batch;
    return p;
}

const job::event::any dropped = job::event::cancel_wanted{};

// No batch was ever asked for with its file: a run that was built while nobody knew of this batch.
bool is_unsent(const job_row& job) {
    const auto* sent_before = std::get_if<job::uploaded>(&job.state);
    return job.submissions == 0 && !job.maybe_duplicate && job::is_legal(job.state, dropped) &&
           !(sent_before && !sent_before->unused_submission.empty());
}

// Its other rows are for the next run.
result<void> drop_unsent(ledger& l, const job_row& job, const std::string& batch_id, std::int64_t now_ms) {
    const auto why =
        fmt::format("batch {}, which was adopted, has answers for rows of this job: nothing of it "
                    "was sent, and the next run takes what is left",
                    batch_id);
    const auto end = job::apply(job.state, dropped);
    if (!end) return end.error();
    const auto recorded =
        l.jobs().record(job, {*end, std::string(job::event::name(dropped)), why, {}, false}, now_ms);
    if (!recorded) return recorded;
    note_remote_files(l, job, *end, dropped, now_ms);
    l.requests().end_all(job.id, outcome::cancelled, why);
    l.runs().postpone(job.plan.run_id, {now_ms, 0, ""}, now_ms); // it may be done now
    return {};
}

bool asks_the_same(ledger& l, const job_row& job, const adoptable& what) {
    const auto& sent = what.matched.requests;
    return std::any_of(sent.begin(), sent.end(), [&](const auto& request) {
        return l.requests().find(job.id, request.custom_id).has_value();
    });
}

// Those that would buy again what the batch has, or had: its rows may be written by now. They wrote nothing
// themselves: what was read of such a row is as true as of any other.
result<std::vector<std::int64_t>> drop_unsent_jobs(ledger& l, const adoptable& what, std::int64_t now_ms) {
    std::vector<std::int64_t> gone;
    for (const auto& job : l.jobs().list(true, std::numeric_limits<std::int64_t>::max())) {
        if (!is_unsent(job) || !asks_the_same(l, job, what)) continue;
        if (const auto ended = drop_unsent(l, job, what.batch.id, now_ms); !ended) return ended.error();
        gone.push_back(job.id);
    }
    return gone;
}

// There is no waiting between this look and the commit.
std::vector<new_row> rows_of(ledger& l, const adoptable& what, const std::vector<std::int64_t>& unsent,
                             kind_summary& summary) {
    std::vector<new_row> rows;
    for (auto row : what.matched.rows) {
        ++summary.rows.seen;
        ++summary.rows.selected;
        const auto holder = l.flights().holder(what.before, row.key);
        row.beside = holder && std::find(unsent.begin(), unsent.end(), *holder) == unsent.end();
        rows.push_back(std::move(row));
    }
    return rows;
}

// A text's requests count for the authority of the first row that has it, as in a run that is built.
void count_authorities(const adoptable& what, const std::vector<new_row>& rows, kind_summary& summary) {
    std::map<std::int64_t, authority_counts> texts;
    for (const auto& request : what.matched.requests) {
        auto& text = texts[request.text];
        ++text.requests;
        text.input_tokens += request.input_tokens;
        text.bound += request.bound;
    }
    std::set<std::int64_t> seen;
    for (const auto& row : rows) {
        auto& authority = summary.authorities[row.authority];
        ++authority.rows;
        if (!seen.insert(row.text).second) {
            ++summary.rows.identical;
            continue;
        }
        const auto& text = texts[row.text];
        authority.requests += text.requests;
        authority.input_tokens += text.input_tokens;
        authority.bound += text.bound;
    }
}

std::int64_t open_run(ledger& l, const adoptable& what, const run_summary& summary, std::int64_t now_ms) {
    run_order order;
    order.kinds = {what.made_with.kind};
    order.refresh_legacy = what.label.refresh_legacy;
    order.adopted_batch = what.batch.id;
    // Its goal is built: what failed in the batch is not bought again by itself.
    const auto id = l.runs().create(job::goal::built, to_json(order), what.limit, now_ms);
    l.runs().set_summary(id, to_json(summary), now_ms);
    for (const auto& [to, e] : {std::pair(run::state::building, run::event::build_begun),
                                std::pair(run::state::open, run::event::built)})
        l.runs().record(*l.runs().find(id), to, e, "adopted", {}, now_ms).value();
    return id;
}

// Through the states that its batch has seen, so that its history reads like any other's.
result<void> bring_up_to_date(ledger& l, std::int64_t job_id, const adoptable& what, std::int64_t now_ms) {
    const auto& b = what.batch;
    const job::submitted sent{merge_key(l, b.id, now_ms), b.input_file_id, b.id, b.created_at};
    const auto detail =
        fmt::format("{}, made as job {} of installation {}", b.id, what.label.job, what.label.installation);
    const waiting at_once{now_ms, 0, ""};
    const auto adopted =
        l.jobs().record(*l.jobs().find(job_id), {sent, "batch_adopted", detail, at_once, true}, now_ms);
    if (!adopted) return adopted.error();
    const job::event::any seen = job::event::batch_seen{b};
    const auto next = job::apply(sent, seen);
    if (!next) return next.error();
    return l.jobs().record(
        *l.jobs().find(job_id),
        {*next, std::string(job::event::name(seen)), std::string(name(b.status)), at_once, false}, now_ms);
}

// There is nothing to merge, and the whole of the bill is left.
result<void> end_unread(ledger& l, std::int64_t job_id, std::int64_t now_ms) {
    for (const auto& e :
         {job::event::any(job::event::results_fetched{}), job::event::any(job::event::all_merged{})}) {
        const auto row = *l.jobs().find(job_id);
        if (const auto bill = last_bill(row); bill && std::holds_alternative<job::fetched>(row.state))
            l.jobs().settle(job_id, {bill->used, bill->actual}, now_ms);
        const auto next = job::apply(row.state, e);
        if (!next) return next.error();
        const std::string detail = "none: the provider has no file of its answers any more";
        const auto recorded =
            l.jobs().record(row, {*next, std::string(job::event::name(e)), detail, {}, false}, now_ms);
        if (!recorded) return recorded;
    }
    return {};
}

kind_summary summary_of(const adoptable& what) {
    kind_summary summary;
    summary.kind = what.made_with.kind;
    summary.model = what.made_with.model.name;
    summary.version = what.made_with.version;
    summary.totals = what.matched.totals;
    return summary;
}

} // namespace

std::string adopted_file_name(const std::string& batch_id) {
    return fmt::format("adopted-{}.requests.jsonl", safe_file_name(batch_id));
}

result<adoption> record_adoption(ledger& l, const adoptable& what, std::int64_t now_ms) {
    adoption done;
    done.from_answers = what.from_answers;
    done.requests = static_cast<std::int64_t>(what.matched.requests.size());
    done.unmatched = what.matched.unmatched;
    {
        auto all_or_nothing = l.begin();
        auto summary = summary_of(what);
        summary.files = 1;
        auto unsent = drop_unsent_jobs(l, what, now_ms);
        if (!unsent) return unsent.error();
        done.unsent = std::move(*unsent);
        const auto rows = rows_of(l, what, done.unsent, summary);
        count_authorities(what, rows, summary);
        done.rows = static_cast<std::int64_t>(rows.size());
        done.in_flight = std::count_if(rows.begin(), rows.end(), [](const auto& row) { return row.beside; });

        auto plan = plan_of(what, open_run(l, what, {{summary}, std::nullopt}, now_ms));
        plan.row_count = rows.size();
        done.job_id = l.jobs().create(plan, job::goal::merged, now_ms);
        l.jobs().set_plan(done.job_id, plan);
        for (const auto& request : what.matched.requests)
            l.requests().add(done.job_id, request);
        for (const auto& row : rows)
            l.requests().add_row(done.job_id, plan.target, plan.kind, row);
        if (const auto recorded = bring_up_to_date(l, done.job_id, what, now_ms); !recorded)
            return recorded.error();
        if (!what.batch.input_file_id.empty())
            l.chores().owe_at_end(chore::delete_input, what.batch.input_file_id, done.job_id);
        l.unknown().drop(what.batch.id);
        release_held(l, now_ms);
        all_or_nothing.commit();
    }
    log_job(log::level::notice, *l.jobs().find(done.job_id),
            fmt::format("adopted: {} requests, {} rows", done.requests, done.rows));
    for (const auto id : done.unsent)
        log_job(
            log::level::warning, *l.jobs().find(id),
            fmt::format("cancelled: nothing of it was sent, and batch {}, which was adopted, has answers for "
                        "rows of it; the next run takes what is left",
                        what.batch.id));
    return done;
}

result<adoption> record_bill(ledger& l, const adoptable& what, std::int64_t now_ms) {
    adoption done;
    done.only_booked = true;
    {
        auto all_or_nothing = l.begin();
        const auto plan = plan_of(what, open_run(l, what, {{summary_of(what)}, std::nullopt}, now_ms));
        done.job_id = l.jobs().create(plan, job::goal::merged, now_ms);
        l.jobs().set_plan(done.job_id, plan);
        if (const auto recorded = bring_up_to_date(l, done.job_id, what, now_ms); !recorded)
            return recorded.error();
        if (const auto ended = end_unread(l, done.job_id, now_ms); !ended) return ended.error();
        l.runs().postpone(plan.run_id, {now_ms, 0, ""}, now_ms); // to be reported, and to end
        l.unknown().drop(what.batch.id);
        release_held(l, now_ms);
        all_or_nothing.commit();
    }
    const auto job = *l.jobs().find(done.job_id);
    log_job(log::level::notice, job,
            fmt::format("booked: {}; its answers are not to be had any more", display_dollars(job.actual)));
    return done;
}

} // namespace enrichd

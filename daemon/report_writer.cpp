// SPDX-License-Identifier: Apache-2.0
#include "daemon/report_writer.hpp"

#include "core/run_order.hpp"
#include "core/version.hpp"
#include "daemon/on_pool.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace enrichd {

namespace {

constexpr std::int64_t causes_of_a_job = 200;
constexpr std::size_t causes_listed = 30;

// When a job came into a state for the last time, by the state's name.
std::map<std::string, std::int64_t> arrivals(const std::vector<history_row>& history) {
    std::map<std::string, std::int64_t> at;
    for (const auto& h : history)
        if (h.from_state != h.to_state) at[h.to_state] = h.at_ms;
    return at;
}

report_job describe(ledger& l, const job_row& job) {
    report_job r;
    r.id = job_name(job.id);
    r.kind = job.plan.kind;
    r.attempt = job.plan.attempt;
    r.state = job::name(job.state);
    r.batch_id = job.batch_id.value_or("");
    r.batch_status = job.ended_as;
    r.requests = static_cast<std::int64_t>(job.plan.totals.requests);
    r.bound = job.plan.totals.bound;
    r.actual = job.actual;
    r.strays = job.strays;
    for (const auto& t : l.twins().of_job(job.id))
        r.twins.push_back({t.batch_id, t.status, t.completed, t.ended, t.used, t.cost, t.unproven});
    const auto at = arrivals(l.history_of_job(job.id));
    const auto between = [&](const char* from, const char* to) -> std::optional<std::int64_t> {
        const auto begin = at.find(from);
        const auto end = at.find(to);
        if (begin == at.end() || end == at.end()) return std::nullopt;
        return std::max<std::int64_t>(end->second - begin->second, 0);
    };
    r.queue_ms = between("built", "submitted");
    r.run_ms = between("submitted", "fetched");
    r.merge_ms = between("fetched", "merged");
    return r;
}

void add_job(ledger& l, const job_row& job, report_kind& into) {
    into.used += job.used;
    into.actual += job.actual; // its twins' with it
    for (const auto& t : l.twins().of_job(job.id))
        into.used += t.used;
    const auto tallies = l.requests().tallies(job.id);
    for (const auto& [how, n] : tallies.rows)
        into.rows[how] += n;
    for (const auto& [how, n] : tallies.resent)
        into.resent += n;
    for (const auto& [how, n] : tallies.unsent)
        into.unsent += n;
    into.open_rows += l.requests().open_rows(job.id);
}

std::vector<report_cause> find_causes(ledger& l, const std::vector<job_row>& jobs) {
    std::map<std::tuple<kind, outcome, int, std::string>, report_cause> merged;
    for (const auto& job : jobs)
        for (const auto& c : l.failures().causes(job.id, causes_of_a_job)) {
            auto& cause = merged[{job.plan.kind, c.how, c.http_status, c.reason}];
            if (cause.count == 0) cause = {job.plan.kind, c.how, c.http_status, c.reason, 0, c.sample_key};
            cause.count += c.count;
        }
    std::vector<report_cause> all;
    all.reserve(merged.size());
    for (auto& [key, cause] : merged)
        all.push_back(std::move(cause));
    std::stable_sort(all.begin(), all.end(),
                     [](const report_cause& a, const report_cause& b) { return a.count > b.count; });
    return all;
}

result<void> write_files(const spool& s, const std::string& folder, const report_facts& facts,
                         bool is_latest) {
    const auto made = s.open_report_folder(folder, is_latest);
    if (!made) return made.error();
    if (auto written = write_whole(*made / "enrichment_report.json", report_json(facts)); !written)
        return written;
    return write_whole(*made / "enrichment_report.md", report_markdown(facts));
}

} // namespace

report_facts gather_facts(ledger& l, const run_row& run, std::int64_t now_ms) {
    report_facts f;
    f.run = run_name(run.id);
    // It is written just before the run ends, so that a run that has ended always has a report.
    f.state = run::has_ended(run.state) ? std::string(run::name(run.state))
              : run.cancel_wanted       ? "cancelled"
                                        : "done";
    f.started_ms = run.created_ms;
    f.written_ms = run.ended_ms.value_or(now_ms);
    f.order = read_order(run.order_json).value(); // throws: ours, so it reads
    f.command = command_of(f.order, run.until == job::goal::merged);
    f.limit = run.limit;
    f.program_version = program_version();
    for (auto& built : read_summary(run.summary_json).kinds) {
        report_kind k;
        k.built = std::move(built);
        f.kinds.push_back(std::move(k));
    }
    const auto jobs = l.jobs().of_run(run.id);
    for (const auto& job : jobs) {
        f.jobs.push_back(describe(l, job));
        for (auto& k : f.kinds)
            if (k.built.kind == job.plan.kind) add_job(l, job, k);
    }
    f.causes = find_causes(l, jobs);
    if (f.causes.size() > causes_listed) {
        f.causes_left_out = static_cast<std::int64_t>(f.causes.size() - causes_listed);
        f.causes.resize(causes_listed);
    }
    return f;
}

boost::asio::awaitable<result<void>> report_writer::write(std::int64_t run_id) {
    const auto run = ledger_.runs().find(run_id);
    if (!run) co_return error{errc::not_found, fmt::format("there is no run {}", run_name(run_id))};
    const auto facts = gather_facts(ledger_, *run, clock_.now_ms());
    const auto folder = report_folder(run->created_ms, run_name(run_id));
    // A run that had nothing to do leaves "latest" with the report of the one before it.
    const bool is_latest = !facts.jobs.empty() && !run::has_ended(run->state);
    co_return co_await on_pool(pool_, [&] { return write_files(spool_, folder, facts, is_latest); });
}

} // namespace enrichd

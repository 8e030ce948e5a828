// Jobs and runs as texts.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/views.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <set>

#include "core/iso_time.hpp"
#include "daemon/ctl/table.hpp"
#include "daemon/ctl/text.hpp"

namespace enrichd::ctl {

namespace {

color tint_of(const job_view& j) {
    if (j.state == "failed") return color::red;
    if (j.blocked || j.state == "submit_unknown") return color::yellow;
    if (j.state == "merged") return color::green;
    return color::none;
}

std::string cost_of(const job_view& j) {
    return j.actual_usd.empty() ? "<= " + dollars(j.bound_usd) : dollars(j.actual_usd);
}

std::string why_of(const job_view& j) {
    if (j.error) return j.error->message;
    if (j.blocked) return j.blocked->message;
    if (!j.held.empty()) return j.held;
    return j.why;
}

std::string when(const std::optional<std::int64_t>& ms) {
    return ms ? fmt::format("{} ({})", format_iso_time(*ms), relative(*ms, now_ms())) : "-";
}

// Why a run waits: by itself while it is built, then for its jobs.
std::string waits_of(const run_view& run) {
    const auto next = run.next_due_ms
                          ? fmt::format("\n  next: tries again {}", relative(*run.next_due_ms, now_ms()))
                          : std::string();
    if (run.waiting_for == "paused")
        return "  waits: submitting is paused\n  next: goes on after: enrichctl resume\n";
    if (!run.waiting_for.empty()) return fmt::format("  waits: {}{}\n", one_line(run.waiting_for), next);
    std::string out;
    std::set<std::string> told;
    for (const auto& j : run.jobs) {
        if (j.held == "paused" && told.insert(j.held).second)
            out +=
                fmt::format("  job {} waits: submitting is paused\n  next: goes on after: enrichctl resume\n",
                            escape(j.id));
        if (!j.blocked || !told.insert(j.blocked->message).second) continue;
        out += fmt::format("  job {} waits: {}\n", escape(j.id), one_line(j.blocked->message));
        if (j.next_due_ms) out += fmt::format("  next: tries again {}\n", relative(*j.next_due_ms, now_ms()));
        if (!j.blocked->hint.empty()) out += fmt::format("  hint: {}\n", escape(j.blocked->hint));
    }
    return out;
}

std::string rows_of(const run_view& run) {
    if (run.rows_by_kind.size() < 2) return fmt::format("  {}\n", show_rows(run.rows, run.in_flight_jobs));
    std::string out;
    for (const auto& [kind, rows] : run.rows_by_kind)
        out += fmt::format("  {}: {}\n", escape(kind), show_rows(rows, run.in_flight_jobs));
    return out;
}

std::string history_of(const json& details, const terminal& term) {
    table t({{"AT", 0}, {"STATE", 0}, {"NOTE", 2, false, 10}});
    for (const auto& row : fields(details).list("history")) {
        const fields f(row);
        t.add({{format_iso_time(f.count("at_ms"))}, {f.text("to")}, {f.text("note")}});
    }
    return t.empty() ? "" : "\n" + t.render(term);
}

std::string samples_of(const json& details, const terminal& term) {
    table t({{"KEY", 0, false, 8},
             {"OUTCOME", 1},
             {"HTTP", 3, true},
             {"TRIES", 4, true},
             {"REASON", 2, false, 12},
             {"TEXT", 5, false, 20}});
    for (const auto& row : fields(details).list("samples")) {
        const fields f(row);
        const auto status = f.count("http_status");
        t.add({{f.text("key")},
               {f.text("outcome")},
               {status ? fmt::format("{}", status) : ""},
               {fmt::format("{}", f.count("tries"))},
               {f.text("reason")},
               {f.text("text")}});
    }
    return t.empty() ? "" : "\nFailed requests, for example:\n" + t.render(term);
}

// A batch that was made beside the job's own.
std::string twin_of(const json& twin) {
    const fields f(twin);
    auto out = fmt::format("{} ({}), {} requests done", f.text("batch_id"), f.text("batch_status"),
                           f.count("completed"));
    if (const auto cost = f.text("actual_usd"); !cost.empty()) out += fmt::format(", cost {}", dollars(cost));
    if (const auto more = f.text("unproven_usd"); !more.empty() && more != "0")
        out += fmt::format(", may have cost up to {}", dollars(more));
    return out;
}

} // namespace

std::int64_t now_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::string show_jobs(const std::vector<job_view>& jobs, const terminal& term) {
    table t({{"JOB", 0},
             {"RUN", 6},
             {"KIND", 2},
             {"STATE", 0},
             {"BATCH", 1, false, 14},
             {"REQUESTS", 3, true},
             {"OK", 4, true},
             {"ROWS", 5, true},
             {"COST", 3, true},
             {"NEXT", 5},
             {"WHY", 7, false, 16}});
    for (const auto& j : jobs)
        t.add({{j.id},
               {j.run_id},
               {j.kind},
               {j.state, tint_of(j)},
               {j.batch_id},
               {fmt::format("{}", j.requests)},
               {fmt::format("{}", j.ok())},
               {fmt::format("{}", j.updated)},
               {cost_of(j)},
               {j.next_due_ms ? relative(*j.next_due_ms, now_ms()) : ""},
               {one_line(why_of(j))}});
    return t.render(term);
}

std::string show_job_line(const job_view& j) {
    const auto batch = j.batch_id.empty() ? std::string() : fmt::format(" ({})", j.batch_id);
    return escape(fmt::format("job {}{}: {}, {}", j.id, batch, j.state, requests_of(j)));
}

std::string show_job(const job_view& j, const json& details, const terminal& term) {
    std::string out;
    const auto line = [&](const char* title, const std::string& text) {
        if (!text.empty())
            out +=
                fmt::format("{}{}\n", term.paint(color::bold, fmt::format("{:<12}", title)), one_line(text));
    };
    line("job", fmt::format("{}, {} of run {}", j.id, j.kind, j.run_id));
    line("state", j.state + (j.batch_status.empty() ? "" : fmt::format(" (provider: {})", j.batch_status)));
    line("batch", j.batch_id);
    line("why", j.blocked && !j.why.empty() ? j.why : why_of(j));
    if (!j.next.empty())
        line("next",
             j.next_due_ms ? fmt::format("{}, {}", j.next, relative(*j.next_due_ms, now_ms())) : j.next);
    if (j.error) line("hint", j.error->hint);
    if (j.blocked) line("hint", j.blocked->hint);
    if (fields(details).flag("maybe_duplicate"))
        line(
            "note",
            "it was sent again though a batch of it might have existed: one that shows up late is cancelled");
    for (const auto& twin : fields(details).list("twins"))
        line("twin", twin_of(twin));
    line("model", j.model + ", version " + j.value_version);
    line("requests", fmt::format("{}; outcomes: {}", j.requests, outcomes_of(j.outcomes)));
    if (j.state == "merged") line("rows", fmt::format("{} updated, {} skipped", j.updated, j.skipped_count));
    line("cost", cost_of(j));
    line("built", when(j.created_ms));
    if (j.submitted_ms) line("submitted", when(j.submitted_ms));
    if (j.ended_ms)
        line("ended", when(j.ended_ms));
    else if (j.deadline_ms)
        line("deadline", when(j.deadline_ms));
    for (const char* file : {"request_file", "results_file", "errors_file"})
        line(std::string(file).substr(0, std::string(file).find('_')).c_str(), fields(details).text(file));
    return out + history_of(details, term) + samples_of(details, term);
}

std::string show_rows(const std::map<std::string, std::int64_t>& rows,
                      const std::vector<std::string>& in_flight_jobs) {
    const auto of = [&](const char* name) {
        const auto at = rows.find(name);
        return at == rows.end() ? std::int64_t{0} : at->second;
    };
    auto out = fmt::format("{} seen: {} to enrich", counted(of("seen"), "row"), of("selected"));
    for (const auto& [name, title] : {std::pair{"done", "done"},
                                      {"legacy", "done by the original module"},
                                      {"kept", "of another version, kept"},
                                      {"no_text", "without text"},
                                      {"too_short", "too short"},
                                      {"in_flight", "in open jobs"},
                                      {"quarantined", "in quarantine"}}) {
        if (of(name) == 0) continue;
        out += fmt::format(", {} {}", of(name), title);
        if (std::string_view(name) == "in_flight" && !in_flight_jobs.empty())
            out += fmt::format(" ({})", escape(fmt::format("{}", fmt::join(in_flight_jobs, ", "))));
    }
    if (of("identical") > 0) out += fmt::format("; {} share the request of another row", of("identical"));
    return out;
}

std::string show_replaced(std::int64_t texts) {
    return fmt::format("  {} invalid UTF-8, of which parts are sent as U+FFFD\n",
                       texts == 1 ? "1 text holds" : fmt::format("{} texts hold", texts));
}

std::string show_run(const run_view& run, const terminal& term) {
    std::string out = fmt::format("run {} {}\n", escape(run.id), term.paint(color::bold, run.state));
    out += rows_of(run) + waits_of(run);
    if (run.has_nothing_to_do()) {
        out += "  nothing to do: 0 requests\n";
        return out;
    }
    out += fmt::format("  {}: {}\n", counted(run.requests, "request"), outcomes_of(run.outcomes));
    if (run.replaced_texts > 0) out += show_replaced(run.replaced_texts);
    if (run.updated > 0) out += fmt::format("  {} updated\n", counted(run.updated, "row"));
    out += fmt::format("  cost: {} spent, at most {} projected, limit {}\n", dollars(run.spent_usd),
                       dollars(run.projected_usd), dollars(run.limit_usd));
    if (!run.jobs.empty()) out += show_jobs(run.jobs, term);
    if (!run.report.empty()) out += fmt::format("report: {}\n", escape(run.report));
    return out;
}

} // namespace enrichd::ctl

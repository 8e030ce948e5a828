// The daemon's state, plans, migrations and quarantine as texts.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/views.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "daemon/ctl/table.hpp"
#include "daemon/ctl/text.hpp"

namespace enrichd::ctl {

namespace {

std::string number(std::int64_t n) {
    return fmt::format("{}", n);
}

std::string warnings(const json& object, const terminal& term) {
    std::string out;
    for (const auto& text : fields(object).texts("warnings"))
        out += fmt::format("{} {}\n", term.paint(color::yellow, "warning:"), escape(text));
    return out;
}

std::string problem(const char* what, const std::optional<control::refusal>& e, const terminal& term) {
    return e ? show_problem(what, *e, term) : std::string();
}

std::string plan_kinds(const json& plan, const terminal& term) {
    std::string out;
    for (const auto& kind : fields(plan).list("kinds")) {
        const fields f(kind);
        if (f.error("problem")) { // told once, as the command's end
            out += fmt::format("{}: not possible as things are\n",
                               term.paint(color::bold, escape(f.text("kind"))));
            continue;
        }
        out += fmt::format("{} with {}\n  {}\n", term.paint(color::bold, escape(f.text("kind"))),
                           escape(f.text("model")), show_rows(f.counts("rows"), f.texts("in_flight_jobs")));
        out += fmt::format("  {} in {} ({}), {} input tokens, at most {} output tokens: at most {}\n",
                           counted(f.count("requests"), "request"), counted(f.count("files"), "file"),
                           size(f.count("bytes")), f.count("input_tokens"), f.count("output_cap"),
                           dollars(f.text("bound_usd")));
        if (const auto n = f.count("replaced_texts"); n > 0) out += show_replaced(n);
        out += warnings(kind, term);
    }
    return out;
}

std::string plan_authorities(const json& plan, const terminal& term) {
    table t({{"AUTHORITY", 0, false, 12},
             {"KIND", 1},
             {"ROWS", 2, true},
             {"REQUESTS", 3, true},
             {"TOKENS", 4, true},
             {"AT MOST", 0, true}});
    for (const auto& row : fields(plan).list("authorities")) {
        const fields f(row);
        const auto name = f.text("authority");
        t.add({{name.empty() ? "(none)" : name},
               {f.text("kind")},
               {number(f.count("rows"))},
               {number(f.count("requests"))},
               {number(f.count("input_tokens"))},
               {dollars(f.text("bound_usd"))}});
    }
    return t.empty() ? "" : "\n" + t.render(term) + "\n";
}

std::string job_counts(const json& status) {
    std::string out;
    for (const auto& [state, n] : fields(status).counts("jobs"))
        if (n > 0) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", n, state);
    return out.empty() ? "none" : out;
}

std::string queues_of(const json& status) {
    std::string out;
    for (const auto& queue : fields(status).list("queues")) {
        const fields q(queue);
        const auto limit = q.count("limit_tokens");
        out +=
            fmt::format("queue      {}: {}{} tokens in {}", escape(q.text("model")), q.count("tokens"),
                        limit > 0 ? fmt::format(" of {}", limit) : "",
                        q.count("batches") == 1 ? "1 batch" : fmt::format("{} batches", q.count("batches")));
        if (const auto n = q.count("jobs_waiting"); n > 0)
            out += fmt::format(", {} for room", n == 1 ? "1 job waits" : fmt::format("{} jobs wait", n));
        out += "\n";
    }
    return out;
}

std::string runs_of(const json& status, const terminal& term) {
    table t({{"RUN", 0},
             {"COMMAND", 4},
             {"STATE", 0},
             {"REQUESTS", 2, true},
             {"OK", 3, true},
             {"FAILED", 3, true},
             {"SPENT", 1, true},
             {"AT MOST", 5, true},
             {"STARTED", 6}});
    for (const auto& row : fields(status).list("runs")) {
        const auto r = read_run(row);
        const auto ok = r.outcomes.find("ok");
        const auto failed = failed_requests(r.outcomes);
        t.add({{r.id},
               {r.command},
               {r.state, r.error ? color::red : color::none},
               {number(r.requests)},
               {number(ok == r.outcomes.end() ? 0 : ok->second)},
               {number(failed), failed ? color::red : color::none},
               {dollars(r.spent_usd)},
               {dollars(r.projected_usd)},
               {r.started_ms ? relative(*r.started_ms, now_ms()) : ""}});
    }
    return t.empty() ? "" : "\n" + t.render(term);
}

std::string sql_lines(std::string_view sql, std::string_view before) {
    std::string out;
    while (!sql.empty()) {
        const auto end = std::min(sql.find('\n'), sql.size());
        out += fmt::format("{}{}\n", before, escape(sql.substr(0, end)));
        sql.remove_prefix(std::min(end + 1, sql.size()));
    }
    return out;
}

} // namespace

std::string show_problem(const char* what, const control::refusal& why, const terminal& term) {
    const auto hint = why.hint.empty() ? "" : fmt::format("\n  hint: {}", escape(why.hint));
    return fmt::format("{} {}{}\n", term.paint(color::red, fmt::format("{}:", what)),
                       several_lines(why.message), hint);
}

std::string show_plan(const json& plan, const terminal& term) {
    const fields f(plan);
    auto out = plan_kinds(plan, term) + plan_authorities(plan, term) + warnings(plan, term);
    out += fmt::format("in all at most {}, limit {} (profile {})\n", dollars(f.text("bound_usd")),
                       dollars(f.text("limit_usd")), escape(f.text("profile")));
    if (f.flag("fits")) return out;
    if (f.text("over_by_usd") == "0")
        return out + term.paint(color::red, "over a limit of [budget]") + ": enrichctl budget\n";
    const auto fitting = f.time("would_fit_limit");
    out +=
        fmt::format("{} by {}{}\n", term.paint(color::red, "over the limit"), dollars(f.text("over_by_usd")),
                    !fitting       ? ""
                    : *fitting > 0 ? fmt::format("; --limit {} would fit", *fitting)
                                   : "; not even one row would fit");
    return out;
}

std::string show_status(const json& status, const terminal& term) {
    const fields f(status);
    const fields provider(f.object("provider")), target(f.object("target")), money(f.object("money"));
    const auto started = f.time("started_ms");
    auto out =
        fmt::format("enrichd {} {}{}, pid {}{}\n", escape(f.text("version")),
                    term.paint(color::bold, escape(f.text("state"))), f.flag("paused") ? ", paused" : "",
                    f.count("pid"), started ? ", up " + duration(now_ms() - *started) : "");
    out += fmt::format("target     {}\nprovider   {}\nstate      {}\n", escape(target.text("identity")),
                       escape(provider.text("base_url")), escape(f.text("state_directory")));
    out += fmt::format("jobs       {}\n", job_counts(status));
    out += fmt::format("money      {} spent, {} reserved\n", dollars(money.text("spent_usd")),
                       dollars(money.text("reserved_usd")));
    out += queues_of(status);
    if (const auto n = f.count("quarantined"); n > 0)
        out += fmt::format("quarantine {} (enrichctl quarantine list)\n", counted(n, "row"));
    if (const auto next = f.time("next_due_ms"))
        out += fmt::format("next       {}\n", relative(*next, now_ms()));
    if (!f.flag("operator")) out += "you may look, not operate (group enrichd)\n";
    out +=
        problem("provider", provider.error("error"), term) + problem("target", target.error("error"), term);
    for (const auto& alert : f.list("alerts"))
        out += problem("alert", control::read_refusal(alert), term);
    return out + runs_of(status, term);
}

std::string show_migration(const json& migration, const terminal& term) {
    const fields f(migration);
    std::int64_t done = 0;
    std::string out = fmt::format("target {}\n", escape(f.text("target")));
    for (const auto& step : f.list("steps")) {
        const fields s(step);
        const bool now = s.flag("applied_now");
        if (now) ++done;
        out += fmt::format("{} {}\n",
                           now                 ? term.paint(color::green, "applied now")
                           : s.flag("applied") ? term.paint(color::green, "there before")
                                               : term.paint(color::yellow, "pending"),
                           escape(s.text("name")));
        if (!s.text("note").empty()) out += fmt::format("  note: {}\n", one_line(s.text("note")));
    }
    const auto pending = f.count("pending");
    if (done > 0) out += fmt::format("{} applied\n", counted(done, "step"));
    if (pending > 0) out += fmt::format("{} pending\n", counted(pending, "step"));
    return done + pending == 0 ? out + "nothing to migrate\n" : out;
}

std::string show_migration_sql(const json& migration) {
    const fields f(migration);
    const bool postgresql = f.text("target").starts_with("postgresql:");
    const auto pending = f.count("pending");
    auto out = fmt::format("-- {}: {}\n", one_line(f.text("target")),
                           pending == 0 ? "nothing to migrate" : counted(pending, "step") + " pending");
    if (pending == 0) return out;
    out +=
        postgresql
            ? "-- Run it as the owner of the table (psql -f FILE), or with enrichctl migrate if the daemon's "
              "role\n-- is the owner.\n"
            : "-- enrichctl migrate runs it.\n";
    for (const auto& step : f.list("steps")) {
        const fields s(step);
        if (s.flag("applied")) continue;
        const auto note = s.text("note");
        out += fmt::format("\n-- {}\n", one_line(s.text("name")));
        if (!note.empty()) out += fmt::format("-- note: {}\n", one_line(note));
        // What the note says keeps the index from being made; the columns can be added all the same.
        const bool barred = !note.empty() && s.text("name") == "0003_unique_hash";
        out += sql_lines(s.text("sql"), barred ? "-- " : "");
    }
    if (postgresql)
        out +=
            "\n-- Then the daemon's role needs SELECT on the table, UPDATE on these columns, and SELECT and "
            "INSERT on\n-- enrichd_merge_log: README.md, \"Rights in the database\", has the GRANTs.\n";
    return out;
}

std::string show_quarantine(const json& reply, const terminal& term) {
    table t({{"KEY", 0, false, 12},
             {"KIND", 1},
             {"AUTHORITY", 5, false, 10},
             {"OUTCOME", 1},
             {"TRIES", 4, true},
             {"JOB", 3},
             {"SINCE", 6},
             {"REASON", 2, false, 12}});
    for (const auto& row : fields(reply).list("rows")) {
        const fields f(row);
        const auto since = f.time("since_ms");
        t.add({{f.text("key")},
               {f.text("kind")},
               {f.text("authority")},
               {f.text("outcome")},
               {number(f.count("tries"))},
               {f.text("job_id")},
               {since ? relative(*since, now_ms()) : ""},
               {f.text("reason")}});
    }
    return t.empty() ? "the quarantine is empty\n" : t.render(term);
}

} // namespace enrichd::ctl

// Commands that look: status, jobs, job, report, backup, quarantine list, verify, version.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdio>
#include <optional>

#include "core/version.hpp"
#include "daemon/ctl/files.hpp"
#include "daemon/ctl/text.hpp"
#include "daemon/ctl/verbs.hpp"
#include "daemon/ctl/views.hpp"

namespace enrichd::ctl {

namespace {

awaitable<exit_code> show_one_run(session& s, std::string id) {
    auto r = co_await s.get(route_id::run, id);
    if (!r) co_return r.error().code;
    if (s.print_json(*r)) co_return exit_code::ok;
    const auto run = read_run(fields(r->body).object("run"));
    s.print(show_run(run, s.term));
    if (run.error) s.print(show_problem("error", *run.error, s.term));
    co_return exit_code::ok;
}

awaitable<exit_code> show_one_job(session& s, std::string id) {
    auto r = co_await s.get(route_id::job, id);
    if (!r) co_return r.error().code;
    const auto& job = fields(r->body).object("job");
    if (!s.print_json(*r)) s.print(show_job(read_job(job), json(), s.term));
    co_return exit_code::ok;
}

awaitable<result<void>> pass_on(std::optional<file_writer>& file, std::span<const char> piece) {
    if (file) co_return file->write({piece.data(), piece.size()});
    if (std::fwrite(piece.data(), 1, piece.size(), stdout) != piece.size())
        co_return error{errc::io, "standard output takes no more"};
    co_return result<void>();
}

// What the daemon sends as it is goes to --out, or to standard output.
awaitable<exit_code> write_out(session& s, route_id route, std::string query) {
    std::optional<file_writer> file;
    const auto out = s.opt.value(flag_id::out);
    if (!out.empty()) {
        auto opened = file_writer::open(out);
        if (!opened) co_return s.fail(exit_code::failed, opened.error().detail).code;
        file.emplace(std::move(*opened));
    }
    const control::byte_sink sink = [&file](std::span<const char> piece) { return pass_on(file, piece); };
    auto r = co_await s.download(route, std::string(), std::move(query), sink);
    if (!r) co_return r.error().code;
    if (file) {
        if (auto done = file->finish(); !done) co_return s.fail(exit_code::failed, done.error().detail).code;
        if (!is_standard_output(out)) s.shown.note(fmt::format("wrote {}", escape(out)));
    }
    co_return exit_code::ok;
}

} // namespace

awaitable<exit_code> do_status(session& s) {
    const auto id = s.opt.id();
    if (is_run_id(id)) co_return co_await show_one_run(s, id);
    if (!id.empty()) co_return co_await show_one_job(s, id);
    auto r = co_await s.get(route_id::status);
    if (!r) co_return r.error().code;
    if (!s.print_json(*r)) s.print(show_status(r->body, s.term));
    co_return exit_code::ok;
}

awaitable<exit_code> do_jobs(session& s) {
    std::string query = s.opt.has(flag_id::all) ? "?all=true" : "";
    if (s.opt.has(flag_id::run))
        query += (query.empty() ? "?run=" : "&run=") + percent_encode(s.opt.value(flag_id::run));
    auto r = co_await s.get(route_id::jobs, std::string(), query);
    if (!r) co_return r.error().code;
    if (s.print_json(*r)) co_return exit_code::ok;
    std::vector<job_view> jobs;
    for (const auto& job : fields(r->body).list("jobs"))
        jobs.push_back(read_job(job));
    if (jobs.empty())
        s.print(s.opt.has(flag_id::all) ? "no jobs\n" : "no open jobs (enrichctl jobs --all)\n");
    else
        s.print(show_jobs(jobs, s.term));
    co_return exit_code::ok;
}

awaitable<exit_code> do_report(session& s) {
    std::string query = s.opt.json ? "?format=json" : "?format=md";
    if (s.opt.has(flag_id::run)) query += "&run=" + percent_encode(s.opt.value(flag_id::run));
    co_return co_await write_out(s, route_id::report, std::move(query));
}

awaitable<exit_code> do_backup(session& s) {
    co_return co_await write_out(s, route_id::ledger, std::string());
}

awaitable<exit_code> do_quarantine_list(session& s) {
    auto r = co_await s.get(route_id::quarantine);
    if (!r) co_return r.error().code;
    if (!s.print_json(*r)) s.print(show_quarantine(r->body, s.term));
    co_return exit_code::ok;
}

awaitable<exit_code> do_verify(session& s) {
    auto r = co_await s.get(route_id::verification);
    if (!r) co_return r.error().code;
    const fields found(r->body);
    const bool sound = found.text("status") == "sound";
    if (!s.print_json(*r)) {
        for (const auto& fault : found.texts("faults"))
            s.print(fmt::format("{}\n", escape(fault)));
        s.print(fmt::format("the ledger is {}: {} and {} were checked\n", sound ? "sound" : "NOT sound",
                            counted(found.count("jobs"), "job"),
                            counted(found.count("requests"), "request")));
    }
    co_return sound ? exit_code::ok : exit_code::failed;
}

awaitable<exit_code> do_version(session& s) {
    if (!s.opt.json) s.print(fmt::format("enrichctl {}\n", program_version()));
    auto r = co_await s.get(route_id::version);
    if (!r) co_return r.error().code;
    if (!s.print_json(*r))
        s.print(fmt::format("enrichd {} at {}\n", escape(fields(r->body).text("version")),
                            escape(s.daemon.socket())));
    co_return exit_code::ok;
}

} // namespace enrichd::ctl

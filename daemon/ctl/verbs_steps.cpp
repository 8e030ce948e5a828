// The guide's four steps: build, submit, poll, merge.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "daemon/ctl/files.hpp"
#include "daemon/ctl/order.hpp"
#include "daemon/ctl/text.hpp"
#include "daemon/ctl/verbs.hpp"
#include "daemon/ctl/views.hpp"

namespace enrichd::ctl {

namespace {

using ending = std::function<bool(const json&)>;

job_view job_in(const reply& r) {
    return read_job(fields(r.body).object("job"));
}

awaitable<result<void>> append(file_writer& file, std::span<const char> piece) {
    co_return file.write({piece.data(), piece.size()});
}

/// A job's request file, byte for byte.
awaitable<answer<std::string>> copy_request_file(session& s, job_view job, std::filesystem::path to) {
    auto file = file_writer::open(to);
    if (!file) co_return s.fail(exit_code::failed, file.error().detail);
    result<void> written;
    const control::byte_sink sink = [&file](std::span<const char> piece) { return append(*file, piece); };
    auto got = co_await s.download(route_id::request_file, job.id, std::string(), sink);
    if (!got) co_return got.error();
    if (auto r = file->finish(); !r) co_return s.fail(exit_code::failed, r.error().detail);
    if (!job.sha256.empty() && file->sha256() != job.sha256)
        co_return s.fail(exit_code::failed,
                         fmt::format("{}: came with another content than was built", to.native()));
    co_return to.native();
}

// What to do with what was built, or why there is no file.
std::string after_build(const session& s, const run_view& run) {
    const auto kind = s.opt.value(flag_id::kind), out = s.opt.value(flag_id::out);
    if (!run.jobs.empty())
        return out.empty() || is_standard_output(out)
                   ? std::string()
                   : fmt::format("next: enrichctl submit --kind {} --input {}\n", kind, escape(out));
    if (out.empty() || run.error || run.in_flight_jobs.empty()) return {};
    std::string text = fmt::format("{} was not written: the rows are in an open job already\n", escape(out));
    for (const auto& id : run.in_flight_jobs)
        text += fmt::format("  job {0}: enrichctl job {0} --out {1} writes its file, for enrichctl submit; "
                            "enrichctl discard {0} drops it, if it was not sent\n",
                            escape(id), escape(out));
    return text;
}

std::string file_line(const std::string& file, const job_view& job) {
    return fmt::format("{}: {}, {}, at most {} (job {})\n", escape(file), counted(job.requests, "request"),
                       size(job.file_bytes), dollars(job.bound_usd), escape(job.id));
}

bool is_on_its_way(const job_view& j) {
    return !j.batch_id.empty() || j.has_ended() || (!j.held.empty() && j.state == "built");
}

exit_code exit_of_batch(session& s, const job_view& j) {
    if (j.error) return s.fail(*j.error).code;
    if (j.state == "failed")
        return s.fail(exit_code::provider, fmt::format("job {} failed: {}", j.id, j.why)).code;
    if (j.state == "built")
        return s
            .fail(exit_code::state_conflict, fmt::format("job {} was not sent: {}", j.id, j.held),
                  "enrichctl submit --kind KIND --input FILE")
            .code;
    if (j.state == "discarded")
        return s.fail(exit_code::state_conflict, fmt::format("job {} was discarded", j.id)).code;
    if (j.batch_status == "expired" || j.batch_status == "cancelled" || j.state == "cancelled")
        return s
            .fail(exit_code::rows_failed,
                  fmt::format("{} ended {}: {}", j.batch_id.empty() ? "job " + j.id : j.batch_id,
                              j.batch_status.empty() ? j.state : j.batch_status, requests_of(j)),
                  j.batch_id.empty() ? "" : "what was done is merged like any other")
            .code;
    return exit_code::ok;
}

} // namespace

awaitable<exit_code> do_build(session& s) {
    const auto order = order_of(s.opt);
    auto started = co_await s.post(route_id::build, std::string(), order);
    if (!started) co_return started.error().code;
    const auto id = read_run(fields(started->body).object("run")).id;
    s.goes_on = fmt::format("building goes on in the daemon; enrichctl status {} looks", id);
    const ending built = [](const json& line) { return !read_run(fields(line).object("run")).is_building(); };
    auto last = co_await s.follow(route_id::run_events, id, built);
    if (!last) co_return last.error().code;
    s.goes_on.clear();

    const auto run = read_run(fields(last->body).object("run"));
    note_lowered_budget(s, run);
    const auto out = s.opt.value(flag_id::out);
    std::string written;
    std::int64_t number = 0;
    for (const auto& job : out.empty() ? std::vector<job_view>() : run.jobs) {
        auto file = co_await copy_request_file(s, job, numbered(out, ++number));
        if (!file) co_return file.error().code;
        written += file_line(*file, job);
    }
    if (!s.print_json(*last)) s.tell(show_run(run, s.term) + written + after_build(s, run));
    co_return exit_of(s, run);
}

awaitable<exit_code> do_job(session& s) {
    const auto id = s.opt.id(), out = s.opt.value(flag_id::out);
    auto r = co_await s.get(route_id::job, id);
    if (!r) co_return r.error().code;
    const auto& object = fields(r->body).object("job");
    const auto job = read_job(object);
    if (out.empty()) {
        if (!s.print_json(*r)) s.print(show_job(job, object, s.term));
        co_return exit_code::ok;
    }
    auto file = co_await copy_request_file(s, job, out);
    if (!file) co_return file.error().code;
    if (!s.print_json(*r)) s.tell(file_line(*file, job));
    co_return exit_code::ok;
}

awaitable<exit_code> do_submit(session& s) {
    const auto input = s.opt.value(flag_id::input);
    const auto sha256 = sha256_of_file(input);
    if (!sha256) co_return s.fail(exit_code::usage, sha256.error().detail).code;
    json order = json::object();
    order["kind"] = s.opt.value(flag_id::kind);
    order["sha256"] = *sha256;
    if (s.opt.has(flag_id::budget)) order["budget_usd"] = s.opt.value(flag_id::budget);
    auto taken = co_await s.post(route_id::submit, std::string(), order);
    if (!taken) co_return taken.error().code;
    if (s.opt.has(flag_id::no_wait)) {
        if (!s.print_json(*taken)) s.print("the daemon submits it: enrichctl jobs\n");
        co_return exit_code::ok;
    }

    // A batch id is what the next step needs; it is there when the provider has taken the batch.
    auto code = exit_code::ok;
    const ending sent = [](const json& line) { return is_on_its_way(read_job(fields(line).object("job"))); };
    for (const auto& entry : fields(taken->body).list("jobs")) {
        const auto id = read_job(entry).id;
        s.goes_on = fmt::format("job {} goes on in the daemon; enrichctl job {} looks", id, id);
        auto last = co_await s.follow(route_id::job_events, id, sent);
        if (!last) co_return last.error().code;
        const auto job = job_in(*last);
        if (!s.print_json(*last)) s.print(show_job_line(job) + "\n");
        if (job.error || job.state == "failed" || job.state == "discarded" || job.batch_id.empty())
            code = std::max(code, exit_of_batch(s, job));
        else if (!s.opt.json)
            s.print(fmt::format("next: enrichctl poll --batch-id {}\n", escape(job.batch_id)));
    }
    co_return code;
}

namespace {

awaitable<exit_code> poll_run(session& s, std::string id) {
    s.goes_on = fmt::format("run {} goes on in the daemon", id);
    const ending ended = [](const json& line) { return read_run(fields(line).object("run")).has_ended(); };
    auto last = co_await s.follow(route_id::run_events, id, ended);
    if (!last) co_return last.error().code;
    const auto run = read_run(fields(last->body).object("run"));
    if (!s.print_json(*last)) s.print(show_run(run, s.term));
    co_return exit_of(s, run);
}

} // namespace

awaitable<exit_code> do_poll(session& s) {
    const auto id = s.opt.id();
    if (id.empty()) co_return s.fail(exit_code::usage, "poll: --batch-id is required", "enrichctl jobs").code;
    if (is_run_id(id)) co_return co_await poll_run(s, id);
    if (s.opt.has(flag_id::no_wait)) {
        auto once = co_await s.post(route_id::poll, id);
        if (!once) co_return once.error().code;
        if (!s.print_json(*once)) s.print(show_job_line(job_in(*once)) + "\n");
        co_return exit_code::ok;
    }
    s.goes_on = fmt::format("{} goes on; enrichctl poll --batch-id {} waits again", id, id);
    const ending here = [](const json& line) {
        const auto job = read_job(fields(line).object("job"));
        return job.is_fetched() || (job.state == "built" && !job.held.empty());
    };
    auto last = co_await s.follow(route_id::job_events, id, here);
    if (!last) co_return last.error().code;
    const auto job = job_in(*last);
    if (!s.print_json(*last)) {
        s.print(show_job_line(job) + "\n");
        if (job.state == "fetched" && !job.held.empty())
            s.print(fmt::format("next: enrichctl merge --kind {} --batch-id {}\n", job.kind, escape(id)));
    }
    co_return exit_of_batch(s, job);
}

awaitable<exit_code> do_merge(session& s) {
    const auto id = s.opt.id();
    if (id.empty())
        co_return s.fail(exit_code::usage, "merge: --batch-id is required", "enrichctl jobs").code;
    json order = json::object();
    if (s.opt.has(flag_id::kind)) order["kind"] = s.opt.value(flag_id::kind);
    auto taken = co_await s.post(route_id::merge, id, order);
    if (!taken) co_return taken.error().code;
    const fields said(taken->body);
    if (said.text("status") == "already_merged") {
        if (!s.print_json(*taken))
            s.print(fmt::format("updated {}, skipped_count {}\n", said.count("updated"),
                                said.count("skipped_count")));
        co_return exit_code::ok;
    }
    s.goes_on = fmt::format("merging {} goes on in the daemon; enrichctl job {} looks", id, id);
    const ending ended = [](const json& line) { return read_job(fields(line).object("job")).has_ended(); };
    auto last = co_await s.follow(route_id::job_events, id, ended);
    if (!last) co_return last.error().code;
    const auto job = job_in(*last);
    if (!s.print_json(*last))
        s.print(fmt::format("updated {}, skipped_count {}\n", job.updated, job.skipped_count));
    if (job.error) co_return s.fail(*job.error).code;
    if (const auto lost = losses(job.outcomes); !lost.empty())
        co_return s.fail(exit_code::rows_failed, lost, fmt::format("enrichctl job {}", job.id)).code;
    co_return exit_code::ok;
}

} // namespace enrichd::ctl

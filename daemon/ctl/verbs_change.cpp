// Commands that change something at once: cancel, discard, retry, resolve, pause, resume, quarantine release,
// migrate.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "daemon/ctl/text.hpp"
#include "daemon/ctl/verbs.hpp"
#include "daemon/ctl/views.hpp"

namespace enrichd::ctl {

namespace {

std::string said(const reply& r) {
    auto status = fields(r.body).text("status");
    for (auto& c : status)
        if (c == '_') c = ' ';
    return escape(status);
}

} // namespace

awaitable<exit_code> do_cancel(session& s) {
    const auto id = s.opt.id();
    if (id.empty())
        co_return s
            .fail(exit_code::usage, "cancel: --batch-id, or the id of a job or run, is required",
                  "enrichctl jobs")
            .code;
    json order = json::object();
    order["id"] = id;
    if (s.opt.has(flag_id::abandon)) order["abandon"] = true;
    auto r = co_await s.post(route_id::cancel, std::string(), order);
    if (!r) co_return r.error().code;
    if (s.print_json(*r)) co_return exit_code::ok;
    s.print(fmt::format("{}: {}\n", escape(id), said(*r)));
    for (const auto& job : fields(r->body).list("jobs"))
        s.print(show_job_line(read_job(job)) + "\n");
    if (s.opt.has(flag_id::abandon) && fields(r->body).text("status") == "cancelling")
        s.print("given up: nothing more of it is fetched or merged, and what it cost stays booked\n");
    else if (fields(r->body).text("status") == "cancelling")
        s.print("what was done by then is fetched and merged\n");
    co_return exit_code::ok;
}

awaitable<exit_code> do_change(session& s) {
    const auto& c = find_command(s.opt.command);
    const auto id = s.opt.id();
    auto r = co_await s.post(*c.calls, id);
    if (!r) co_return r.error().code;
    if (s.print_json(*r)) co_return exit_code::ok;
    s.print(id.empty() ? fmt::format("{}\n", said(*r)) : fmt::format("{}: {}\n", escape(id), said(*r)));
    co_return exit_code::ok;
}

awaitable<exit_code> do_resolve(session& s) {
    const auto batch = s.opt.value(flag_id::adopt);
    if (s.opt.has(flag_id::resubmit) != batch.empty())
        co_return s
            .fail(exit_code::usage, "resolve: either --adopt BATCH or --resubmit is required",
                  "enrichctl job " + s.opt.id())
            .code;
    json order = json::object();
    if (batch.empty())
        order["resubmit"] = true;
    else
        order["adopt"] = batch;
    auto r = co_await s.post(route_id::resolve, s.opt.id(), order);
    if (!r) co_return r.error().code;
    if (s.print_json(*r)) co_return exit_code::ok;
    s.print(fmt::format("{}: {}\n", escape(s.opt.id()), said(*r)));
    s.print(show_job_line(read_job(fields(r->body).object("job"))) + "\n");
    co_return exit_code::ok;
}

awaitable<exit_code> do_release(session& s) {
    const bool all = s.opt.has(flag_id::all);
    if (all != s.opt.operands.empty())
        co_return s
            .fail(exit_code::usage, "quarantine release: either keys or --all is required",
                  "enrichctl quarantine list")
            .code;
    json order = json::object();
    if (all)
        order["all"] = true;
    else
        order["keys"] = s.opt.operands;
    auto r = co_await s.post(route_id::release, std::string(), order);
    if (!r) co_return r.error().code;
    if (!s.print_json(*r))
        s.print(fmt::format("{} released; the next run may take them\n",
                            counted(fields(r->body).count("released"), "row")));
    co_return exit_code::ok;
}

awaitable<exit_code> do_migrate(session& s) {
    if (s.opt.has(flag_id::plan)) {
        auto planned = co_await s.get(route_id::migration_plan);
        if (!planned) co_return planned.error().code;
        if (s.print_json(*planned)) co_return exit_code::ok;
        s.print_raw(show_migration_sql(planned->body));
        co_return exit_code::ok;
    }
    auto done = co_await s.post(route_id::migrate);
    if (!done) co_return done.error().code;
    if (!s.print_json(*done)) s.print(show_migration(done->body, s.term));
    co_return exit_code::ok;
}

} // namespace enrichd::ctl

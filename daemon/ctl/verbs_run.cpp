// run and plan.
// SPDX-License-Identifier: Apache-2.0
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <fcntl.h>
#include <optional>
#include <set>

#include "core/money.hpp"
#include "daemon/ctl/order.hpp"
#include "daemon/ctl/text.hpp"
#include "daemon/ctl/verbs.hpp"
#include "daemon/ctl/views.hpp"

namespace enrichd::ctl {

namespace {

/// One answer of the terminal, read through the loop, so that Ctrl-C is heard meanwhile. The terminal is
/// opened anew: what Asio does to a descriptor would stay with the shell's.
awaitable<bool> ask(std::string question) {
    const int terminal = open("/dev/tty", O_RDONLY | O_CLOEXEC);
    if (terminal < 0) co_return false;
    boost::asio::posix::stream_descriptor in(co_await boost::asio::this_coro::executor, terminal);
    fmt::print(stderr, "{} [y/N] ", question);
    std::fflush(stderr);
    std::array<char, 64> answer = {};
    const auto n = co_await in.async_read_some(boost::asio::buffer(answer), boost::asio::use_awaitable);
    co_return n > 0 && (answer[0] == 'y' || answer[0] == 'Y');
}

std::int64_t requests_of(const json& plan) {
    std::int64_t sum = 0;
    for (const auto& kind : fields(plan).list("kinds"))
        sum += fields(kind).count("requests");
    return sum;
}

// Says what stands against it, each problem once.
exit_code exit_of_plan(session& s, const json& plan) {
    std::optional<exit_code> first;
    std::set<std::string> told;
    for (const auto& kind : fields(plan).list("kinds")) {
        const auto problem = fields(kind).error("problem");
        if (!problem || !told.insert(problem->message).second) continue;
        const auto code = s.fail(*problem).code;
        if (!first) first = code;
    }
    if (first) return *first;
    return fields(plan).flag("fits") ? exit_code::ok : exit_code::over_budget;
}

/// Without --auto: shows the plan and asks. Nothing if the run is to start, else how the command ends.
awaitable<std::optional<exit_code>> settle_plan(session& s, json order) {
    auto plan = co_await s.post(route_id::plan, std::string(), order);
    if (!plan) co_return plan.error().code;
    if (!s.print_json(*plan)) s.print(show_plan(plan->body, s.term));
    if (const auto code = exit_of_plan(s, plan->body); code != exit_code::ok) co_return code;
    if (requests_of(plan->body) == 0) {
        if (!s.opt.json) s.print("nothing to do: 0 requests\n");
        co_return exit_code::ok;
    }
    if (!s.term.can_ask || s.opt.json)
        co_return s
            .fail(exit_code::usage, "run: nothing was started, as there is nobody to ask",
                  "enrichctl run --auto")
            .code;
    std::fflush(stdout);
    const bool yes = co_await ask("Start this run?");
    if (yes) co_return std::nullopt;
    s.print("nothing was started\n");
    co_return exit_code::ok;
}

} // namespace

void note_lowered_budget(session& s, const run_view& run) {
    const auto asked = parse_dollars(s.opt.value(flag_id::budget)), given = parse_dollars(run.limit_usd);
    if (asked && given && *asked > *given)
        s.shown.note(fmt::format("--budget {} is above the limit of the profile, {}, which counts",
                                 s.opt.value(flag_id::budget), display_dollars(*given)));
}

exit_code exit_of(session& s, const run_view& run) {
    if (run.error) return s.fail(*run.error).code;
    if (run.state == "cancelled")
        return s.fail(exit_code::failed, fmt::format("run {} was cancelled", run.id)).code;
    const auto lost = losses(run.outcomes);
    if (lost.empty()) return exit_code::ok;
    const auto ok = run.outcomes.find("ok");
    for (const auto& job : run.jobs) // where nothing at all came back, a job knows why
        if (job.error && (ok == run.outcomes.end() || ok->second == 0)) return s.fail(*job.error).code;
    return s
        .fail(exit_code::rows_failed, lost,
              run.report.empty() ? "enrichctl report" : fmt::format("their causes are in {}", run.report))
        .code;
}

awaitable<exit_code> do_run(session& s) {
    const auto order = order_of(s.opt);
    if (!s.opt.has(flag_id::automatic)) {
        const auto end = co_await settle_plan(s, order);
        if (end) co_return *end;
    }
    auto started = co_await s.post(route_id::start_run, std::string(), order);
    if (!started) co_return started.error().code;
    const auto id = read_run(fields(started->body).object("run")).id;
    s.goes_on =
        fmt::format("run {} goes on in the daemon; enrichctl poll {} waits for it, enrichctl status {} looks",
                    id, id, id);

    // Without --wait too we stay until it is built: then it is known whether the budget allows it.
    const bool wait = s.opt.has(flag_id::wait);
    const std::function<bool(const json&)> enough = [wait](const json& line) {
        const auto run = read_run(fields(line).object("run"));
        // One without requests ends at once, and then it is known that there was nothing to do.
        return run.has_ended() || (!wait && !run.is_building() && run.requests > 0);
    };
    auto last = co_await s.follow(route_id::run_events, id, enough);
    if (!last) co_return last.error().code;
    const auto run = read_run(fields(last->body).object("run"));
    note_lowered_budget(s, run);
    if (!s.print_json(*last)) {
        s.print(show_run(run, s.term));
        if (!run.has_ended()) s.print(s.goes_on + "\n");
    }
    if (!run.has_ended()) co_return exit_code::ok;
    co_return exit_of(s, run);
}

awaitable<exit_code> do_plan(session& s) {
    const auto order = order_of(s.opt);
    auto plan = co_await s.post(route_id::plan, std::string(), order);
    if (!plan) co_return plan.error().code;
    if (!s.print_json(*plan)) s.print(show_plan(plan->body, s.term));
    co_return exit_of_plan(s, plan->body);
}

} // namespace enrichd::ctl

// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/handlers.hpp"

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include "core/control_errors.hpp"
#include "core/suggest.hpp"
#include "daemon/control/replies.hpp"
#include "daemon/control/requests.hpp"
#include "daemon/log.hpp"

namespace enrichd::control {

namespace {

constexpr std::size_t body_limit = 1 << 20;

// Building and sending go on after the reply.
int success_status(route_id route, const json& body) {
    if (route == route_id::start_run || route == route_id::build) return 202;
    const auto status = body.find("status");
    if (status == body.end()) return 200;
    return *status == "submitting" || *status == "merging" ? 202 : 200;
}

result<bool> flag_of(const http::server_request& in, std::string_view name) {
    const auto value = in.parameter(name).value_or("false");
    if (value == "true" || value == "1" || value.empty()) return true;
    if (value == "false" || value == "0") return false;
    return error{errc::invalid_input, fmt::format("{}: expected true or false, got \"{}\"", name, value)};
}

// A whole number, 0 where it is left out.
result<std::int64_t> number_of(const http::server_request& in, std::string_view name) {
    const auto value = in.parameter(name).value_or("0");
    std::int64_t n = 0;
    const auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), n);
    if (ec != std::errc{} || end != value.data() + value.size() || n < 0)
        return error{errc::invalid_input,
                     fmt::format("{}: expected a whole number, got \"{}\"", name, value)};
    return n;
}

// What helps after an error of this call, where the call says more than the error.
std::string_view hint_of(route_id route, const error& e) {
    const bool adopts = route == route_id::adoptable || route == route_id::adopt;
    const bool asks_target =
        adopts || route == route_id::plan || route == route_id::migration_plan || route == route_id::migrate;
    if (asks_target && e.code == errc::target_unavailable)
        return "try it again once the database answers: this call is not repeated by itself";
    if (adopts && (e.code == errc::provider_busy || e.code == errc::provider_ambiguous))
        return "nothing was adopted; try it again: this call is not repeated by itself";
    if (adopts && e.code == errc::not_found) return "enrichctl adopt";
    if (route == route_id::release && e.code == errc::not_found) return "enrichctl quarantine list";
    return hint(e.code, e.detail);
}

} // namespace

namespace {

awaitable<void> refuse_route(http::server_request& in, http::response_writer& out, no_route miss) {
    const auto [status, code] =
        miss == no_route::path ? std::pair{404, "not_found"} : std::pair{405, "method_not_allowed"};
    auto body = error_body(code, fmt::format("{} {}: no such call", in.method, in.path),
                           "see docs/control-protocol.md");
    http::field_list more;
    if (miss == no_route::method) more.push_back({"Allow", methods_of(in.path)}); // RFC 9110, 15.5.6
    (void)co_await send_json(out, status, std::move(body), std::move(more));
}

// A parameter that nobody reads was meant to change the answer.
std::optional<error> unknown_parameter(const http::server_request& in, route_id route) {
    const auto known = parameters_of(route);
    for (const auto& [name, value] : in.query)
        if (std::find(known.begin(), known.end(), name) == known.end())
            return error{
                errc::invalid_input,
                fmt::format("{}: unknown parameter{}", name,
                            did_you_mean(name, std::vector<std::string>(known.begin(), known.end())))};
    return std::nullopt;
}

} // namespace

awaitable<void> handlers::handle(http::server_request& in, http::response_writer& out) {
    const auto match = match_route(in.method, in.path);
    if (const auto* miss = std::get_if<no_route>(&match)) {
        co_await refuse_route(in, out, *miss);
        co_return;
    }
    const auto& [which, id] = std::get<matched_route>(match);
    call c{in, out, which->id, id, {}, in.peer && may_operate_(*in.peer)};
    if (which->needs == access::operate && !c.is_operator) {
        // A name for it: g++ 12 destroys twice what braces make inside a co_await expression.
        const error refused = {errc::not_permitted,
                               "only operators may do this: root, the daemon's own user and "
                               "members of the group enrichd"};
        (void)co_await send_error(out, refused);
        co_return;
    }
    if (auto unknown = unknown_parameter(in, c.route)) {
        (void)co_await send_error(out, std::move(*unknown));
        co_return;
    }
    auto body = co_await in.read_text(body_limit);
    if (!body) {
        auto complaint = error_body("body_too_large", body.error().detail, "");
        (void)co_await send_json(out, 413, std::move(complaint));
        co_return;
    }
    c.body = std::move(*body);
    co_await dispatch(c);
}

// A request is a task of its own: what breaks in it breaks it alone, is logged, and told.
awaitable<void> handlers::dispatch(call& c) {
    std::string broken;
    std::optional<error> known;
    try {
        if (c.route == route_id::job_events || c.route == route_id::run_events)
            co_await stream_events(c);
        else if (c.route == route_id::report)
            co_await send_report(c);
        else if (c.route == route_id::request_file)
            co_await send_request_file(c);
        else if (c.route == route_id::ledger)
            co_await send_ledger(c);
        else
            co_await answer(c);
    } catch (const std::exception& e) {
        broken = e.what();
        known = ops_.explain(std::current_exception());
    }
    const auto cancelled = (co_await boost::asio::this_coro::cancellation_state).cancelled();
    if (broken.empty() || cancelled != boost::asio::cancellation_type::none) co_return;
    if (!known) log::error(fmt::format("control: {} {}: {}", c.in.method, c.in.path, broken));
    const error failure = known.value_or(error{errc::internal, broken});
    if (!c.out.started()) (void)co_await send_error(c.out, failure);
}

awaitable<void> handlers::answer(call& c) {
    auto body = co_await ask(c);
    if (!body) {
        const auto& e = body.error();
        auto told = error_body(name(e.code), e.detail, hint_of(c.route, e));
        (void)co_await send_json(c.out, http_status(e.code), std::move(told));
        co_return;
    }
    const int status = success_status(c.route, *body);
    (void)co_await send_json(c.out, status, std::move(*body));
}

result<json> handlers::look(call& c) {
    switch (c.route) {
    case route_id::version: return json::object();
    case route_id::status: {
        auto status = ops_.status();
        if (status) (*status)["operator"] = c.is_operator;
        return status;
    }
    case route_id::jobs: {
        const auto all = flag_of(c.in, "all");
        if (!all) return all.error();
        const auto run = c.in.parameter("run");
        return ops_.jobs(run ? std::optional<std::string>(*run) : std::nullopt, *all);
    }
    case route_id::job: return read_job(c);
    case route_id::run: return ops_.run(c.id);
    case route_id::quarantine: return ops_.quarantine_list();
    case route_id::budget: return ops_.budget();
    case route_id::bookings: {
        const auto after = number_of(c.in, "after");
        if (!after) return after.error();
        return ops_.bookings(*after);
    }
    default: return error{errc::internal, "a GET that nobody handles"};
    }
}

result<json> handlers::read_job(const call& c) {
    auto reply = ops_.job(c.id, c.is_operator);
    if (!reply || c.is_operator) return reply;
    // Here as well as in operations: a row's text and what was said about it is for operators.
    const auto job = reply->find("job");
    if (job != reply->end() && job->contains("samples"))
        for (auto& sample : (*job)["samples"]) {
            sample.erase("text");
            sample.erase("reason");
        }
    return reply;
}

result<json> handlers::operate(call& c) {
    const auto with = [&](auto order, auto call_operation) -> result<json> {
        if (!order) return order.error();
        return call_operation(*order);
    };
    const auto plain = [&](auto call_operation) -> result<json> {
        if (auto r = read_nothing(c.body); !r) return r.error();
        return call_operation();
    };
    switch (c.route) {
    case route_id::start_run: return with(read_order(c.body), [&](auto& o) { return ops_.start_run(o); });
    case route_id::build: return with(read_build_order(c.body), [&](auto& o) { return ops_.build(o); });
    case route_id::submit:
        return with(read_submission(c.body),
                    [&](auto& o) { return ops_.submit(o.kind, o.sha256, o.budget); });
    case route_id::merge: return with(read_merge(c.body), [&](auto& k) { return ops_.merge(c.id, k); });
    case route_id::cancel:
        return with(read_cancel(c.body), [&](auto& order) { return ops_.cancel(order.id, order.abandon); });
    case route_id::release:
        return with(read_release(c.body), [&](auto& o) { return ops_.quarantine_release(o.keys, o.all); });
    case route_id::poll: return plain([&] { return ops_.poll(c.id); });
    case route_id::discard: return plain([&] { return ops_.discard(c.id); });
    case route_id::retry: return plain([&] { return ops_.retry(c.id); });
    case route_id::pause: return plain([&] { return ops_.pause(); });
    case route_id::resume: return plain([&] { return ops_.resume(); });
    default: return error{errc::internal, "a POST that nobody handles"};
    }
}

awaitable<result<json>> handlers::ask(call& c) {
    switch (c.route) {
    case route_id::plan: {
        auto order = read_order(c.body);
        if (!order) co_return order.error();
        co_return co_await ops_.plan(std::move(*order));
    }
    case route_id::verification: co_return co_await ops_.verification();
    case route_id::adoptable: co_return co_await ops_.adoptable();
    case route_id::adopt: {
        auto order = read_adoption(c.body);
        if (!order) co_return order.error();
        if (auto why = ops_.cannot_write()) co_return std::move(*why);
        if (order->leave) co_return ops_.leave(std::move(order->batch_id));
        co_return co_await ops_.adopt(std::move(order->batch_id));
    }
    case route_id::migration_plan: co_return co_await ops_.migration_plan();
    case route_id::migrate: {
        if (auto r = read_nothing(c.body); !r) co_return r.error();
        co_return co_await ops_.migrate();
    }
    case route_id::resolve: {
        auto order = read_resolve(c.body);
        if (!order) co_return order.error();
        co_return co_await ops_.resolve(c.id, std::move(order->adopt));
    }
    default: break;
    }
    if (c.in.method == "GET") co_return look(c);
    if (auto why = ops_.cannot_write()) co_return std::move(*why);
    co_return operate(c);
}

awaitable<void> handlers::send_report(call& c) {
    const auto format = c.in.parameter("format").value_or("md");
    const auto run = c.in.parameter("run");
    if (format != "md" && format != "json") {
        const error wrong = {errc::invalid_input, "format: expected md or json"};
        (void)co_await send_error(c.out, wrong);
        co_return;
    }
    auto report = ops_.report(run ? std::optional<std::string>(*run) : std::nullopt, std::string(format));
    if (!report) {
        (void)co_await send_error(c.out, report.error());
        co_return;
    }
    const auto fields = version_field();
    const auto* type = format == "md" ? "text/markdown; charset=utf-8" : "application/json";
    (void)co_await c.out.reply(200, type, std::move(*report), fields);
}

awaitable<void> handlers::send_request_file(call& c) {
    const auto path = ops_.request_file(c.id);
    if (!path) {
        (void)co_await send_error(c.out, path.error());
        co_return;
    }
    const auto fields = version_field();
    const auto sent = co_await c.out.send_file(*path, "application/x-ndjson", fields);
    if (!sent && !c.out.started()) (void)co_await send_error(c.out, sent.error());
}

awaitable<void> handlers::send_ledger(call& c) {
    const auto copy = co_await ops_.ledger_copy();
    if (!copy) {
        (void)co_await send_error(c.out, copy.error());
        co_return;
    }
    const auto fields = version_field();
    const auto sent = co_await c.out.send_file(**copy, "application/vnd.sqlite3", fields);
    if (!sent && !c.out.started()) (void)co_await send_error(c.out, sent.error());
}

} // namespace enrichd::control

// Streams of progress: one line for each change of a job or run, until it has ended.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/handlers.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

#include <variant>

#include "core/job.hpp"
#include "core/run.hpp"
#include "daemon/control/replies.hpp"

namespace enrichd::control {

namespace {

constexpr std::string_view ndjson = "application/x-ndjson";

// The state's word in a reply of GET /v1/jobs/{id} or /v1/runs/{id}.
std::string state_of(const json& reply, const char* what) {
    const auto object = reply.find(what);
    if (object == reply.end() || !object->is_object()) return {};
    const auto state = object->find("state");
    if (state == object->end() || !state->is_string()) return {};
    return *state->get_ptr<const std::string*>();
}

bool job_has_ended(const std::string& word) {
    return word == "merged" || word == "failed" || word == "cancelled" || word == "discarded";
}

bool run_has_ended(const std::string& word) {
    const auto state = run::parse_state(word);
    return state && run::has_ended(*state);
}

awaitable<void> pass(std::chrono::milliseconds time) {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, time);
    co_await timer.async_wait(boost::asio::use_awaitable);
}

} // namespace

awaitable<void> handlers::stream_events(call& c) {
    using namespace boost::asio::experimental::awaitable_operators;
    const bool of_job = c.route == route_id::job_events;
    const auto read = [&] { return of_job ? read_job(c) : ops_.run(c.id); };

    auto reply = read();
    if (!reply) {
        (void)co_await send_error(c.out, reply.error());
        co_return;
    }
    const auto fields = version_field();
    if (!co_await c.out.begin(200, ndjson, fields)) co_return;
    std::string sent;
    // The first wait returns at once unless nothing has ever changed; so no change between reading and
    // waiting is lost.
    for (std::uint64_t seen = 0;;) {
        auto line = render(*reply);
        if (line != sent) {
            if (!co_await c.out.write(line)) co_return;
            sent = std::move(line);
        }
        const auto state = state_of(*reply, of_job ? "job" : "run");
        if (of_job ? job_has_ended(state) : run_has_ended(state)) break;

        const auto news =
            co_await (ops_.changed(seen) || pass(options_.keep_alive) || c.out.until_peer_gone());
        if (news.index() == 2) co_return;
        if (news.index() == 1) {
            if (!co_await c.out.write("\n")) co_return;
            continue;
        }
        const auto& version = std::get<0>(news);
        if (!version) break; // we are shutting down
        seen = *version;
        if (reply = read(); !reply) break; // pruned meanwhile
    }
    (void)co_await c.out.finish();
}

} // namespace enrichd::control

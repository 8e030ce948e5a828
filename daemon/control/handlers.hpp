// What each path of the control socket does: check the peer, read the request, ask operations, write the
// reply.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/control_routes.hpp"
#include "daemon/control/operations.hpp"
#include "daemon/control/peers.hpp"
#include "daemon/http/server.hpp"

#include <chrono>
#include <string>

namespace enrichd::control {

struct handler_options {
    /// How often a stream without news sends an empty line, so that a client can tell silence from a hang.
    std::chrono::milliseconds keep_alive = std::chrono::seconds(15);
};

class handlers {
public:
    handlers(operations& ops, peer_policy may_operate, handler_options options)
        : ops_(ops), may_operate_(std::move(may_operate)), options_(options) {}

    /// Answers one request, whatever it is.
    awaitable<void> handle(http::server_request& in, http::response_writer& out);

private:
    /// One request on its way.
    struct call {
        http::server_request& in;
        http::response_writer& out;
        route_id route;
        std::string id;   ///< of the path
        std::string body; ///< as it was sent
        bool is_operator = false;
    };

    awaitable<void> dispatch(call& c);
    awaitable<void> answer(call& c);
    result<json> look(call& c);
    result<json> operate(call& c);
    awaitable<result<json>> ask(call& c);
    result<json> read_job(const call& c);
    awaitable<void> stream_events(call& c);
    awaitable<void> send_report(call& c);
    awaitable<void> send_request_file(call& c);
    awaitable<void> send_ledger(call& c);

    operations& ops_;
    peer_policy may_operate_;
    handler_options options_;
};

} // namespace enrichd::control

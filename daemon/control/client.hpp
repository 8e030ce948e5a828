// The control client: a call to the daemon over its Unix socket.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/control_routes.hpp"
#include "core/error.hpp"
#include "daemon/http/client.hpp"

#include <nlohmann/json.hpp>

#include <functional>
#include <span>
#include <string>

namespace enrichd::control {

template <class T>
using awaitable = boost::asio::awaitable<T>;
using json = nlohmann::json;

/// An answer of the daemon, good or not.
struct reply {
    unsigned status = 0;
    std::string text;    ///< the body unchanged; empty where it went to a sink
    json body;           ///< the body read; null where it is no JSON
    std::string version; ///< the daemon's

    bool ok() const { return status >= 200 && status < 300; }
};

/// What the daemon says of a request that it refused.
struct refusal {
    errc code{};
    std::string message;
    std::string hint;
};
/// Reads {"error": ...}; of an answer without one, makes the best of its status.
refusal read_refusal(const reply& r);
/// Reads {"code", "message", "hint"}, as it also stands in runs and jobs.
refusal read_refusal(const json& error_object);

/// One line of a stream, without its newline; empty where the daemon only shows that it is there. False ends
/// the stream.
using line_sink = std::function<awaitable<bool>(std::string_view)>;
using byte_sink = http::body_sink;

/// Errors of every call: unavailable (nobody answers at the socket: nothing was sent), io or timed_out (the
/// daemon went away in the middle; it may have done what was asked), cancelled. A refusal is a reply, not an
/// error.
class client {
public:
    explicit client(std::string socket);

    const std::string& socket() const { return socket_; }

    /// `query` goes behind the path: "?all=true".
    awaitable<result<reply>> get(route_id route, std::string id = {}, std::string query = {});
    awaitable<result<reply>> post(route_id route, std::string id = {}, json body = json::object());

    /// Lines as they come, until the stream or the sink ends it.
    awaitable<result<reply>> stream(route_id route, std::string id, line_sink sink);
    /// A body of any length, piece by piece.
    awaitable<result<reply>> download(route_id route, std::string id, std::string query, byte_sink sink);

private:
    awaitable<result<reply>> send(http::request r);

    std::string socket_;
    http::client http_;
};

} // namespace enrichd::control

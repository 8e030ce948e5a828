// An HTTP/1.1 client for one server: keep-alive, deadlines, bodies of any size in bounded memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/http/connector.hpp"
#include "daemon/http/message.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace enrichd::http {

class call_clock;
struct exchange_report;

struct client_settings {
    endpoint server;
    std::optional<std::string> ca_file = {}; ///< PEM, besides the system's; TLS only
    deadlines limits = {};                   ///< of requests that bring none
    std::string user_agent = "enrichd";
    boost::asio::any_io_executor pool = {}; ///< reads the files of bodies; empty: the loop does
    std::size_t idle_connections = 4;       ///< kept open for the next request
    std::chrono::seconds idle_for = std::chrono::seconds(50); ///< and how long
};

/// Redirects are not followed, answers come uncompressed. A plain read (GET or HEAD without a body) may go
/// over a connection kept from before, and goes over a new one if the server turns out to have closed that.
/// Everything else gets a new connection and is sent exactly once: on a kept one nobody could tell a request
/// that came too late from one whose answer was lost.
///
/// Errors, so that a caller knows whether the request may have had an effect:
/// - invalid_input: it was never sent: a target, header or file that cannot be;
/// - unavailable: it was never sent: no connection (name, refusal, certificate, deadline of connecting);
/// - io: it was sent, in whole or in part, and no clean answer came back;
/// - timed_out: the same, because a deadline passed;
/// - cancelled: the caller's coroutine was cancelled; it may have been sent;
/// - whatever the sink returned.
/// An answer of any status, 500 too, is a result and no error.
///
/// Used by one thread; several requests at a time are fine. Must outlive them, and be gone before the
/// io_context, as kept connections belong to that.
class client {
public:
    /// Throws fatal_error if ca_file holds no certificate.
    explicit client(client_settings settings);
    /// Over connections made by someone else, for tests.
    client(client_settings settings, std::unique_ptr<connector> connections);
    ~client();

    awaitable<result<response>> send(request r);

private:
    struct kept {
        std::unique_ptr<byte_stream> stream;
        std::chrono::steady_clock::time_point since;
    };

    awaitable<result<response>> send_or_throw(request& r);
    awaitable<result<response>> over(std::unique_ptr<byte_stream> stream, const request& r,
                                     const std::string& head, const call_clock& time,
                                     exchange_report& report);
    void keep(std::unique_ptr<byte_stream> stream);
    std::unique_ptr<byte_stream> take_kept();

    client_settings settings_;
    std::unique_ptr<connector> connections_;
    std::vector<kept> idle_;
};

} // namespace enrichd::http

// The control server: HTTP + JSON on a Unix socket that everybody may open, and few may operate by.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/handlers.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <filesystem>

namespace enrichd::control {

class server {
public:
    /// `ops` must outlive it. All on one thread.
    server(boost::asio::any_io_executor executor, operations& ops, peer_policy may_operate = operators(),
           handler_options options = {});

    /// Makes the socket (0666) and the folders above it. Errors: state_conflict where another daemon answers
    /// on it, or the path is no socket; io.
    result<void> listen(const std::filesystem::path& socket);

    /// Serves until stop(); returns when the last connection has ended.
    awaitable<void> serve();

    /// Takes no more requests, lets the ones that run finish within `grace`. Streams end when
    /// operations::changed() says cancelled.
    void stop(std::chrono::milliseconds grace);

private:
    handlers handlers_;
    http::server http_;
};

} // namespace enrichd::control

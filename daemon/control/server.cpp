// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/server.hpp"

#include <fmt/format.h>

#include <system_error>

namespace enrichd::control {

server::server(boost::asio::any_io_executor executor, operations& ops, peer_policy may_operate,
               handler_options options)
    : handlers_(ops, std::move(may_operate), options),
      http_(std::move(executor), http::server_options{},
            [this](http::server_request& in, http::response_writer& out) {
                return handlers_.handle(in, out);
            }) {}

result<void> server::listen(const std::filesystem::path& socket) {
    std::error_code ec;
    if (socket.has_parent_path()) std::filesystem::create_directories(socket.parent_path(), ec);
    if (ec) return error{errc::io, fmt::format("{}: {}", socket.parent_path().native(), ec.message())};
    return http_.listen_unix(socket, 0666);
}

awaitable<void> server::serve() {
    return http_.serve();
}

void server::stop(std::chrono::milliseconds grace) {
    http_.stop(grace);
}

} // namespace enrichd::control

// SPDX-License-Identifier: Apache-2.0
#include "tests/support/server_thread.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <thread>

namespace asio = boost::asio;

namespace enrichd::test {

struct server_thread::parts {
    parts(http::request_handler handler, http::server_options options)
        : server(context.get_executor(), options, std::move(handler)) {}

    asio::io_context context{1};
    http::server server;
    std::thread thread;
};

server_thread::server_thread(http::request_handler handler, http::server_options options)
    : parts_(std::make_unique<parts>(std::move(handler), options)) {}

server_thread::~server_thread() {
    stop(std::chrono::milliseconds(0));
    join();
}

std::uint16_t server_thread::listen_tcp() {
    return parts_->server.listen_tcp("127.0.0.1", 0).value();
}

result<void> server_thread::listen_unix(const std::filesystem::path& path, mode_t mode) {
    return parts_->server.listen_unix(path, mode);
}

void server_thread::start() {
    asio::co_spawn(parts_->context, parts_->server.serve(), [](std::exception_ptr failure) {
        if (failure) std::rethrow_exception(failure);
    });
    parts_->thread = std::thread([this] { parts_->context.run(); });
}

void server_thread::stop(std::chrono::milliseconds grace) {
    asio::post(parts_->context, [this, grace] { parts_->server.stop(grace); });
}

void server_thread::join() {
    if (parts_->thread.joinable()) parts_->thread.join();
}

} // namespace enrichd::test

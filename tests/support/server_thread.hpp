// Runs an http::server in a thread of its own for as long as a test lasts.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/http/server.hpp"

#include <memory>

namespace enrichd::test {

class server_thread {
public:
    explicit server_thread(http::request_handler handler, http::server_options options = {});
    ~server_thread(); ///< stops at once
    server_thread(const server_thread&) = delete;
    server_thread& operator=(const server_thread&) = delete;

    std::uint16_t listen_tcp();
    result<void> listen_unix(const std::filesystem::path& path, mode_t mode);
    void start();
    void stop(std::chrono::milliseconds grace);
    /// Waits until serve() has returned.
    void join();

private:
    struct parts;
    std::unique_ptr<parts> parts_;
};

} // namespace enrichd::test

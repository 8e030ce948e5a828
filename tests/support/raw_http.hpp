// A blocking HTTP client of few lines, for tests that must see exactly what a server sends.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace enrichd::test {

struct raw_reply {
    int status = 0;
    std::string head;
    std::string body;      ///< without chunk framing
    bool complete = false; ///< the end of the body was seen, by its framing
};

/// One connection to a server under test. Throws std::runtime_error where it cannot connect; reads and writes
/// wait at most ten seconds.
class raw_connection {
public:
    explicit raw_connection(std::uint16_t port);
    explicit raw_connection(const std::filesystem::path& socket);
    ~raw_connection();
    raw_connection(const raw_connection&) = delete;
    raw_connection& operator=(const raw_connection&) = delete;

    /// Sends bytes as they are. False where the peer is gone.
    bool send(std::string_view bytes);
    /// The next reply; status 0 where the connection ended before a head came.
    raw_reply receive();
    raw_reply exchange(std::string_view bytes) {
        send(bytes);
        return receive();
    }
    /// True once the peer has closed.
    bool ended();

private:
    bool fill();

    int fd_ = -1;
    std::string pending_;
};

/// A request with a Content-Length where there is a body.
std::string raw_request(std::string_view method, std::string_view target, std::string_view body = "",
                        std::string_view fields = "");

} // namespace enrichd::test

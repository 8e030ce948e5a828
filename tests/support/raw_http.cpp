// SPDX-License-Identifier: Apache-2.0
#include "tests/support/raw_http.hpp"

#include <charconv>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

namespace enrichd::test {

namespace {

int connected(int family, const sockaddr* address, socklen_t length) {
    const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval wait = {10, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    if (fd >= 0 && ::connect(fd, address, length) == 0) return fd;
    if (fd >= 0) ::close(fd);
    throw std::runtime_error("cannot connect to the server under test");
}

std::optional<std::string> field_of(const std::string& head, std::string_view name) {
    const auto at = head.find("\r\n" + std::string(name) + ": ");
    if (at == std::string::npos) return std::nullopt;
    const auto from = at + 2 + name.size() + 2;
    return head.substr(from, head.find("\r\n", from) - from);
}

} // namespace

raw_connection::raw_connection(std::uint16_t port) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd_ = connected(AF_INET, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

raw_connection::raw_connection(const std::filesystem::path& socket) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    socket.native().copy(address.sun_path, sizeof address.sun_path - 1);
    fd_ = connected(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

raw_connection::~raw_connection() {
    ::close(fd_);
}

bool raw_connection::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

bool raw_connection::fill() {
    char piece[65536];
    const auto n = ::recv(fd_, piece, sizeof piece, 0);
    if (n <= 0) return false;
    pending_.append(piece, static_cast<std::size_t>(n));
    return true;
}

bool raw_connection::ended() {
    return pending_.empty() && !fill();
}

raw_reply raw_connection::receive() {
    raw_reply reply;
    std::size_t end = 0;
    while ((end = pending_.find("\r\n\r\n")) == std::string::npos)
        if (!fill()) return reply;
    reply.head = pending_.substr(0, end + 2);
    pending_.erase(0, end + 4);
    std::from_chars(reply.head.data() + 9, reply.head.data() + 12, reply.status);
    if (reply.status == 100) return reply;

    if (const auto length = field_of(reply.head, "Content-Length")) {
        const auto size = std::stoull(*length);
        while (pending_.size() < size && fill()) {
        }
        reply.complete = pending_.size() >= size;
        reply.body = pending_.substr(0, size);
        pending_.erase(0, size);
        return reply;
    }
    for (;;) { // chunks
        std::size_t line = 0;
        while ((line = pending_.find("\r\n")) == std::string::npos)
            if (!fill()) return reply;
        const auto size = std::stoull(pending_.substr(0, line), nullptr, 16);
        while (pending_.size() < line + 2 + size + 2)
            if (!fill()) return reply;
        reply.body += pending_.substr(line + 2, size);
        pending_.erase(0, line + 2 + size + 2);
        if (size == 0) {
            reply.complete = true;
            return reply;
        }
    }
}

std::string raw_request(std::string_view method, std::string_view target, std::string_view body,
                        std::string_view fields) {
    std::string out = std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: test\r\n";
    out += fields;
    if (!body.empty()) out += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return out + "\r\n" + std::string(body);
}

} // namespace enrichd::test

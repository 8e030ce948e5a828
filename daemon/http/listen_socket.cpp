// SPDX-License-Identifier: Apache-2.0
#include "daemon/http/listen_socket.hpp"

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace enrichd::http {

namespace {

error system_failure(std::string what) {
    return {errc::io, fmt::format("{}: {}", what, std::strerror(errno))};
}

// Closes what is not handed on.
struct descriptor_guard {
    int descriptor;
    ~descriptor_guard() {
        if (descriptor >= 0) ::close(descriptor);
    }
    int release() { return std::exchange(descriptor, -1); }
};

result<sockaddr_un> unix_address(const std::filesystem::path& path) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    if (path.native().size() >= sizeof address.sun_path)
        return error{errc::invalid_input,
                     fmt::format("{}: a socket's path has at most {} bytes; choose a shorter one",
                                 path.native(), sizeof address.sun_path - 1)};
    path.native().copy(address.sun_path, path.native().size());
    return address;
}

// Clears the way for a new socket file.
result<void> remove_stale(const std::filesystem::path& path, const sockaddr_un& address) {
    struct stat there = {};
    if (::lstat(path.c_str(), &there) != 0)
        return errno == ENOENT ? result<void>() : system_failure(path.native());
    if (!S_ISSOCK(there.st_mode))
        return error{
            errc::state_conflict,
            fmt::format("{}: is there and is no socket; remove it or choose another path", path.native())};
    descriptor_guard probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (probe.descriptor < 0) return system_failure("socket");
    if (::connect(probe.descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        return error{errc::state_conflict,
                     fmt::format("{}: another process answers on this socket", path.native())};
    if (errno != ECONNREFUSED && errno != ENOENT) return system_failure(path.native());
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return system_failure(path.native());
    return {};
}

} // namespace

result<listening_socket> open_tcp(const std::string& address, std::uint16_t port) {
    boost::system::error_code ec;
    const auto ip = boost::asio::ip::make_address(address, ec);
    if (ec)
        return error{errc::invalid_input,
                     fmt::format("{}: expected a numeric address such as 127.0.0.1", address)};
    sockaddr_storage storage = {};
    socklen_t length = 0;
    if (ip.is_v4()) {
        auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        v4.sin_addr.s_addr = htonl(ip.to_v4().to_uint());
        length = sizeof v4;
    } else {
        auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        std::memcpy(&v6.sin6_addr, ip.to_v6().to_bytes().data(), sizeof v6.sin6_addr);
        length = sizeof v6;
    }
    descriptor_guard fd{::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    const auto what = fmt::format("{}:{}", address, port);
    if (fd.descriptor < 0) return system_failure(what);
    const int on = 1;
    ::setsockopt(fd.descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    auto* generic = reinterpret_cast<sockaddr*>(&storage);
    if (::bind(fd.descriptor, generic, length) != 0 || ::listen(fd.descriptor, SOMAXCONN) != 0 ||
        ::getsockname(fd.descriptor, generic, &length) != 0)
        return system_failure(what);
    const auto bound = ip.is_v4() ? reinterpret_cast<sockaddr_in&>(storage).sin_port
                                  : reinterpret_cast<sockaddr_in6&>(storage).sin6_port;
    return listening_socket{fd.release(), storage.ss_family, ntohs(bound)};
}

result<listening_socket> open_unix(const std::filesystem::path& path, mode_t mode) {
    const auto address = unix_address(path);
    if (!address) return address.error();
    if (auto clear = remove_stale(path, *address); !clear) return clear.error();
    descriptor_guard fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (fd.descriptor < 0) return system_failure("socket");
    // bind() makes the file with the socket's own mode less the umask: set before, so that there is no moment
    // at which it is open wider than asked; and after, for what the umask took away.
    if (::fchmod(fd.descriptor, mode) != 0 ||
        ::bind(fd.descriptor, reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0 ||
        ::chmod(path.c_str(), mode) != 0 || ::listen(fd.descriptor, SOMAXCONN) != 0)
        return system_failure(path.native());
    return listening_socket{fd.release(), AF_UNIX, 0};
}

std::optional<peer_credentials> read_peer(int descriptor) {
    int family = 0;
    socklen_t length = sizeof family;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &family, &length) != 0 || family != AF_UNIX)
        return {};
    ucred credentials = {};
    length = sizeof credentials;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return {};
    peer_credentials peer{credentials.uid, credentials.gid, credentials.pid, {}};
    length = 0;
    // The first call fails with ERANGE and says how much room the groups need.
    if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, nullptr, &length) != 0 && errno == ERANGE) {
        peer.groups.resize(length / sizeof(gid_t));
        if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, peer.groups.data(), &length) != 0) return {};
        peer.groups.resize(length / sizeof(gid_t));
    }
    return peer;
}

} // namespace enrichd::http

// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/find_socket.hpp"

#include <cstdlib>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/config.hpp"

namespace enrichd::ctl {

namespace {

surroundings look_around() {
    surroundings around;
    for (const char* name :
         {"ENRICHD_SOCKET", "HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME"})
        if (const char* value = std::getenv(name)) around.environment[name] = value;
    around.root = geteuid() == 0;
    return around;
}

bool answers(const std::string& path) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return false;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    const bool connected = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    close(fd);
    return connected;
}

} // namespace

std::string find_socket(const std::string& given) {
    if (!given.empty()) return given;
    const auto places = client_sockets(look_around());
    if (places.size() == 1) return places.front();
    for (const auto& place : places)
        if (answers(place)) return place;
    for (const auto& place : places)
        if (::access(place.c_str(), F_OK) == 0) return place;
    return places.back();
}

} // namespace enrichd::ctl

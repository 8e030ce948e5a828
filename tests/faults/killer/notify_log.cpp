// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/killer/notify_log.hpp"

#include <cstring>
#include <fstream>
#include <poll.h>
#include <stdexcept>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace enrichd::killer {

namespace {

constexpr int look_ms = 20;

int bound_socket(const std::filesystem::path& path) {
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    unlink(path.c_str());
    if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error("bind: " + path.string());
    return fd;
}

} // namespace

notify_log::notify_log(const std::filesystem::path& socket, const std::filesystem::path& log)
    : fd_(bound_socket(socket)), log_(log), thread_([this] { listen(); }) {}

notify_log::~notify_log() {
    end_ = true;
    thread_.join();
    close(fd_);
}

bool notify_log::take() {
    char text[4096];
    const auto size = recv(fd_, text, sizeof text, MSG_DONTWAIT);
    if (size < 0) return false;
    const std::string_view said(text, static_cast<std::size_t>(size));
    std::ofstream(log_, std::ios::app | std::ios::binary) << said << '\n';
    if (said.find("READY=1") != said.npos) ready_ = true;
    return true;
}

void notify_log::listen() {
    while (!end_) {
        pollfd waiting = {fd_, POLLIN, 0};
        if (poll(&waiting, 1, look_ms) > 0) take();
    }
}

void notify_log::forget() {
    while (take()) {
    }
    // The thread may be in the middle of a message; it is done with it by its next look.
    poll(nullptr, 0, 2 * look_ms);
    ready_ = false;
}

} // namespace enrichd::killer

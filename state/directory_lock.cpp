// SPDX-License-Identifier: Apache-2.0
#include "state/directory_lock.hpp"

#include "core/error.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace enrichd {

namespace {

std::string holder(int fd) {
    char text[32] = {};
    const auto n = pread(fd, text, sizeof text - 1, 0);
    return n > 0 ? std::string(text, static_cast<std::size_t>(n)) : std::string("unknown");
}

} // namespace

directory_lock::directory_lock(const std::filesystem::path& directory) {
    std::error_code ec;
    if (std::filesystem::create_directories(directory, ec)) chmod(directory.c_str(), 0700);
    if (ec)
        throw fatal_error(errc::io,
                          fmt::format("{}: cannot make the state directory: {}; set [state] directory",
                                      directory.string(), ec.message()));
    const auto path = directory / "lock";
    fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd_ < 0) throw fatal_error(errc::io, fmt::format("{}: {}", path.string(), std::strerror(errno)));
    if (flock(fd_, LOCK_EX | LOCK_NB) != 0) {
        const auto text =
            fmt::format("{}: another enrichd (pid {}) uses this state directory; stop it, or set another "
                        "[state] directory",
                        directory.string(), holder(fd_));
        close(fd_);
        throw fatal_error(errc::state_conflict, text);
    }
    const auto pid = std::to_string(getpid());
    // For the message above alone; the lock does not depend on it.
    if (ftruncate(fd_, 0) == 0 && pwrite(fd_, pid.data(), pid.size(), 0) < 0) return;
}

directory_lock::~directory_lock() {
    close(fd_);
}

} // namespace enrichd

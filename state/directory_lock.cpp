// SPDX-License-Identifier: Apache-2.0
#include "state/directory_lock.hpp"

#include "core/error.hpp"
#include "state/durable_copy.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace enrichd {

namespace fs = std::filesystem;

namespace {

std::string holder(int fd) {
    char text[32] = {};
    const auto n = pread(fd, text, sizeof text - 1, 0);
    return n > 0 ? std::string(text, static_cast<std::size_t>(n)) : std::string("unknown");
}

// The last of the folders on the way that is there.
fs::path existing(fs::path folder) {
    std::error_code ec;
    while (!fs::exists(folder, ec) && folder.has_relative_path())
        folder = folder.parent_path();
    return folder;
}

// SQLite makes the ledger's name durable, and nobody else the name of the folder that it is in. Where we may
// not read the folder above, somebody else made ours, long ago.
void make_names_durable(const fs::path& from, fs::path directory) {
    do {
        directory = directory.parent_path();
        if (!sync_folder(directory) && errno != EACCES && errno != EINVAL && errno != EROFS)
            throw fatal_error(errc::io, fmt::format("{}: cannot make its names durable: {}",
                                                    directory.string(), std::strerror(errno)));
    } while (directory.native().size() > from.native().size());
}

} // namespace

directory_lock::directory_lock(const fs::path& directory) {
    std::error_code ec;
    auto whole = fs::absolute(directory).lexically_normal();
    if (!whole.has_filename()) whole = whole.parent_path(); // "state/"
    const auto begun_at = existing(whole);
    if (fs::create_directories(directory, ec)) chmod(directory.c_str(), 0700);
    if (ec)
        throw fatal_error(errc::io,
                          fmt::format("{}: cannot make the state directory: {}; set [state] directory",
                                      directory.string(), ec.message()));
    make_names_durable(begun_at, whole);
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

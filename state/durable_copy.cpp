// SPDX-License-Identifier: Apache-2.0
#include "state/durable_copy.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <unistd.h>

#include "core/error.hpp"

namespace enrichd {

namespace {

constexpr std::size_t buffer_bytes = 256 * 1024;

[[noreturn]] void fail(const std::string& path, const char* doing) {
    throw fatal_error(errc::io, fmt::format("{}: cannot {}: {}", path, doing, std::strerror(errno)));
}

class descriptor {
public:
    descriptor(const std::string& path, int flags) : fd_(open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
    ~descriptor() {
        if (fd_ >= 0) close(fd_);
    }
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    int get() const { return fd_; }

private:
    int fd_;
};

void copy_bytes(const descriptor& from, const descriptor& to, const std::string& path,
                const std::string& copy) {
    const auto buffer = std::make_unique<char[]>(buffer_bytes);
    for (;;) {
        const auto n = read(from.get(), buffer.get(), buffer_bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) fail(path, "read");
        if (n == 0) return;
        for (ssize_t done = 0; done < n;) {
            const auto written = write(to.get(), buffer.get() + done, static_cast<std::size_t>(n - done));
            if (written < 0 && errno != EINTR) fail(copy, "write");
            if (written > 0) done += written;
        }
    }
}

void sync_folder_of(const std::string& path) {
    auto folder = std::filesystem::path(path).parent_path().string();
    if (folder.empty()) folder = ".";
    if (!sync_folder(folder)) fail(folder, "make durable");
}

} // namespace

std::optional<std::string> rewrite_beside(const std::string& path) {
    const descriptor from(path, O_RDONLY);
    if (from.get() < 0 && errno == ENOENT) return std::nullopt;
    if (from.get() < 0) fail(path, "open");
    auto copy = path + ".new";
    const descriptor to(copy, O_WRONLY | O_CREAT | O_TRUNC);
    if (to.get() < 0) fail(copy, "create");
    copy_bytes(from, to, path, copy);
    if (fsync(to.get()) != 0) fail(copy, "make durable");
    return copy;
}

void put_in_place(const std::string& copy, const std::string& path) {
    if (rename(copy.c_str(), path.c_str()) != 0) fail(copy, "rename");
    sync_folder_of(path);
}

bool sync_folder(const std::filesystem::path& folder) {
    const descriptor d(folder.string(), O_RDONLY | O_DIRECTORY);
    return d.get() >= 0 && fsync(d.get()) == 0;
}

void make_durable(const std::string& path) {
    const descriptor file(path, O_RDONLY);
    if (file.get() < 0 || fsync(file.get()) != 0) fail(path, "make durable");
    sync_folder_of(path);
}

} // namespace enrichd

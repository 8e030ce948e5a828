// SPDX-License-Identifier: Apache-2.0
#include "daemon/provider/download_file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace enrichd::provider {

download_file::download_file(std::filesystem::path to) : to_(std::move(to)), partial_(to_) {
    partial_ += ".partial";
}

download_file::~download_file() {
    if (fd_ < 0) return;
    ::close(fd_);
    ::unlink(partial_.c_str());
}

error download_file::failed(const char* doing) const {
    const bool full = errno == ENOSPC || errno == EDQUOT;
    return {full ? errc::unavailable : errc::io,
            fmt::format("{}: {}: {}", partial_.string(), doing, std::strerror(errno))};
}

result<void> download_file::begin() {
    bytes_ = 0;
    if (fd_ >= 0) {
        if (::ftruncate(fd_, 0) != 0 || ::lseek(fd_, 0, SEEK_SET) != 0) return failed("emptying");
        return {};
    }
    fd_ = ::open(partial_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd_ < 0) return failed("opening");
    return {};
}

result<void> download_file::append(std::span<const char> bytes) {
    bytes_ += bytes.size();
    while (!bytes.empty()) {
        const auto n = ::write(fd_, bytes.data(), bytes.size());
        if (n < 0 && errno != EINTR) return failed("writing");
        if (n > 0) bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    return {};
}

result<void> download_file::finish() {
    if (::fsync(fd_) != 0) return failed("fsync");
    // Some file systems report a failed write only here. The number is gone whatever close() says.
    if (::close(std::exchange(fd_, -1)) != 0) {
        const auto e = failed("closing");
        ::unlink(partial_.c_str());
        return e;
    }
    if (::rename(partial_.c_str(), to_.c_str()) != 0) {
        const auto e = failed("renaming");
        ::unlink(partial_.c_str());
        return e;
    }
    const auto folder = to_.has_parent_path() ? to_.parent_path() : std::filesystem::path(".");
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return failed("opening its folder");
    const bool durable = ::fsync(fd) == 0;
    const auto e = failed("fsync of its folder");
    ::close(fd);
    if (!durable) return e;
    return {};
}

} // namespace enrichd::provider

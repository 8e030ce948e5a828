// SPDX-License-Identifier: Apache-2.0
#include "daemon/provider/download_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <limits>
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
    return {full ? errc::disk_full : errc::io,
            fmt::format("{}: {}: {}", partial_.string(), doing, std::strerror(errno))};
}

result<void> download_file::begin() {
    if (bytes_ > 0 && (!earlier_ || bytes_ > earlier_->bytes)) earlier_ = beginning{bytes_, hash_.finish()};
    bytes_ = 0;
    hash_ = sha256();
    compared_.reset();
    if (earlier_) compared_.emplace();
    if (fd_ >= 0) {
        if (::ftruncate(fd_, 0) != 0 || ::lseek(fd_, 0, SEEK_SET) != 0) return failed("emptying");
        return {};
    }
    fd_ = ::open(partial_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd_ < 0) return failed("opening");
    return {};
}

// A provider that has another file under the id now must not be taken for a bad connection.
result<void> download_file::compare(std::string_view piece) {
    if (!compared_) return {};
    const auto left = earlier_->bytes - bytes_;
    compared_->update(piece.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left, piece.size()))));
    if (piece.size() < left) return {};
    const bool same = compared_->finish() == earlier_->digest;
    compared_.reset();
    if (same) return {};
    return error{
        errc::provider_invalid,
        fmt::format("the file at the provider changed between two tries: the first {} bytes are others; "
                    "nothing of it is used, and it is fetched again from its beginning",
                    earlier_->bytes)};
}

std::uint64_t download_file::room() const {
    std::error_code ec;
    const auto folder = to_.has_parent_path() ? to_.parent_path() : std::filesystem::path(".");
    const auto space = std::filesystem::space(folder, ec);
    return ec ? std::numeric_limits<std::uint64_t>::max() : space.available;
}

result<void> download_file::append(std::span<const char> bytes) {
    const std::string_view piece(bytes.data(), bytes.size());
    if (auto same = compare(piece); !same) return same;
    hash_.update(piece);
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
        auto e = failed("closing");
        ::unlink(partial_.c_str());
        return e;
    }
    if (::rename(partial_.c_str(), to_.c_str()) != 0) {
        auto e = failed("renaming");
        ::unlink(partial_.c_str());
        return e;
    }
    const auto folder = to_.has_parent_path() ? to_.parent_path() : std::filesystem::path(".");
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return failed("opening its folder");
    const bool durable = ::fsync(fd) == 0;
    auto e = failed("fsync of its folder");
    ::close(fd);
    if (!durable) return e;
    return {};
}

} // namespace enrichd::provider

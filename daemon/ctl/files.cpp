// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/files.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "core/sha256.hpp"

namespace enrichd::ctl {

namespace {

error io_error(const std::filesystem::path& file, int number) {
    return {errc::io, fmt::format("{}: {}", file.native(), std::strerror(number))};
}

class descriptor {
public:
    explicit descriptor(int fd) : fd_(fd) {}
    ~descriptor() {
        if (fd_ >= 0) close(fd_);
    }
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    int get() const { return fd_; }

private:
    int fd_;
};

} // namespace

std::filesystem::path numbered(const std::filesystem::path& file, std::int64_t number) {
    if (number <= 1 || is_standard_output(file)) return file;
    auto out = file;
    return out.replace_filename(
        fmt::format("{}.{:03}{}", file.stem().native(), number, file.extension().native()));
}

result<std::string> sha256_of_file(const std::filesystem::path& file) {
    const auto unreadable = [&] {
        return error{errc::invalid_input, fmt::format("{}: {}", file.native(), std::strerror(errno))};
    };
    const descriptor in(open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (in.get() < 0) return unreadable();
    enrichd::sha256 digest;
    std::array<char, 65536> piece;
    for (;;) {
        const auto n = read(in.get(), piece.data(), piece.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return unreadable();
        if (n == 0) return to_hex(digest.finish());
        digest.update({piece.data(), static_cast<std::size_t>(n)});
    }
}

namespace {

// Links may form a circle; the kernel gives up after as many.
constexpr int longest_chain_of_links = 40;

// Where the name leads, over symbolic links, though nothing may be there yet.
std::filesystem::path follow_links(std::filesystem::path file) {
    std::error_code ec;
    for (int n = 0; n < longest_chain_of_links; ++n) {
        if (!is_symlink(symlink_status(file, ec))) break;
        const auto target = read_symlink(file, ec);
        if (ec) break;
        file = file.parent_path() / target; // an absolute target stands alone
    }
    return file;
}

} // namespace

bool is_standard_output(const std::filesystem::path& file) {
    return file == "-";
}

struct file_writer::state {
    std::filesystem::path file;
    std::filesystem::path part; ///< written first, then moved; empty: the file itself is written to
    int fd = -1;
    enrichd::sha256 digest;
    std::string hex;

    const std::filesystem::path& written() const { return part.empty() ? file : part; }
};

file_writer::file_writer(std::unique_ptr<state> s) : state_(std::move(s)) {}
file_writer::file_writer(file_writer&&) noexcept = default;

file_writer::~file_writer() {
    if (!state_ || state_->fd < 0) return;
    close(state_->fd); // it was not finished
    if (!state_->part.empty()) unlink(state_->part.c_str());
}

result<file_writer> file_writer::open(const std::filesystem::path& file) {
    auto s = std::make_unique<state>();
    s->file = file;
    if (is_standard_output(file)) {
        s->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
        if (s->fd < 0) return io_error("standard output", errno);
        return file_writer(std::move(s));
    }
    s->file = follow_links(file);
    std::error_code ec;
    if (s->file.has_parent_path()) std::filesystem::create_directories(s->file.parent_path(), ec);
    if (ec) return io_error(s->file.parent_path(), ec.value());
    struct stat there = {};
    const bool exists = stat(s->file.c_str(), &there) == 0;
    if (!exists || S_ISREG(there.st_mode)) s->part = s->file.native() + ".part";
    const int how = s->part.empty() ? O_WRONLY : O_WRONLY | O_CREAT | O_TRUNC;
    s->fd = ::open(s->written().c_str(), how | O_CLOEXEC, 0666);
    if (s->fd < 0) return io_error(s->written(), errno);
    if (exists && !s->part.empty() && fchmod(s->fd, there.st_mode & 07777) != 0)
        return io_error(s->part, errno);
    return file_writer(std::move(s));
}

result<void> file_writer::write(std::string_view bytes) {
    state_->digest.update(bytes);
    while (!bytes.empty()) {
        const auto n = ::write(state_->fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return io_error(state_->written(), errno);
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
}

result<void> file_writer::finish() {
    if (!state_->part.empty()) {
        if (fsync(state_->fd) != 0) return io_error(state_->part, errno);
        if (rename(state_->part.c_str(), state_->file.c_str()) != 0) return io_error(state_->file, errno);
    }
    if (close(std::exchange(state_->fd, -1)) != 0) return io_error(state_->file, errno);
    state_->hex = to_hex(state_->digest.finish());
    return {};
}

const std::string& file_writer::sha256() const {
    return state_->hex;
}

} // namespace enrichd::ctl

// SPDX-License-Identifier: Apache-2.0
#include "daemon/spool.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

#include "state/durable_copy.hpp"

namespace enrichd {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t buffer_bytes = 256 * 1024;

error io_error(const fs::path& path, std::string_view doing) {
    const bool full = errno == ENOSPC || errno == EDQUOT;
    return {full ? errc::disk_full : errc::io,
            fmt::format("{}: cannot {}: {}", path.string(), doing, std::strerror(errno))};
}

[[noreturn]] void fail(const fs::path& path, std::string_view doing) {
    throw fatal_error(io_error(path, doing));
}

// A file descriptor that closes itself.
class descriptor {
public:
    descriptor(const fs::path& path, int flags, mode_t mode = 0600)
        : fd_(open(path.c_str(), flags | O_CLOEXEC, mode)) {}
    ~descriptor() {
        if (fd_ >= 0) close(fd_);
    }
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }

private:
    int fd_;
};

bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

} // namespace

spool::spool(const fs::path& state_directory)
    : batch_(state_directory / "batch"), validation_(state_directory / "output" / "validation") {
    std::error_code ec;
    fs::create_directories(batch_, ec);
    if (!ec) fs::create_directories(validation_, ec);
    if (ec) throw fatal_error(errc::io, fmt::format("{}: {}", state_directory.string(), ec.message()));
    // The entries of batch/ and output/ themselves, and that of validation/.
    for (const auto& folder : {state_directory, validation_.parent_path()})
        if (!sync_folder(folder)) fail(folder, "make durable");
}

fs::path spool::results_file(const std::string& batch_id) const {
    return batch_ / (safe_file_name(batch_id) + ".results.jsonl");
}

fs::path spool::errors_file(const std::string& batch_id) const {
    return batch_ / (safe_file_name(batch_id) + ".errors.jsonl");
}

result<fs::path> spool::open_report_folder(const std::string& name, bool is_latest) const {
    auto folder = validation_ / name;
    std::error_code ec;
    fs::create_directories(folder, ec);
    if (!ec && (is_latest || !fs::exists(validation_ / "latest", ec))) {
        // The link is replaced by a rename, so that there is always one.
        const auto beside = validation_ / "latest.new";
        if (!ec) fs::remove(beside, ec);
        if (!ec) fs::create_symlink(name, beside, ec);
        if (!ec) fs::rename(beside, validation_ / "latest", ec);
    }
    if (ec) return error{errc::io, fmt::format("{}: {}", folder.string(), ec.message())};
    if (!sync_folder(validation_)) return io_error(validation_, "make durable");
    return folder;
}

void spool::remove_files(const std::string& request_file_name,
                         const std::optional<std::string>& batch_id) const {
    std::error_code ec;
    fs::remove(request_file(request_file_name), ec);
    if (!batch_id) return;
    fs::remove(results_file(*batch_id), ec);
    fs::remove(errors_file(*batch_id), ec);
}

void spool::remove_request_files(const std::string& prefix) const {
    std::error_code ec;
    for (const auto& entry : fs::directory_iterator(batch_, ec))
        if (entry.path().filename().string().rfind(prefix, 0) == 0) fs::remove(entry.path(), ec);
}

void spool::remove_partial_files() const {
    std::error_code ec;
    for (const auto& entry : fs::directory_iterator(batch_, ec))
        if (entry.path().extension() == ".partial") fs::remove(entry.path(), ec);
}

std::string report_folder(std::int64_t created_ms, const std::string& run) {
    return fmt::format("{:%Y%m%dT%H%M%SZ}-{}", fmt::gmtime(static_cast<std::time_t>(created_ms / 1000)), run);
}

std::string safe_file_name(std::string_view id) {
    std::string name(id.substr(0, 200));
    std::replace_if(
        name.begin(), name.end(),
        [](char c) {
            return !std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_' && c != '.';
        },
        '_');
    if (name.empty() || name.front() == '.') name.insert(name.begin(), '_');
    return name;
}

spool_writer::spool_writer(const fs::path& path)
    : path_(path), fd_(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) {
    if (fd_ < 0) fail(path, "create");
    buffer_.reserve(buffer_bytes);
}

spool_writer::~spool_writer() {
    if (fd_ >= 0) close(fd_);
}

void spool_writer::append(std::string_view bytes) {
    buffer_ += bytes;
    size_ += bytes.size();
    if (buffer_.size() >= buffer_bytes) flush();
}

void spool_writer::flush() {
    hash_.update(buffer_);
    if (!write_all(fd_, buffer_)) fail(path_, "write");
    buffer_.clear();
}

std::string spool_writer::finish() {
    flush();
    if (fsync(fd_) != 0) fail(path_, "make durable");
    close(std::exchange(fd_, -1));
    if (!sync_folder(path_.parent_path())) fail(path_.parent_path(), "make durable");
    return to_hex(hash_.finish());
}

result<std::string> hash_file(const fs::path& path) {
    const descriptor d(path, O_RDONLY);
    if (!d) return io_error(path, "open");
    sha256 hash;
    const auto buffer = std::make_unique<char[]>(buffer_bytes);
    for (;;) {
        const auto n = read(d.get(), buffer.get(), buffer_bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return io_error(path, "read");
        if (n == 0) return to_hex(hash.finish());
        hash.update({buffer.get(), static_cast<std::size_t>(n)});
    }
}

result<spool_slice> read_slice(const fs::path& path, std::uint64_t offset, std::size_t max_lines,
                               std::uint64_t max_bytes, std::uint64_t max_line_bytes) {
    const descriptor d(path, O_RDONLY);
    if (!d) return io_error(path, "open");
    spool_slice slice;
    slice.next_offset = offset;
    const auto buffer = std::make_unique<char[]>(buffer_bytes);
    spool_line line;
    std::uint64_t line_bytes = 0; // of the line so far, its newline not counted
    const auto end_line = [&] {
        line.too_long = line_bytes > max_line_bytes;
        slice.next_offset += line_bytes + 1;
        // Blank lines, as at the end of some files, are no lines.
        if (line.too_long || line.text.find_first_not_of(" \t\r") != std::string::npos)
            slice.lines.push_back(std::move(line));
        line = {};
        line_bytes = 0;
    };
    for (auto at = offset;;) {
        const auto n = pread(d.get(), buffer.get(), buffer_bytes, static_cast<off_t>(at));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return io_error(path, "read");
        if (n == 0) break;
        at += static_cast<std::uint64_t>(n);
        std::string_view rest(buffer.get(), static_cast<std::size_t>(n));
        while (!rest.empty()) {
            const auto newline = rest.find('\n');
            const auto piece = rest.substr(0, newline);
            line_bytes += piece.size();
            if (line.text.size() < max_line_bytes)
                line.text += piece.substr(0, static_cast<std::size_t>(max_line_bytes) - line.text.size());
            if (newline == std::string_view::npos) break;
            rest.remove_prefix(newline + 1);
            end_line();
            if (slice.lines.size() >= max_lines || slice.next_offset - offset >= max_bytes) return slice;
        }
    }
    if (line_bytes > 0) { // a last line without its newline
        end_line();
        --slice.next_offset;
    }
    slice.at_end = true;
    return slice;
}

result<std::uint64_t> count_lines(const fs::path& path) {
    const descriptor d(path, O_RDONLY);
    if (!d) return io_error(path, "open");
    const auto buffer = std::make_unique<char[]>(buffer_bytes);
    std::uint64_t lines = 0;
    bool in_line = false;
    for (;;) {
        const auto n = read(d.get(), buffer.get(), buffer_bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return io_error(path, "read");
        if (n == 0) return lines + (in_line ? 1 : 0);
        for (const char c : std::string_view(buffer.get(), static_cast<std::size_t>(n))) {
            if (c == '\n') {
                lines += in_line ? 1 : 0;
                in_line = false;
            } else if (c != ' ' && c != '\t' && c != '\r') {
                in_line = true;
            }
        }
    }
}

result<std::string> read_range(const fs::path& path, std::uint64_t offset, std::uint64_t length) {
    const descriptor d(path, O_RDONLY);
    if (!d) return io_error(path, "open");
    std::string text(static_cast<std::size_t>(length), '\0');
    std::size_t have = 0;
    while (have < text.size()) {
        const auto n =
            pread(d.get(), text.data() + have, text.size() - have, static_cast<off_t>(offset + have));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return io_error(path, "read");
        if (n == 0) return error{errc::io, fmt::format("{}: is shorter than the ledger says", path.string())};
        have += static_cast<std::size_t>(n);
    }
    return text;
}

result<void> write_whole(const fs::path& path, std::string_view text) {
    const auto beside = fs::path(path.string() + ".new");
    {
        const descriptor d(beside, O_WRONLY | O_CREAT | O_TRUNC);
        if (!d) return io_error(beside, "create");
        if (!write_all(d.get(), text) || fsync(d.get()) != 0) return io_error(beside, "write");
    }
    std::error_code ec;
    fs::rename(beside, path, ec);
    if (ec) return error{errc::io, fmt::format("{}: {}", path.string(), ec.message())};
    if (!sync_folder(path.parent_path())) return io_error(path.parent_path(), "make durable");
    return {};
}

} // namespace enrichd

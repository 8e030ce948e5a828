// The spool: request files and results under the state directory. Everything here may block: call it on the
// pool.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"
#include "core/sha256.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace enrichd {

/// Where files are: <state>/batch and <state>/output/validation.
class spool {
public:
    /// Makes the folders. Throws fatal_error.
    explicit spool(const std::filesystem::path& state_directory);

    std::filesystem::path request_file(const std::string& name) const { return batch_ / name; }
    std::filesystem::path results_file(const std::string& batch_id) const;
    std::filesystem::path errors_file(const std::string& batch_id) const;
    const std::filesystem::path& batch_folder() const { return batch_; }
    /// Reports: a folder for each run, and the link "latest".
    const std::filesystem::path& validation_folder() const { return validation_; }
    /// Makes a run's folder if it is not there, and lets "latest" point to it, both durably; with `is_latest`
    /// false only if "latest" points nowhere yet. Errors: io.
    result<std::filesystem::path> open_report_folder(const std::string& name, bool is_latest = true) const;

    /// Deletes a job's request and result files.
    void remove_files(const std::string& request_file_name, const std::optional<std::string>& batch_id) const;

    /// Deletes the request files of a run that was not finished building; their names begin with `prefix`.
    void remove_request_files(const std::string& prefix) const;

    /// Deletes what downloads that were cut off left; to be called before one begins.
    void remove_partial_files() const;

private:
    std::filesystem::path batch_;
    std::filesystem::path validation_;
};

/// The name of a run's folder of reports and notes: "20261122T162000Z-r5", by when it was started.
std::string report_folder(std::int64_t created_ms, const std::string& run);

/// A file name out of an id that came from outside: letters, digits, '-', '_' and '.' stay, all else becomes
/// '_'.
std::string safe_file_name(std::string_view id);

/// Appends to a new file (what was there under that name is gone) and hashes as it goes.
class spool_writer {
public:
    /// Throws fatal_error(io).
    explicit spool_writer(const std::filesystem::path& path);
    ~spool_writer();
    spool_writer(const spool_writer&) = delete;
    spool_writer& operator=(const spool_writer&) = delete;

    void append(std::string_view bytes);
    std::uint64_t size() const { return size_; }

    /// Makes the file and its folder entry durable; returns its SHA-256 in hex. The writer takes nothing
    /// more.
    std::string finish();

private:
    void flush();

    std::filesystem::path path_;
    int fd_ = -1;
    std::string buffer_;
    sha256 hash_;
    std::uint64_t size_ = 0;
};

/// SHA-256 of a file in hex. Errors: io.
result<std::string> hash_file(const std::filesystem::path& path);

/// One line of a results file.
struct spool_line {
    std::string text;      ///< without its newline; cut where it was longer than allowed
    bool too_long = false; ///< it had more bytes than any legal answer
};

struct spool_slice {
    std::vector<spool_line> lines;
    std::uint64_t next_offset = 0;
    bool at_end = false;
};

/// Reads whole lines from `offset`: up to `max_lines`, and no more than about `max_bytes` of them, but at
/// least one. A line longer than `max_line_bytes` is passed over in bounded memory. The same call gives the
/// same lines. Errors: io.
result<spool_slice> read_slice(const std::filesystem::path& path, std::uint64_t offset, std::size_t max_lines,
                               std::uint64_t max_bytes, std::uint64_t max_line_bytes);

/// Lines that are not blank, the last one without its newline too. Errors: io.
result<std::uint64_t> count_lines(const std::filesystem::path& path);

/// Reads `length` bytes from `offset`. Errors: io, also where the file is shorter.
result<std::string> read_range(const std::filesystem::path& path, std::uint64_t offset, std::uint64_t length);

/// Writes a small file whole: beside its place, fsynced, renamed. Errors: io.
result<void> write_whole(const std::filesystem::path& path, std::string_view text);

} // namespace enrichd

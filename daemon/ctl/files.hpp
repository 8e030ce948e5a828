// Files of the caller.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"
#include "daemon/http/message.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace enrichd::ctl {

/// FILE for the first, then FILE with .002, .003 before its ending: "a/b.jsonl", "a/b.002.jsonl".
std::filesystem::path numbered(const std::filesystem::path& file, std::int64_t number);

/// SHA-256 of a file in hex. Errors: invalid_input, saying why it cannot be read.
result<std::string> sha256_of_file(const std::filesystem::path& file);

/// Whether the name says standard output: "-".
bool is_standard_output(const std::filesystem::path& file);

/// Writes a file beside its place and moves it there when it is whole; what was there before stays until
/// then, and its permissions stay. A symbolic link is followed, and stays. What is no regular file (a
/// device, a FIFO, standard output for "-") is written to as it is.
class file_writer {
public:
    /// Makes the folders. Errors: io.
    static result<file_writer> open(const std::filesystem::path& file);
    ~file_writer();
    file_writer(file_writer&&) noexcept;
    file_writer& operator=(file_writer&&) = delete;

    result<void> write(std::string_view bytes);
    /// To disk, and into its place.
    result<void> finish();
    /// SHA-256 in hex of what was written; after finish().
    const std::string& sha256() const;

private:
    struct state;
    explicit file_writer(std::unique_ptr<state> s);
    std::unique_ptr<state> state_;
};

} // namespace enrichd::ctl

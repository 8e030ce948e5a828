// A file that appears under its name when it is whole, and not before.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"

#include <cstdint>
#include <filesystem>
#include <span>

namespace enrichd::provider {

/// Written as "`to`.partial" beside its place. A partial file left by a crash is begun again, so at most one
/// is ever there. Every call blocks. Errors: io, or unavailable if the disk is full; both name the file.
class download_file {
public:
    explicit download_file(std::filesystem::path to);
    /// Removes the partial file unless finish() has succeeded.
    ~download_file();
    download_file(const download_file&) = delete;
    download_file& operator=(const download_file&) = delete;

    /// Opens it, or empties it for another try.
    result<void> begin();
    result<void> append(std::span<const char> bytes);
    /// Makes it durable and gives it its name, replacing what was there.
    result<void> finish();

    std::uint64_t bytes() const { return bytes_; }

private:
    error failed(const char* doing) const;

    std::filesystem::path to_;
    std::filesystem::path partial_;
    int fd_ = -1;
    std::uint64_t bytes_ = 0;
};

} // namespace enrichd::provider

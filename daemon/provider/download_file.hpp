// A file that appears under its name when it is whole, and not before.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"
#include "core/sha256.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>

namespace enrichd::provider {

/// Written as "`to`.partial" beside its place. A partial file left by a crash is begun again, so at most one
/// is ever there. Every call blocks. Errors: io, or disk_full; both name the file.
class download_file {
public:
    explicit download_file(std::filesystem::path to);
    /// Removes the partial file unless finish() has succeeded.
    ~download_file();
    download_file(const download_file&) = delete;
    download_file& operator=(const download_file&) = delete;

    /// Opens it, or empties it for another try, which must bring the bytes that an earlier one brought.
    result<void> begin();
    /// Errors besides: provider_invalid where they are not the bytes of an earlier try.
    result<void> append(std::span<const char> bytes);
    /// What fits on its disk still.
    std::uint64_t room() const;
    /// Makes it durable and gives it its name, replacing what was there.
    result<void> finish();

    std::uint64_t bytes() const { return bytes_; }

private:
    /// The beginning that a try brought before it was cut off.
    struct beginning {
        std::uint64_t bytes = 0;
        sha256_digest digest{};
    };

    error failed(const char* doing) const;
    result<void> compare(std::string_view piece);

    std::filesystem::path to_;
    std::filesystem::path partial_;
    int fd_ = -1;
    std::uint64_t bytes_ = 0;
    sha256 hash_; ///< of this try
    std::optional<beginning> earlier_;
    std::optional<sha256> compared_; ///< of this try as far as an earlier one came
};

} // namespace enrichd::provider

// One daemon per state directory: the kernel's lock, released by death.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace enrichd {

/// Makes the directory (mode 0700) if it is not there, and holds an flock on its file "lock" until destroyed.
/// No lease, no clock: a killed daemon's lock is free at once. Throws fatal_error naming the process that
/// holds it.
class directory_lock {
public:
    explicit directory_lock(const std::filesystem::path& directory);
    ~directory_lock();
    directory_lock(const directory_lock&) = delete;
    directory_lock& operator=(const directory_lock&) = delete;

private:
    int fd_ = -1;
};

} // namespace enrichd

// Every operation of the program under one folder, as it happens: counted, modelled, and the last one of a
// life.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/faults/sim/disk_model.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace enrichd::faults {

/// One at a time: the program's own open(), write(), fsync() and so on, which take the place of the C
/// library's for it and for libsqlite3 (disk_calls.cpp), tell it. The -shm file is memory of the kernel's,
/// and no part of the disk.
class disk_recorder {
public:
    /// `root`: a folder that is empty. Everything in it is in the model.
    disk_recorder(std::filesystem::path root, fate& f);
    ~disk_recorder();
    disk_recorder(const disk_recorder&) = delete;
    disk_recorder& operator=(const disk_recorder&) = delete;
    static disk_recorder* current();

    /// The machine dies with the operation of this number, counted from 1 and since the power was last lost:
    /// the operation is done, and its caller does not learn of it.
    void die_at(std::optional<std::uint64_t> operation) { last_ = operation; }
    std::uint64_t operations() const { return traces_.size(); }
    /// A number for all that was done up to and with each operation.
    const std::vector<std::uint64_t>& traces() const { return traces_; }
    const disk_model& disk() const { return disk_; }
    /// The folder becomes what is read back after the loss. Counts from 0 again.
    void lose_power(const power_loss& loss);
    /// What the folder holds in truth: other than the model's, if an operation went past us.
    disk_image folder_now() const;

    // Told by disk_calls.cpp, after the operation. True: the machine died with it.
    bool is_dead() const { return fate_.dead(); }
    bool covers(std::string_view path) const { return inside(path).has_value(); }
    bool covers(int fd) const { return open_.contains(fd); }
    bool opened(int fd, std::string_view path, int flags);
    void closed(int fd) { open_.erase(fd); }
    bool wrote(int fd, std::uint64_t at, std::string_view bytes);
    bool truncated(int fd, std::uint64_t size);
    bool synced(int fd);
    bool renamed(std::string_view from, std::string_view to);
    bool removed(std::string_view path);
    bool made_folder(std::string_view path);
    bool linked(std::string_view to, std::string_view path);

private:
    struct open_file {
        disk_model::node node;
        std::string path;
    };
    std::optional<std::string> inside(std::string_view path) const;
    bool done(std::string_view what, std::string_view path, std::uint64_t at = 0,
              std::string_view bytes = {});

    std::filesystem::path root_;
    fate& fate_;
    disk_model disk_;
    std::unordered_map<int, open_file> open_;
    std::optional<std::uint64_t> last_;
    std::vector<std::uint64_t> traces_;
};

/// Writes an image into a folder, which it empties first.
void put(const disk_image& image, const std::filesystem::path& folder);
/// What a folder holds, but for -shm files.
disk_image image_of(const std::filesystem::path& folder);

} // namespace enrichd::faults

// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/sim/disk_recorder.hpp"

#include "daemon/log.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace enrichd::faults {

namespace fs = std::filesystem;

namespace {

disk_recorder* recording = nullptr;

constexpr std::string_view memory_file = "-shm";

} // namespace

disk_recorder::disk_recorder(fs::path root, fate& f) : root_(std::move(root)), fate_(f) {
    recording = this;
}

disk_recorder::~disk_recorder() {
    recording = nullptr;
}

disk_recorder* disk_recorder::current() {
    return recording;
}

std::optional<std::string> disk_recorder::inside(std::string_view path) const {
    const auto& root = root_.native();
    if (path.size() < root.size() || path.substr(0, root.size()) != root) return std::nullopt;
    if (path.ends_with(memory_file)) return std::nullopt;
    auto rest = path.substr(root.size());
    if (!rest.empty() && rest.front() != '/') return std::nullopt;
    while (!rest.empty() && rest.front() == '/')
        rest.remove_prefix(1);
    while (!rest.empty() && rest.back() == '/')
        rest.remove_suffix(1);
    return std::string(rest);
}

bool disk_recorder::done(std::string_view what, std::string_view path, std::uint64_t at,
                         std::string_view bytes) {
    const std::hash<std::string_view> hash;
    auto trace = traces_.empty() ? 0 : traces_.back();
    for (const auto part : {hash(what), hash(path), static_cast<std::size_t>(at), hash(bytes)})
        trace = trace * 0x100000001b3 ^ part;
    traces_.push_back(trace);
    log::debug(fmt::format("disk {}: {} {} {}+{}", traces_.size(), what, path, at, bytes.size()));
    if (last_ && traces_.size() == *last_) fate_.die();
    return fate_.dead();
}

bool disk_recorder::opened(int fd, std::string_view path, int flags) {
    const auto name = inside(path).value();
    auto n = disk_.find(name);
    const bool is_new = !n;
    if (is_new && (flags & O_CREAT) == 0)
        throw std::logic_error("a file was made that the model does not know: " + name);
    if (is_new) n = disk_.make(name, node_kind::file);
    open_[fd] = {*n, name};
    if (is_new && done("create", name)) return true;
    if ((flags & O_TRUNC) == 0 || is_new) return false;
    disk_.truncate(*n, 0);
    return done("truncate", name);
}

bool disk_recorder::wrote(int fd, std::uint64_t at, std::string_view bytes) {
    const auto& f = open_.at(fd);
    disk_.write(f.node, at, bytes);
    return done("write", f.path, at, bytes);
}

bool disk_recorder::truncated(int fd, std::uint64_t size) {
    const auto& f = open_.at(fd);
    disk_.truncate(f.node, size);
    return done("truncate", f.path, size);
}

bool disk_recorder::synced(int fd) {
    const auto& f = open_.at(fd);
    disk_.sync(f.node);
    return done("sync", f.path);
}

bool disk_recorder::renamed(std::string_view from, std::string_view to) {
    disk_.rename(inside(from).value(), inside(to).value());
    return done("rename", *inside(to));
}

bool disk_recorder::removed(std::string_view path) {
    disk_.remove(inside(path).value());
    return done("remove", *inside(path));
}

bool disk_recorder::made_folder(std::string_view path) {
    disk_.make(inside(path).value(), node_kind::folder);
    return done("mkdir", *inside(path));
}

bool disk_recorder::linked(std::string_view to, std::string_view path) {
    disk_.make(inside(path).value(), node_kind::link, std::string(to));
    return done("symlink", *inside(path));
}

void disk_recorder::lose_power(const power_loss& loss) {
    const auto left = disk_.image(loss.how, loss.seed);
    recording = nullptr; // this is not the machine's doing
    put(left, root_);
    recording = this;
    disk_ = disk_model(left);
    open_.clear();
    traces_.clear();
    last_.reset();
}

disk_image disk_recorder::folder_now() const {
    return image_of(root_);
}

void put(const disk_image& image, const fs::path& folder) {
    fs::remove_all(folder);
    fs::create_directories(folder);
    for (const auto& [path, entry] : image) {
        switch (entry.what) {
        case node_kind::folder: fs::create_directory(folder / path); break;
        case node_kind::link: fs::create_symlink(entry.content, folder / path); break;
        case node_kind::file:
            std::ofstream out(folder / path, std::ios::binary);
            out.write(entry.content.data(), static_cast<std::streamsize>(entry.content.size()));
            if (!out.flush()) throw std::runtime_error("cannot write " + (folder / path).string());
            break;
        }
    }
}

disk_image image_of(const fs::path& folder) {
    disk_image all;
    for (const auto& found : fs::recursive_directory_iterator(folder)) {
        const auto path = found.path().lexically_relative(folder).string();
        if (found.is_symlink()) {
            all[path] = {node_kind::link, fs::read_symlink(found.path()).string()};
        } else if (found.is_directory()) {
            all[path] = {node_kind::folder, {}};
        } else if (!path.ends_with(memory_file)) {
            std::ifstream in(found.path(), std::ios::binary);
            all[path] = {node_kind::file, std::string(std::istreambuf_iterator<char>(in), {})};
        }
    }
    return all;
}

} // namespace enrichd::faults

// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/sim/disk_model.hpp"

#include <algorithm>
#include <cassert>
#include <stdexcept>

namespace enrichd::faults {

disk_model::disk_model() {
    nodes_.push_back({.what = node_kind::folder,
                      .now = {},
                      .durable = {},
                      .changes = {},
                      .entries = {},
                      .durable_entries = {},
                      .renames = {}});
}

disk_model::disk_model(const disk_image& image) : disk_model() {
    for (const auto& [path, entry] : image)
        make(path, entry.what, entry.content);
    for (auto& n : nodes_) {
        n.durable = n.now;
        n.durable_entries = n.entries;
        n.changes.clear();
        n.renames.clear();
    }
}

std::optional<disk_model::node> disk_model::find(std::string_view path) const {
    node at = 0;
    while (!path.empty()) {
        const auto slash = path.find('/');
        const auto& entries = nodes_[at].entries;
        const auto it = entries.find(std::string(path.substr(0, slash)));
        if (it == entries.end()) return std::nullopt;
        at = it->second;
        path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    }
    return at;
}

disk_model::place disk_model::place_of(std::string_view path) const {
    const auto slash = path.rfind('/');
    const auto folder =
        slash == std::string_view::npos ? std::optional<node>(0) : find(path.substr(0, slash));
    if (!folder || !is_folder(*folder))
        throw std::logic_error("the disk has no folder for " + std::string(path));
    return {*folder, std::string(slash == std::string_view::npos ? path : path.substr(slash + 1))};
}

void disk_model::rename_in(node folder, rename_step step) {
    apply(nodes_[folder].entries, step);
    nodes_[folder].renames.push_back(std::move(step));
}

disk_model::node disk_model::make(std::string_view path, node_kind what, std::string content) {
    const auto [folder, name] = place_of(path);
    const auto made = nodes_.size();
    nodes_.emplace_back();
    auto& n = nodes_.back();
    n.what = what;
    if (what == node_kind::link) n.durable = content; // it is in the name's own record
    n.now = std::move(content);
    rename_in(folder, {{name, made}});
    return made;
}

void disk_model::write(node file, std::uint64_t at, std::string_view bytes) {
    auto& n = nodes_[file];
    n.changes.push_back({false, at, std::string(bytes)});
    apply(n.now, n.changes.back());
}

void disk_model::truncate(node file, std::uint64_t size) {
    auto& n = nodes_[file];
    n.changes.push_back({true, size, {}});
    apply(n.now, n.changes.back());
}

void disk_model::rename(std::string_view from, std::string_view to) {
    const auto moved = find(from);
    const auto old_place = place_of(from);
    const auto new_place = place_of(to);
    if (!moved || old_place.folder != new_place.folder)
        throw std::logic_error("the disk cannot rename " + std::string(from) + " to " + std::string(to));
    rename_in(old_place.folder, {{old_place.name, std::nullopt}, {new_place.name, *moved}});
}

void disk_model::remove(std::string_view path) {
    const auto [folder, name] = place_of(path);
    rename_in(folder, {{name, std::nullopt}});
}

void disk_model::sync(node n) {
    auto& synced = nodes_[n];
    for (const auto& c : synced.changes)
        apply(synced.durable, c);
    synced.changes.clear();
    for (const auto& step : synced.renames)
        apply(synced.durable_entries, step);
    synced.renames.clear();
}

void disk_model::apply(std::string& content, const change& c) {
    const auto at = static_cast<std::size_t>(c.at);
    if (c.is_truncation) {
        content.resize(at, '\0');
        return;
    }
    content.resize(std::max(content.size(), at + c.bytes.size()), '\0');
    content.replace(at, c.bytes.size(), c.bytes);
}

void disk_model::apply(names& entries, const rename_step& step) {
    for (const auto& [name, to] : step) {
        if (to)
            entries[name] = *to;
        else
            entries.erase(name);
    }
}

// A sector that is lost holds what it held before, or zeros where the file has grown and its data have not
// come; one in ten is cut while it is written.
void disk_model::tear(std::string& content, const change& what, chance& c) {
    const auto fate_of_all = c.number(0, 3);
    if (fate_of_all == 0) return apply(content, what);
    const bool has_size = c.one_in(2);
    if (fate_of_all == 1 && !has_size) return;
    if (what.is_truncation) {
        if (has_size) apply(content, what);
        return;
    }
    const auto end = what.at + what.bytes.size();
    if (has_size && content.size() < end) content.resize(static_cast<std::size_t>(end), '\0');
    for (auto at = what.at; fate_of_all != 1 && at < end;) {
        const auto next = std::min<std::uint64_t>(end, (at / sector + 1) * sector);
        auto length = static_cast<std::size_t>(next - at);
        if (c.one_in(10)) length = static_cast<std::size_t>(c.number(0, static_cast<std::int64_t>(length)));
        if (c.one_in(2))
            apply(content, {false, at, what.bytes.substr(static_cast<std::size_t>(at - what.at), length)});
        at = next;
    }
}

disk_image disk_model::image(image_kind how, std::uint64_t seed) const {
    chance c(seed * 2 + 0xd15c);
    disk_image all;
    walk(0, "", how, c, all);
    return all;
}

void disk_model::walk(node folder, const std::string& path, image_kind how, chance& c,
                      disk_image& into) const {
    const auto& f = nodes_[folder];
    auto entries = how == image_kind::kept ? f.entries : f.durable_entries;
    if (how == image_kind::random)
        for (const auto& step : f.renames)
            if (c.one_in(2)) apply(entries, step);
    for (const auto& [name, n] : entries) {
        const auto& found = nodes_[n];
        auto content = how == image_kind::kept ? found.now : found.durable;
        if (how == image_kind::random)
            for (const auto& part : found.changes)
                tear(content, part, c);
        into[path + name] = {found.what, std::move(content)};
        if (found.what == node_kind::folder) walk(n, path + name + "/", how, c, into);
    }
}

} // namespace enrichd::faults

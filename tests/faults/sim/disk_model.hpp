// What a disk holds, and what it may hold after the power was lost: values in, values out.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/faults/sim/power_loss.hpp"
#include "tests/faults/sim/scenario.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace enrichd::faults {

enum class node_kind { file, folder, link };

struct disk_entry {
    node_kind what = node_kind::file;
    std::string content; ///< of a file; of a link: where it points to
    bool operator==(const disk_entry&) const = default;
};

/// By path from the disk's root; a folder comes before what is in it.
using disk_image = std::map<std::string, disk_entry>;

/// Files and folders, with what of them was synced. What POSIX promises is kept and nothing else: the data of
/// a file are durable after its fsync() or fdatasync(), a name is durable after the fsync() of its folder, a
/// rename happens or does not. All else may survive or not, in any order, and by sectors. Not in the model:
/// hard links, and renames from folder to folder.
class disk_model {
public:
    using node = std::size_t;
    static constexpr std::size_t sector = 512;

    disk_model();
    /// A disk that holds this, durably.
    explicit disk_model(const disk_image& image);

    std::optional<node> find(std::string_view path) const;
    bool is_folder(node n) const { return nodes_[n].what == node_kind::folder; }
    bool is_durable(node n) const { return nodes_[n].changes.empty() && nodes_[n].renames.empty(); }

    /// The folder that it is in must be there.
    node make(std::string_view path, node_kind what, std::string content = {});
    void write(node file, std::uint64_t at, std::string_view bytes);
    void truncate(node file, std::uint64_t size);
    void rename(std::string_view from, std::string_view to);
    void remove(std::string_view path);
    /// A file's data, or a folder's names.
    void sync(node n);

    /// What is read back after power is lost now.
    disk_image image(image_kind how, std::uint64_t seed = 0) const;

private:
    struct change { // of a file's data
        bool is_truncation = false;
        std::uint64_t at = 0; ///< or the new size
        std::string bytes;
    };
    using names = std::map<std::string, node>;
    using rename_step = std::vector<std::pair<std::string, std::optional<node>>>; ///< all of it or nothing
    struct one_node {
        node_kind what = node_kind::file;
        std::string now, durable;
        std::vector<change> changes; ///< since the last sync
        names entries, durable_entries;
        std::vector<rename_step> renames; ///< names made, replaced and removed since the last sync
    };
    struct place {
        node folder;
        std::string name;
    };

    place place_of(std::string_view path) const;
    void rename_in(node folder, rename_step step);
    void walk(node folder, const std::string& path, image_kind how, chance& c, disk_image& into) const;
    static void apply(std::string& content, const change& c);
    static void tear(std::string& content, const change& what, chance& c);
    static void apply(names& entries, const rename_step& step);

    std::vector<one_node> nodes_;
};

} // namespace enrichd::faults

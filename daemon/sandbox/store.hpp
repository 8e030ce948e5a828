// The sandbox's memory on disk: files' bytes in a folder, everything else in one SQLite file.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/sandbox/records.hpp"
#include "daemon/sandbox/scenario.hpp"
#include "state/sqlite.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace enrichd::sandbox {

/// What one custom_id was billed in one batch.
struct billed_line {
    std::string custom_id;
    bill billed;
};

/// A page of a list.
struct page_order {
    std::size_t limit = 20;
    std::string after; ///< the last id of the page before; empty: the first page
    bool newest_first = true;
};
template <class Record>
struct page {
    std::vector<Record> items;
    bool has_more = false;
};

/// Belongs to one thread. Each change is one transaction, so that a killed sandbox goes on where it was.
/// Throws sqlite_error and fatal_error where its folder cannot be used.
class store {
public:
    /// Takes the folder for itself (flock): a second sandbox on it is refused with a fatal_error.
    explicit store(const std::filesystem::path& folder);
    ~store();
    store(const store&) = delete;
    store& operator=(const store&) = delete;

    /// The seed of ids and dice: what was stored, or `given`, or else a random one; a `given` that is not the
    /// stored one is refused with a fatal_error.
    std::uint64_t seed(std::optional<std::uint64_t> given);

    /// A new id, never given before in this folder: "file-..." or "batch_...".
    std::string new_id(std::string_view prefix);

    std::filesystem::path content_of(std::string_view file_id) const { return folder_ / "files" / file_id; }
    std::filesystem::path upload_path(std::uint64_t number) const;
    std::filesystem::path output_of(std::string_view batch_id) const {
        return folder_ / "work" / (std::string(batch_id) + ".output");
    }
    std::filesystem::path errors_of(std::string_view batch_id) const {
        return folder_ / "work" / (std::string(batch_id) + ".errors");
    }

    void add_file(const file_record& f);
    std::optional<file_record> file(std::string_view id);
    /// False where there is none. The bytes go too.
    bool remove_file(std::string_view id);
    page<file_record> files(const page_order& order, std::string_view purpose);

    /// Gives the batch its ordinal.
    void add_batch(batch_record& b);
    std::optional<batch_record> batch(std::string_view id);
    /// Records a batch and what its lines of late were billed.
    void save(const batch_record& b, const std::vector<billed_line>& billed = {});
    /// Newest first, those aside that the list does not show yet at `now_ms`; counts as a look at the list
    /// for list_lag.
    page<batch_record> batches(const page_order& order, std::int64_t now_ms);
    std::vector<batch_record> unfinished();
    std::vector<std::string> batch_ids();
    std::vector<billed_line> billed(const batch_record& b);
    /// Enqueued tokens of a model's batches that are on the way.
    std::int64_t enqueued(std::string_view model);

    void count_call(operation o);
    std::int64_t calls(operation o);

private:
    struct statements;

    std::filesystem::path folder_;
    int lock_ = -1;
    std::uint64_t seed_ = 0;
    std::unique_ptr<sqlite::database> db_;
    std::unique_ptr<statements> sql_;
};

} // namespace enrichd::sandbox

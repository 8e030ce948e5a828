// The requests of a batch that the ledger does not know, and the target's rows that they are for.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/batch_request.hpp"
#include "core/recipe.hpp"
#include "core/source_row.hpp"
#include "core/tokenizer.hpp"
#include "state/request_table.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace enrichd {

struct sent_line {
    std::string custom_id;
    std::uint64_t offset = 0;  ///< in the request file
    std::uint64_t length = 0;  ///< with its newline; 0: the request file is gone
    std::uint32_t vectors = 0; ///< that its answer brings, where the request file is gone
};

/// What a batch was sent with, each custom_id once.
struct sent_lines {
    std::filesystem::path file; ///< the request file; empty: it is gone, and answers were read instead
    std::string sha256;         ///< of the request file, in hex
    std::uint64_t bytes = 0;
    std::vector<sent_line> lines;
};

/// The lines of a request file. Blocks. Errors: io.
result<sent_lines> read_sent_lines(const std::filesystem::path& file);
/// What files of results tell of the requests, where the request file is gone. Blocks. Errors: io.
result<sent_lines> read_answered_lines(const std::vector<std::filesystem::path>& files);

/// A job as it would have been built.
struct matched_batch {
    std::vector<new_request> requests; ///< in the order of the file
    std::vector<new_row> rows;
    file_totals totals;
    std::uint64_t max_line_bytes = 0;
    std::int64_t unmatched = 0; ///< requests without a row: it is done already, changed or gone
};

/// Takes the target's rows, and keeps those of which the batch has the requests: custom_ids are hashes of
/// what was asked, so the rows give them again. Everything here burns the processor, and finish() reads the
/// request file: to be called on the pool, one call at a time.
class batch_matcher {
public:
    /// `is_of_now`: requests are made with this recipe now. Else only its kind, model and version are of the
    /// batch, which has one request a text: that cannot be made again, and is read from the request file.
    batch_matcher(recipe r, sent_lines sent, bool is_of_now = true);
    batch_matcher(const batch_matcher&) = delete;
    batch_matcher& operator=(const batch_matcher&) = delete;

    void take(const std::vector<source_row>& rows);

    /// A request that no row matches has none: what it cost is booked, and nothing is written. Errors: io.
    result<matched_batch> finish();

private:
    struct asked { // of a line
        request_line line;
        text_hash hash{};
        std::size_t first = 0; ///< line of the text's first part
        bool is_matched = false;
    };

    bool place_text(const source_row& row, const text_hash& hash, std::size_t first);
    void add(const asked& a, std::size_t number, matched_batch& to) const;

    recipe recipe_;
    sent_lines sent_;
    bool is_of_now_;
    token_counter counter_;
    std::unordered_map<std::string_view, std::size_t> by_id_; ///< of sent_, which stays as it is
    std::vector<asked> asked_;                                ///< by line
    std::vector<new_row> rows_;
    std::unordered_set<std::string> keys_; ///< of rows_: a key may come twice in a stream
};

} // namespace enrichd

// Writing the rows of a slice that are to be written, whatever the server thinks of single values.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/target/postgres_merge.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace enrichd::target {

/// All batches go out in one pipeline. If the server refuses a value, the batches are tried one by one under
/// a savepoint and halved, until the row that does it is found; it ends `invalid`, with the server's words.
class row_writer {
public:
    row_writer(postgres_connection& c, const postgres_catalogue& catalogue, const target_config& target,
               const merge_slice& slice, std::string grants);

    /// `places` are those of the rows in the slice; what becomes of them is put into `out`, at the same
    /// places. Errors: target_blocked if the column does not take what was asked for, so that no row is to
    /// blame.
    awaitable<merge_result<void>> write(std::vector<std::size_t> places, std::vector<merged_row>& out);

private:
    using batch = std::span<const std::size_t>;
    enum class verdict { written, refused };

    std::string column_mismatch() const;
    std::vector<std::size_t> drop_hopeless(std::vector<std::size_t> places,
                                           std::vector<merged_row>& out) const;
    std::vector<batch> cut(batch places) const;
    std::string encode(const merge_row& row) const;
    void add_steps(batch rows, std::vector<sql_step>& steps) const;
    awaitable<merge_result<verdict>> try_batches(std::vector<batch> batches, std::vector<sql_step> steps);
    awaitable<merge_result<void>> bisect(std::vector<batch> open, std::vector<merged_row>& out);

    postgres_connection& connection_;
    const merge_slice& slice_;
    std::string grants_;
    std::optional<vector_type> vector_; ///< what embeddings are written as
    std::string column_;                ///< that they are written to, as people write it
    std::string column_type_;           ///< of vectors, without its length
    std::uint32_t dimensions_ = 0;      ///< that the column takes; 0: any
    std::uint32_t element_oid_ = 0;     ///< of a value, where many are written at once
    std::string update_sql_;
    std::string refusal_; ///< the server's words, of the last refused batch
};

} // namespace enrichd::target

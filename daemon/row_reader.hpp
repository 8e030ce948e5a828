// Rows of one kind, ready to be sent: read, judged, and made into requests, a batch of rows at a time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/batch_request.hpp"
#include "core/recipe.hpp"
#include "core/run_summary.hpp"
#include "core/tokenizer.hpp"
#include "daemon/target/target.hpp"
#include "state/ledger.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

namespace enrichd {

/// A row that is to be sent.
struct prepared_row {
    std::string key;
    std::string authority;
    row_requests requests;
    bool identical = false; ///< an earlier row has the same text: it shares that row's requests, and has none
};

/// Counts what it leaves out, and why. The next rows are read from the database while the pool counts the
/// tokens of the ones before.
class row_reader {
public:
    /// `before` was marked before the rows were read: a merge that goes on meanwhile is seen by it.
    row_reader(ledger& l, boost::asio::any_io_executor pool, recipe r, std::optional<std::uint64_t> limit,
               flight_mark before, std::unique_ptr<target::row_stream> rows);

    /// In the stream's order; empty at the end. Errors: those of the stream.
    boost::asio::awaitable<result<std::vector<prepared_row>>> next();

    const enrichd::recipe& recipe() const { return recipe_; }
    kind_summary& summary() { return summary_; }

private:
    std::vector<source_row> keep_needed(std::vector<source_row> rows);
    std::vector<prepared_row> keep_sendable(std::vector<source_row> rows, std::vector<row_requests> requests);
    bool is_full() const;

    ledger& ledger_;
    boost::asio::any_io_executor pool_;
    enrichd::recipe recipe_;
    std::optional<std::uint64_t> limit_;
    flight_mark before_;
    std::unique_ptr<target::row_stream> stream_;
    token_counter counter_;                        ///< used by one call on the pool at a time
    std::set<text_hash> texts_;                    ///< seen in this run
    std::unordered_set<std::size_t> keys_;         ///< hashes of the keys that were selected
    std::optional<std::vector<source_row>> ahead_; ///< read, not yet handed out; empty vector: the end
    kind_summary summary_;
};

} // namespace enrichd

// Requests, the rows they are for, and how each ended.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/batch_request.hpp"
#include "core/outcome.hpp"
#include "state/sqlite.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace enrichd {

/// A line of a request file, as it is written down when its file is built.
struct new_request {
    std::int64_t number = 0;
    std::int64_t text = 0; ///< number of the first part of the same text
    std::string custom_id;
    text_hash hash{};
    std::uint32_t part = 0;
    std::uint32_t parts = 1;
    std::vector<std::uint32_t> chunk_tokens;
    std::uint32_t input_tokens = 0;
    std::uint32_t output_cap = 0;
    money bound;
    std::uint64_t file_offset = 0;
    std::uint64_t file_length = 0;
};

struct new_row {
    std::int64_t text = 0;
    std::string key;
    std::string authority;
    bool beside = false; ///< another job has it in flight too: both are paid, and either's answer will do
};

/// A request as the merge wants it: what was asked, and whether it is still open.
struct open_request {
    new_request asked;
    std::optional<outcome> ended;
};

/// A request that ended badly, of which rows are still open: sent again, or given up.
struct failed_request {
    new_request asked;
    outcome how{};
    int http_status = 0;
    std::string reason;
};

struct request_end {
    std::int64_t number = 0;
    outcome how = outcome::ok;
    int http_status = 0;
    std::string reason;
};

struct row_end {
    std::int64_t text = 0;
    std::string key;
    outcome how = outcome::ok;
    std::string reason;
};

struct part_vector {
    text_hash hash{};
    std::uint32_t part = 0;
    std::uint32_t tokens = 0;
    std::vector<float> vector;
};

/// How many ended how. What is open is in none of them.
struct outcome_tallies {
    using counts = std::map<outcome, std::int64_t>;
    counts requests;
    counts rows;   ///< that ended in this job; rows that were sent again end in a later one
    counts resent; ///< of the requests: those that a later job repeats
    counts unsent; ///< of the requests: those worth another try that the budget did not cover
};

class request_table {
public:
    explicit request_table(sqlite::database& db);

    void add(std::int64_t job_id, const new_request& r);
    /// The row is in flight from now on. The caller has asked flight_table before; a row that is already is
    /// an error.
    void add_row(std::int64_t job_id, const std::string& target, kind k, const new_row& r);

    std::optional<open_request> find(std::int64_t job_id, const std::string& custom_id);

    void end_request(std::int64_t job_id, const request_end& e);
    void end_row(std::int64_t job_id, const row_end& e);
    /// Up to `limit` open requests, in order.
    std::vector<new_request> open_requests(std::int64_t job_id, std::int64_t limit);
    /// Ends every open row of a text.
    void end_rows_of_text(std::int64_t job_id, std::int64_t text, outcome how, const std::string& reason);
    /// Ends every open row. Returns how many there were.
    std::int64_t end_open_rows(std::int64_t job_id, outcome how, const std::string& reason);
    /// Ends every open request; their rows stay open.
    void end_open_requests(std::int64_t job_id, outcome how, const std::string& reason);
    /// How many texts it has; a text is one request or several that go together.
    std::int64_t texts(std::int64_t job_id);
    /// Ends all that is open, requests and rows: the batch was refused, cancelled or discarded as a whole.
    void end_all(std::int64_t job_id, outcome how, const std::string& reason);

    /// Requests that ended badly, of which rows are open still, in order.
    std::vector<failed_request> failed(std::int64_t job_id);
    /// Key and authority of the open rows that have this text, in key order.
    std::vector<std::pair<std::string, std::string>> rows_of_text(std::int64_t job_id, std::int64_t text);
    /// Whether an adopted batch was asked the same as a request of this text that has no answer, and has one
    /// or may have one: it is paid for already.
    bool is_asked_elsewhere(std::int64_t job_id, std::int64_t text);
    void mark_resent(std::int64_t job_id, std::int64_t text);
    /// For the tallies: a request with this outcome is repeated by a later job, or would have been, within a
    /// larger budget.
    void count_resent(std::int64_t job_id, outcome how);
    void count_unsent(std::int64_t job_id, outcome how);

    void keep_part(std::int64_t run_id, const part_vector& v);
    std::vector<part_vector> parts_of(std::int64_t run_id, const text_hash& hash);
    void drop_parts(std::int64_t run_id, const text_hash& hash);
    void drop_parts_of_run(std::int64_t run_id);

    /// Costs the same whatever the job's size, and outlives pruning.
    outcome_tallies tallies(std::int64_t job_id);
    std::int64_t open_rows(std::int64_t job_id);

private:
    sqlite::statement add_, add_row_, find_, end_request_, end_row_, open_requests_, end_text_,
        end_all_requests_, end_all_rows_, failed_, rows_of_text_, elsewhere_, mark_resent_, keep_part_,
        parts_of_, drop_parts_, drop_parts_of_run_, count_, tallies_, open_rows_, texts_;
};

} // namespace enrichd

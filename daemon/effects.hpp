// What a job's turn asks of the world, and what comes of it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"
#include "core/job.hpp"
#include "state/job_row.hpp"
#include "state/request_table.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace enrichd {

/// A row of which the database refused the value: buying it again would change nothing.
struct refused_row {
    std::string key;
    std::string authority;
    text_hash hash{};
    std::string reason;
};

/// What a slice of results made of requests and rows; recorded in the same transaction as the job's new
/// cursor.
struct slice_record {
    std::vector<request_end> requests;
    std::vector<row_end> rows;
    std::vector<refused_row> refused;      ///< of these rows: to be quarantined
    std::vector<part_vector> parts;        ///< kept until their siblings are there
    std::vector<text_hash> complete_texts; ///< of which the kept parts are dropped
    token_usage used;
    money actual;
    money released;          ///< the bound of the requests that ended
    money unproven;          ///< of that: what may be billed, though no usage was told
    bool proven = false;     ///< the whole batch's bill is known: nothing of it is unproven any more
    std::int64_t strays = 0; ///< lines that answer nothing that is open
};

/// The effect came to something.
struct effect_done {
    job::event::any event;
    std::string detail; ///< for history and log
    std::optional<slice_record> slice;
    std::vector<batch_object> twins = {}; ///< batches beside the one that is kept, cancelled where they ran
};

/// The effect could not be done now; the state stays.
struct effect_postponed {
    error why;
};

using effect_outcome = std::variant<effect_done, effect_postponed>;

inline effect_outcome postponed(error why) {
    return effect_postponed{std::move(why)};
}

/// Performs one effect. Never throws for what the world does; never repeats a call that creates something.
class effects {
public:
    virtual ~effects() = default;
    virtual boost::asio::awaitable<effect_outcome> perform(job::effect::any what, job_row job) = 0;
};

} // namespace enrichd

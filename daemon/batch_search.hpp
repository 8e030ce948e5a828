// Batches of a job, looked for in the provider's list.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/provider/provider.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace enrichd {

/// What tells that a batch is meant: its metadata, or, where a server keeps none, its input file.
struct batch_search {
    std::string submission;
    std::string file_id;       ///< empty: not known
    std::int64_t since_ms = 0; ///< the list is read back past this time, by some slack for the clocks
    bool every_try = false;    ///< the batches of all submissions of the job, not of this one alone
};

/// Each batch that the provider lists, once, in the list's order; read back past this time, by some slack for
/// the clocks. Errors: those of the provider's list.
boost::asio::awaitable<result<std::vector<batch_object>>> list_batches(
    std::shared_ptr<provider::client> client, std::int64_t since_ms);

/// All that are meant, the one to keep first: one that does its work before one that does not, then the
/// oldest. Errors: those of the provider's list.
boost::asio::awaitable<result<std::vector<batch_object>>> find_batches(
    std::shared_ptr<provider::client> client, batch_search what);

/// Of several batches of one submission: one that does its work before one that does not, then the oldest.
bool is_better_to_keep(const batch_object& a, const batch_object& b);

/// It failed before any request of it ran: it cost nothing, and holds nothing.
bool did_nothing(const batch_object& b);

/// It has ended with answers, and may name the files that hold them later. After so long no job of its own
/// would wait for them.
bool may_name_files(const batch_object& b, std::int64_t now_ms);

/// It has ended and done work, and no file of answers is to be had: what it cost is all that there is of it.
bool is_bill_alone(const batch_object& b, std::int64_t now_ms);

/// What became of a wish to cancel.
struct cancelling {
    batch_object batch;           ///< as the provider told it then
    std::optional<error> refused; ///< it has ended, or may not be cancelled any more
};

/// Asks for a batch's end, once. A refusal is looked into: `batch` says whether there is anything left to
/// cancel. Errors: those of the two calls.
boost::asio::awaitable<result<cancelling>> ask_to_cancel(std::shared_ptr<provider::client> client,
                                                         std::string batch_id);

/// Cancels it where it runs still. On success it is as the provider told it then: one that may not be
/// cancelled any more runs on.
boost::asio::awaitable<result<batch_object>> stop_batch(std::shared_ptr<provider::client> client,
                                                        batch_object b);

} // namespace enrichd

// An adopted batch in the ledger: its run, job, requests and rows.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/recipe.hpp"
#include "daemon/adopter.hpp"

#include <cstdint>
#include <string>

namespace enrichd {

/// What is known of a batch once its requests are matched with the target's rows.
struct adoptable {
    batch_object batch;
    batch_label label;
    recipe made_with;
    bool from_answers = false; ///< see adoption
    matched_batch matched;
    flight_mark before; ///< taken before the rows were read
    std::string window; ///< the provider's completion window
    money limit = {};   ///< of its run
};

/// In the spool: where the request file of an adopted batch is.
std::string adopted_file_name(const std::string& batch_id);

/// In one transaction. A row that another job has in flight is in both then: each is paid for, and may lack
/// the answer. A job that has sent nothing yet is cancelled instead, since it would buy what the batch has.
/// Errors: illegal_transition, lost_race.
result<adoption> record_adoption(ledger& l, const adoptable& what, std::int64_t now_ms);

/// Of an ended batch of which no answer is to be had: a job that is merged, without requests and rows, with
/// what the batch's own usage says that it cost. There is one. In one transaction. Errors:
/// illegal_transition, lost_race.
result<adoption> record_bill(ledger& l, const adoptable& what, std::int64_t now_ms);

} // namespace enrichd

// The id of a submission: what a batch's metadata carries and an upload's file name begins with.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "state/ledger.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace enrichd {

/// "ed1-<installation>-<job>-<mark>-<try>", so that the batch can be found again. The mark makes it unlike
/// any that a job of the same number has: a ledger that was put back from a copy gives numbers out again.
std::string submission_id(const std::string& installation, const job_row& job, std::int64_t attempt);

/// "ed1-<installation>-", with which all of an installation's begin.
std::string submissions_of(const std::string& installation);

/// The ledger's job that the submission is of, by number and mark; absent if it knows none, or the text is of
/// another form.
std::optional<job_row> job_of_submission(ledger& l, std::string_view submission);

/// Whether it is of a try that this ledger knows nothing of: one of a later life of the ledger, which ended
/// or lost the tries before it. Of a submission of this job.
bool is_later_try(const job_row& job, std::string_view submission);

/// How often its job was submitted with this one; 0 if it does not say.
std::int64_t try_of(std::string_view submission);

} // namespace enrichd

// What people are told about a job: why it stands where it stands, and what comes next.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"
#include "state/job_row.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace enrichd {

/// Why the world does not let a job go on. It is tried again by itself.
struct obstacle {
    errc code{};
    std::string message; ///< the same at every try: without the id that the provider gave this request
    std::string hint;    ///< what a person can do
};

struct job_story {
    std::string why;
    std::string next;                ///< empty for an ended job
    std::optional<std::string> held; ///< "waits for submit", "waits for merge", "paused"
    std::optional<obstacle> blocked;
    std::optional<error> failure; ///< why it failed
};

/// `deadline_ms`: when its batch is cancelled if it has not ended by then; see deadline_of().
job_story tell(const job_row& job, bool paused, std::optional<std::int64_t> deadline_ms);

/// The provider's created_at and what the configuration allows from there; absent while there is no batch,
/// and once it has ended.
std::optional<std::int64_t> deadline_of(const job_row& job, double deadline_hours);

} // namespace enrichd

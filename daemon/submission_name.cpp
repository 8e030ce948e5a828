// SPDX-License-Identifier: Apache-2.0
#include "daemon/submission_name.hpp"

#include <fmt/format.h>

#include <charconv>

namespace enrichd {

std::string submission_id(const std::string& installation, const job_row& job, std::int64_t attempt) {
    return fmt::format("{}{}-{}-{}", submissions_of(installation), job.id, job.mark, attempt);
}

std::string submissions_of(const std::string& installation) {
    return fmt::format("ed1-{}-", installation);
}

std::optional<job_row> job_of_submission(ledger& l, std::string_view submission) {
    const auto prefix = submissions_of(l.installation());
    if (!submission.starts_with(prefix)) return std::nullopt;
    submission.remove_prefix(prefix.size());
    const auto dash = submission.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const auto id = parse_job_name(submission.substr(0, dash));
    if (!id) return std::nullopt;
    auto job = l.jobs().find(*id);
    submission.remove_prefix(dash + 1);
    if (!job || !submission.starts_with(job->mark + "-")) return std::nullopt;
    return job;
}

bool is_later_try(const job_row& job, std::string_view submission) {
    return try_of(submission) > job.submissions;
}

std::int64_t try_of(std::string_view submission) {
    const auto dash = submission.rfind('-');
    if (dash == std::string_view::npos) return 0;
    std::int64_t n = 0;
    const auto* end = submission.data() + submission.size();
    const auto read = std::from_chars(submission.data() + dash + 1, end, n);
    return read.ec == std::errc{} && read.ptr == end && n > 0 ? n : 0;
}

} // namespace enrichd

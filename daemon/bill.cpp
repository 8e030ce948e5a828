// SPDX-License-Identifier: Apache-2.0
#include "daemon/bill.hpp"

#include <algorithm>

namespace enrichd {

namespace {

std::optional<token_usage> billed(const job::state& s) {
    if (const auto* p = std::get_if<job::polling>(&s)) return p->billed;
    if (const auto* f = std::get_if<job::fetched>(&s)) return f->billed;
    return std::nullopt;
}

} // namespace

money cost(const token_usage& u, const token_price& p) {
    const auto fresh = u.input_tokens - u.cached_tokens;
    return money{fresh * p.input.picodollars + u.cached_tokens * p.cached_input.picodollars +
                 u.output_tokens * p.output.picodollars};
}

std::optional<slice_record> last_bill(const job_row& job) {
    const auto whole_batch = billed(job.state);
    if (!whole_batch || *whole_batch == token_usage{}) return std::nullopt;
    const auto& told = *whole_batch;
    const auto beyond = [](std::int64_t whole, std::int64_t lines) {
        return std::max<std::int64_t>(whole - lines, 0);
    };
    slice_record record;
    record.proven = true;
    record.used = {beyond(told.input_tokens, job.used.input_tokens),
                   beyond(told.cached_tokens, job.used.cached_tokens),
                   beyond(told.output_tokens, job.used.output_tokens),
                   beyond(told.reasoning_tokens, job.used.reasoning_tokens)};
    auto whole = job.used;
    whole += record.used;
    record.actual =
        money{cost(whole, job.plan.price).picodollars - cost(job.used, job.plan.price).picodollars};
    return record;
}

} // namespace enrichd

// The look at start for batches that the ledger does not know: it may be an old copy that was put back.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/adopter.hpp"
#include "daemon/clock.hpp"
#include "state/ledger.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <vector>

namespace enrichd {

/// Reads the provider's list as far back as anything is to be had of a batch. A batch of a job that was not
/// submitted yet, as far as this ledger knows, becomes that job's own; what could be adopted otherwise is
/// written down, and nothing is bought until a person says what becomes of it.
class unknown_finder {
public:
    /// References outlive the object.
    unknown_finder(ledger& l, adopter& a, const clock& c, std::function<build_settings()> settings);

    /// The chore find_unknown. On true it is recorded as done. Errors: provider_*, target_unavailable;
    /// unavailable while a job is busy with an earlier try than the provider has a batch of.
    boost::asio::awaitable<result<bool>> look(chore_row c);

private:
    std::int64_t reach() const;
    bool is_of_another_life(const unknown_batch& b);
    void count_failed_try(const unknown_batch& b);
    void give(const unknown_batch& own, std::int64_t now_ms);

    ledger& ledger_;
    adopter& adopter_;
    const clock& clock_;
    std::function<build_settings()> settings_;
};

} // namespace enrichd

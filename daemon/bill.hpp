// What answers and batches cost, as far as their usage tells.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/effects.hpp"

#include <optional>

namespace enrichd {

/// Usage at a price, cached input at its own.
money cost(const token_usage& u, const token_price& p);

/// What the provider says that the whole batch cost, beyond what its lines told: those that were lost or
/// unreadable were billed all the same. The lines count where they tell more. Absent where it says nothing.
std::optional<slice_record> last_bill(const job_row& job);

} // namespace enrichd

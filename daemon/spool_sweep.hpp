// Files of the spool that nothing needs any more, and that no run's end takes away.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/spool.hpp"
#include "state/ledger.hpp"

#include <cstddef>
#include <cstdint>

namespace enrichd {

/// Deletes what a crash left behind: request files of adoptions that were not recorded, copies of requests
/// for a second try that was not recorded, and, once they are older than `retention_ms`, request and result
/// files that this ledger does not know. Never one that a job of the ledger names, and no other file. To be
/// called while nothing is being adopted. Returns how many it deleted.
std::size_t sweep_spool(ledger& l, const spool& s, std::int64_t now_ms, std::int64_t retention_ms);

} // namespace enrichd

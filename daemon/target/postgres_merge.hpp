// Values into a PostgreSQL target: one slice, one transaction, a handful of round trips.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/target/postgres_catalogue.hpp"
#include "daemon/target/target.hpp"

#include <string>

namespace enrichd::target {

/// Why a merge did not come to its end. The transaction is still open then: the connection must be dropped.
struct merge_failure {
    error what;
    std::string state; ///< SQLSTATE; empty if the server had no say
};

template <class T>
using merge_result = boost::system::result<T, merge_failure>;

/// One try. The merge log's row, which is written in the same transaction, makes a second try safe whatever
/// became of the first.
awaitable<merge_result<merge_reply>> merge_into_postgres(postgres_connection& c, const postgres_settings& s,
                                                         const merge_slice& slice);

} // namespace enrichd::target

// What the tables of a PostgreSQL target lack, and putting it there.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/target/postgres_catalogue.hpp"
#include "daemon/target/target.hpp"

#include <vector>

namespace enrichd::target {

awaitable<result<column_report>> inspect_postgres(postgres_connection& c, const postgres_settings& s,
                                                  enrichd::kind k);

awaitable<result<std::vector<migration_step>>> plan_postgres_migration(postgres_connection& c,
                                                                       const postgres_settings& s);

/// Each step by itself. The unique index is made without holding writers up, and so outside a transaction;
/// what a failure leaves of it is removed. Errors: target_unavailable if a lock cannot be had within a few
/// seconds, target_blocked if the role may not.
awaitable<result<std::vector<migration_step>>> migrate_postgres(postgres_connection& c,
                                                                const postgres_settings& s);

} // namespace enrichd::target

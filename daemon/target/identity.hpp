// What the ledger knows a target by: a database, and a table in it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace enrichd::target {

/// "postgresql:host/db" and "events": "postgresql:host/db/events".
std::string make_identity(std::string_view database, std::string_view table);

/// What to configure, where rows of target `was` are under way and `now` is configured: the table again, or
/// the database, or its old name where it has only moved.
std::string how_to_return(std::string_view was, std::string_view now);

} // namespace enrichd::target

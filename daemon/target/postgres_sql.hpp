// The statements that select and merge, made from what the catalogue says.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/target/postgres_catalogue.hpp"
#include "daemon/target/target.hpp"

#include <string>

namespace enrichd::target {

/// Rows in order: key, authority, date in ms, need's word, and title and text where it needs work. Its
/// parameters: the authorities as text[], if any are given. Errors: target_blocked, naming what to configure.
result<sql_step> select_step(const postgres_catalogue& c, const postgres_settings& s, const selection& what);

/// What is wrong with the source, with what to configure; empty if nothing is.
std::string source_problem(const postgres_catalogue& c, const postgres_settings& s);

/// A key that a configured query yields twice, if there is one; no statement where keys are unique by
/// construction.
std::optional<sql_step> duplicate_step(const postgres_settings& s);

// Those below share one first parameter: the slice's keys as text[].

/// Locks the slice's rows in the order of their keys, so that two writers cannot wait for each other.
std::string lock_sql(const postgres_catalogue& c, const target_config& t);

/// Key, need's word and current source hash of each row of the slice. Errors as of select_step().
result<std::string> state_sql(const postgres_catalogue& c, const postgres_settings& s, const wanted& want);

/// Of rows that were read elsewhere: key, need's word, whether the text is another than the one whose hash is
/// given (only where it needs work), and then title and text. Parameters: keys as text[], and of each its
/// text's hash, as bytea[]. Errors as of select_step().
result<std::string> recheck_sql(const postgres_catalogue& c, const postgres_settings& s, const wanted& want);

/// Writes many rows at once: keys, values and hashes as arrays; then model and version. `value_type` is an
/// element's.
std::string update_many_sql(const postgres_catalogue& c, const target_config& t, enrichd::kind k,
                            std::string_view value_type);

/// Writes one row: key, value, hash, model, version. For values that are arrays themselves, which unnest
/// would flatten.
std::string update_one_sql(const postgres_catalogue& c, const target_config& t, enrichd::kind k,
                           std::string_view value_type);

} // namespace enrichd::target

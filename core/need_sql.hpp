// The one definition of "needs work", as SQL: selection and merge render it from here and nowhere else.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/source_row.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace enrichd {

enum class sql_dialect { postgresql, sqlite };

/// SQL expressions (a quoted column, a placeholder, a literal), pasted as they are.
struct need_terms {
    std::string value;          ///< the summary or the embedding
    std::string version;        ///< the column that says what the value was made by
    std::string stored_hash;    ///< the column with the hash of the text that the value was made from
    std::string current_hash;   ///< see source_hash_sql()
    std::string wanted_version; ///< the version that makes a row done
    std::string legacy_version; ///< "<model>-v1", the version that the original module wrote
    bool refresh_legacy = false;
    bool keep_versions = false;
};

/// A CASE expression that yields one of need's words. The first rule that holds decides:
///   no value                                        value
///   a stored hash, and it is not the current text's text_changed  (no stored hash is no change)
///   the wanted version                              done
///   the original module's version of this model     legacy, or version where it is to be refreshed
///   any other version, or none                      version, or kept where versions are kept
/// The current hash is only computed for rows that have a value and a stored hash.
std::string need_sql(const need_terms& t);

/// A boolean expression over a column that holds need's word: needs_work() in SQL.
std::string needs_work_sql(std::string_view word_column);

/// SHA-256 over title, a zero byte, and text, a missing one counting as empty: what hash_text() computes.
/// For SQLite it is a call of a function that the connection must have registered under
/// sqlite_source_hash_function, with the same meaning over the raw bytes of its two arguments.
std::string source_hash_sql(sql_dialect d, std::string_view title, std::string_view text);

inline constexpr std::string_view sqlite_source_hash_function = "enrichd_source_hash";

/// need's words, as need_sql() yields them.
std::string_view name(need n);
std::optional<need> parse_need(std::string_view word);

/// An identifier in double quotes, for both dialects. A zero byte, which no identifier can hold, ends it.
std::string quote_identifier(std::string_view id);
/// A text literal in single quotes, for both dialects (standard_conforming_strings, the default since 9.1).
std::string quote_literal(std::string_view text);

} // namespace enrichd

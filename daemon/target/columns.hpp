// Where the values of one kind are kept, and the rule of need over those columns: the same for both
// databases.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/config.hpp"
#include "core/need_sql.hpp"
#include "daemon/target/target.hpp"

#include <array>
#include <string>
#include <string_view>

namespace enrichd::target {

/// Column names of one kind, unquoted. All but `value` have the same names in every target.
struct kind_columns {
    std::string value;
    std::string model;
    std::string ts;
    std::string version;
    std::string source_hash;

    std::array<std::string, 5> all() const { return {value, model, ts, version, source_hash}; }
};

kind_columns columns_of(enrichd::kind k, const target_config& t);

/// need's word for a row of the target (its alias in the query is `alias`) whose source hash is
/// `current_hash`.
std::string row_need_sql(std::string_view alias, const kind_columns& c, const wanted& want,
                         std::string_view current_hash);

/// What to do where it is not known what the columns of a row are.
inline constexpr std::string_view source_query_hint =
    "set [source] query to a SELECT that yields the columns key, text, title, date, authority";

/// What to do where there is no table of texts beside `table`.
std::string text_column_hint(std::string_view table);
/// The configured text column is not there.
std::string no_text_column(std::string_view table, std::string_view column);

/// The user's query without what would end it early inside parentheses.
std::string as_subquery(std::string_view query);

/// Why no database would take this value, whatever its column: a zero byte in a text, not a number in a
/// vector, or not `dimensions` of them (0: any). Empty if nothing is wrong with it.
std::string value_problem(const merge_row& row, std::uint32_t dimensions);

} // namespace enrichd::target

// What PostgreSQL's catalogue says of the configured tables.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/config.hpp"
#include "daemon/target/columns.hpp"
#include "daemon/target/postgres_connection.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace enrichd::target {

struct postgres_settings {
    postgres_url url;
    std::string name;                       ///< given by the user; empty: the address and the table
    std::optional<postgres_url> source_url; ///< where rows are read from, if elsewhere
    source_config source;
    target_config target;
};

struct postgres_column {
    std::string name;
    std::string type;      ///< as SQL takes it, without length: "uuid", "public.vector"
    std::string type_name; ///< "vector", "_float4", ...
    int modifier = -1;     ///< the n of vector(n)
    std::uint32_t type_oid = 0;
    bool may_update = false; ///< our role has the right
};

/// Names that are quoted and qualified, so that no search_path matters.
struct postgres_catalogue {
    std::string table;
    std::string log;            ///< where the merge log is, or is to be: in the table's schema
    bool has_log = false;       ///< it is there, and we may read and write it
    bool log_is_barred = false; ///< it is there, and we may not
    bool in_path = false;       ///< the table's schema is where unqualified names are created
    std::string role;
    std::vector<postgres_column> columns;
    std::string documents; ///< the table of texts beside it; empty if there is none
    std::vector<postgres_column> document_columns;
    std::vector<std::string> query_columns; ///< of [source] query
    std::uint32_t query_key_oid = 0;

    const postgres_column* column(std::string_view name) const;
    const postgres_column* document_column(std::string_view name) const;
};

/// The statements that tell; to be put anywhere in a pipeline.
std::vector<sql_step> catalogue_steps(const postgres_settings& s);

/// Reads their results, which begin at `first`. Errors: target_blocked if the table or its key column is not
/// there.
result<postgres_catalogue> read_catalogue(const postgres_settings& s, const std::vector<sql_rows>& results,
                                          std::size_t first);

/// What a vector column takes.
enum class vector_type { vector, halfvec, real_array, double_array };
std::optional<vector_type> vector_type_of(const postgres_column& c);

/// What a connection is to be allowed: the reading one may be another role's, or a standby's.
enum class right { read, write };

/// What keeps a run of this kind from working, with the fix; empty if nothing does.
std::string column_problem(const postgres_catalogue& c, const target_config& t, enrichd::kind k,
                           right needed);

/// The rights that a run of this kind needs, as statements.
std::string grants_for(const postgres_catalogue& c, const target_config& t, enrichd::kind k);

} // namespace enrichd::target

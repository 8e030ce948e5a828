// What a PostgreSQL server answered: rows, or why not.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct pg_result;

namespace enrichd::target {

/// An owned PGresult. Columns are in binary format; text types look the same in both.
class sql_rows {
public:
    explicit sql_rows(pg_result* r) : result_(r, clear) {}

    int size() const;
    std::vector<std::string> columns() const;
    std::uint32_t column_type(int column) const; ///< an OID
    bool is_null(int row, int column) const;
    std::string_view bytes(int row, int column) const; ///< empty for NULL
    std::string text(int row, int column) const { return std::string(bytes(row, column)); }
    bool boolean(int row, int column) const;
    std::int64_t integer(int row, int column) const; ///< of int4, int8 and oid
    std::int64_t affected() const;                   ///< rows that an UPDATE, INSERT or DELETE wrote

private:
    static void clear(pg_result* r);
    std::unique_ptr<pg_result, void (*)(pg_result*)> result_;
};

/// A statement that the server refused.
struct sql_failure {
    std::size_t step = 0; ///< which statement of the pipeline
    std::string state;    ///< SQLSTATE, https://www.postgresql.org/docs/15/errcodes-appendix.html
    std::string message;  ///< the primary message; DETAIL is left out, for it quotes rows
};

sql_failure read_failure(const pg_result* r, std::size_t step);

/// Whether the refusal is about a row's value, so that other rows may still be written: data exceptions,
/// constraints, limits of a value's size, a view's check option, a trigger's RAISE.
bool is_refused_value(std::string_view state);

/// Whether the same transaction, begun anew at once, may go through: serialization, deadlock, lock timeout.
bool is_worth_repeating(std::string_view state);

/// target_unavailable for what passes by itself (connection, resources, shutdown, read-only standby),
/// target_blocked for what a person must mend, with what to do: for a missing right, `grants`.
error to_error(std::string_view doing, const sql_failure& f, std::string_view grants = {});

} // namespace enrichd::target

// Rows of a SQLite target, in order.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/target/sqlite_connection.hpp"
#include "daemon/target/target.hpp"

#include <memory>
#include <vector>

namespace enrichd::target {

/// A selection under way. No cursor stays open between two calls, since that would keep every writer out of a
/// file that is not in WAL mode: keys, order and need go into a temporary table at once, texts are fetched
/// piece by piece. A text that changes in between is found when its value is merged.
class sqlite_selection {
public:
    /// Blocks while it selects. Throws sqlite::sqlite_error; errors as sqlite_source() has them.
    static result<std::unique_ptr<sqlite_selection>> open(const sqlite_settings& s, const selection& what);

    /// Blocks. About a megabyte of text, or some hundred rows; empty at the end.
    std::vector<source_row> next();

private:
    sqlite_selection(sqlite::database db, std::string source);

    std::vector<source_row> read_index();
    void read_texts(std::vector<source_row>& rows);

    sqlite::database db_;
    sqlite::statement index_;
    sqlite::statement texts_;
    std::int64_t last_ = 0;    ///< id of the last row that was given
    std::int64_t wanted_ = 64; ///< rows of the next piece, by the size of the last
};

} // namespace enrichd::target

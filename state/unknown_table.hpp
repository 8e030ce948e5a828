// Batches at the provider that the ledger does not know, and could take in.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "state/sqlite.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace enrichd {

struct unknown_row {
    std::string batch_id;
    std::string installation; ///< of the ledger that made it
    std::int64_t requests = 0;
    std::int64_t created_ms = 0; ///< by the provider's clock
    std::int64_t found_ms = 0;
    bool let_go = false; ///< by a person: it is in nobody's way
};

/// What the look at the last start found. Nothing new is bought while one of them is not let go: it may hold
/// the same rows.
class unknown_table {
public:
    explicit unknown_table(sqlite::database& db);

    /// A look found it; what was let go stays so.
    void put(const unknown_row& batch);
    /// It is in the ledger now, or not to be had any more.
    void drop(const std::string& batch_id);
    void let_go(const unknown_row& batch);
    /// Those that the look of this time did not find again. What was let go stays so as long as the
    /// provider's list is read back to it.
    void drop_not_found(std::int64_t found_ms, std::int64_t oldest_ms);
    std::optional<unknown_row> find(const std::string& batch_id);
    /// Those that were not let go, oldest first.
    std::vector<unknown_row> list();
    bool any();

private:
    sqlite::statement put_, drop_, let_go_, drop_not_found_, find_, list_, any_;
};

} // namespace enrichd

// Rows that are not sent again until a person says so.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/kind.hpp"
#include "core/outcome.hpp"
#include "core/source_row.hpp"
#include "state/sqlite.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace enrichd {

struct quarantined_row {
    std::string target;
    enrichd::kind kind{};
    std::string key;
    std::string version;
    text_hash hash{};
    std::int64_t job_id = 0;
    outcome how{};
    std::string reason;
    std::int64_t tries = 0;
    std::int64_t since_ms = 0;
    std::string authority;
};

class quarantine_table {
public:
    explicit quarantine_table(sqlite::database& db);

    void put(const quarantined_row& row);
    /// Whether the row is held back. Another version or another text is another try, so it is not.
    bool holds(const std::string& target, kind k, const std::string& key, const std::string& version,
               const text_hash& hash);
    /// Newest first.
    std::vector<quarantined_row> list(std::int64_t limit);
    std::int64_t count();
    /// Returns how many were let go.
    std::int64_t release(const std::string& key);
    std::int64_t release_all();

private:
    sqlite::statement put_, holds_, list_, count_, release_, release_all_;
};

} // namespace enrichd

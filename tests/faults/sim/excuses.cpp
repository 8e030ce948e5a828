// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/sim/excuses.hpp"

#include <algorithm>
#include <utility>

namespace enrichd::faults {

std::string submission_of(const sim_batch& b) {
    const auto it = b.told.metadata.find("enrichd_submission");
    return it == b.told.metadata.end() ? "" : it->second;
}

bool is_strangers(const sim_batch& b) {
    return submission_of(b).rfind("ed1-00000000-", 0) == 0;
}

twins twins_of(sqlite::database& db, sim_provider& provider) {
    twin_table table(db);
    twins all;
    for (const auto& b : provider.batches())
        if (auto twin = table.find(b.told.id)) all.emplace(b.told.id, std::move(*twin));
    return all;
}

bool is_beside_another(sqlite::database& db, const twin_row& twin, sim_provider& provider) {
    sqlite::statement find(db, "SELECT batch_id FROM jobs WHERE id = ? AND state = 'merged'");
    auto row = find(twin.job_id);
    if (!row.next()) return false;
    const std::string own(row.text(0));
    const auto& all = provider.batches();
    return std::any_of(all.begin(), all.end(), [&own](const auto& b) {
        return b.told.id == own && b.ends_as != batch_status::failed;
    });
}

std::set<std::string> adopted(sqlite::database& db) {
    std::set<std::string> all;
    sqlite::statement find(db, R"SQL(
        SELECT j.batch_id FROM jobs AS j JOIN runs AS r ON r.id = j.run_id
        WHERE json_extract(r.order_json, '$.adopted_batch') <> ''
    )SQL");
    for (auto rows = find(); rows.next();)
        all.insert(std::string(rows.text(0)));
    return all;
}

std::set<std::string> batches_given_up(sqlite::database& db, sim_provider& provider,
                                       const promises& promised) {
    auto given_up = promised.given_up_before;
    sqlite::statement find(db, R"SQL(
        SELECT run_id FROM jobs WHERE batch_id = ?1 OR ?2 LIKE 'ed1-%-' || id || '-' || mark || '-%'
    )SQL");
    for (const auto& b : provider.batches()) {
        if (is_strangers(b)) continue;
        const bool named_late = b.files_ms > b.settled_ms;
        for (auto rows = find(b.told.id, submission_of(b)); rows.next();) {
            const auto run = rows.integer(0);
            if (promised.abandoned.contains(run) || (named_late && promised.cancelled.contains(run)))
                given_up.insert(b.told.id);
        }
    }
    return given_up;
}

std::set<std::string> batches_given_up(const std::filesystem::path& ledger_file, sim_provider& provider,
                                       const promises& promised) {
    sqlite::database db(ledger_file.string(), sqlite::open_mode::read_write);
    return batches_given_up(db, provider, promised);
}

} // namespace enrichd::faults

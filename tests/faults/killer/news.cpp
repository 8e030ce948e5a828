// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/killer/news.hpp"

#include "tests/faults/killer/news_postgres.hpp"
#include "tests/faults/killer/news_sqlite.hpp"

#include <fmt/format.h>

namespace enrichd::killer {

std::string news::any_key(chance& c) {
    return exec(
        fmt::format("SELECT event_id FROM events ORDER BY event_id LIMIT 1 OFFSET {}", c.number(0, 19)));
}

int news::stale_writes() {
    // One text has one hash. A row's last value is of its text, so another hash beside that text is not.
    return std::stoi(exec("SELECT count(DISTINCT a.event_id) FROM killer_audit AS a JOIN killer_audit AS b "
                          "USING (event_id, kind, "
                          "digest) WHERE a.hash <> b.hash"));
}

int news::rewrites() {
    return std::stoi(exec("SELECT count(*) FROM (SELECT 1 AS one FROM killer_audit WHERE hash IS NOT NULL "
                          "GROUP BY event_id, kind, hash HAVING count(*) > 1) AS again"));
}

std::string news::edit_row(chance& c) {
    const auto key = any_key(c);
    // The first statement locks the row, under whose lock enrichd looks at the text.
    exec(fmt::format(
        "UPDATE events SET title = title WHERE event_id = '{1}'; UPDATE documents SET clean_text = 'Edited "
        "{0}. ' || clean_text WHERE event_id = '{1}'",
        c.number(1, 1'000'000), key));
    return "edits row " + key;
}

std::string news::delete_row(chance& c) {
    const auto key = any_key(c);
    exec(fmt::format(
        "DELETE FROM documents WHERE event_id = '{0}'; DELETE FROM events WHERE event_id = '{0}'", key));
    return "deletes row " + key;
}

std::string news::enrich_elsewhere(chance& c) {
    const auto key = any_key(c);
    exec(fmt::format("UPDATE events SET summary_en = '{}', summary_model = 'gpt-4o-mini', summary_version = "
                     "'gpt-4o-mini-v1', summary_source_hash = NULL WHERE event_id = '{}'",
                     not_ours, key));
    enriched_elsewhere_.insert(key);
    return "the original module summarises row " + key;
}

std::unique_ptr<news> make_news(const round_plan& p, const std::filesystem::path& folder) {
    if (p.postgres) return std::make_unique<news_in_postgres>(p, folder);
    return std::make_unique<news_in_sqlite>(p, folder);
}

} // namespace enrichd::killer

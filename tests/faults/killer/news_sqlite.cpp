// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/killer/news_sqlite.hpp"

#include "tests/support/process.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace enrichd::killer {

namespace {

constexpr const char* rows_as_json = R"SQL(
    SELECT json_group_array(json_object(
        'key', event_id, 'summary', summary_en, 'summary_version', summary_version,
        'embedding', hex(embedding), 'embedding_version', embedding_version)) FROM events
)SQL";

constexpr const char* drop_values = R"SQL(
    UPDATE events SET summary_en = NULL, summary_model = NULL, summary_ts = NULL, summary_version = NULL,
        summary_source_hash = NULL, embedding = NULL, embedding_model = NULL, embedding_ts = NULL,
        embedding_version = NULL, embedding_source_hash = NULL;
    DELETE FROM enrichd_merge_log
)SQL";

std::filesystem::path copy_of(const std::filesystem::path& file) {
    return file.string() + ".copy";
}

} // namespace

news_in_sqlite::news_in_sqlite(const round_plan& p, const std::filesystem::path& folder)
    : file_(folder / "news.db") {
    const auto made =
        test::run({ENRICHD_CHANGELOG_ROWS, "--sqlite", file_.string(), "--limit", std::to_string(p.rows)});
    if (made.code != 0) throw std::runtime_error("changelog_rows: " + made.err);
    // A second document for a third of the rows.
    exec("INSERT INTO documents SELECT lower(hex(randomblob(16))), event_id, substr(clean_text, 1, 700) FROM "
         "documents "
         "WHERE unicode(event_id) % 3 = 0");
}

std::string news_in_sqlite::exec_in(const std::filesystem::path& file, const std::string& sql) {
    sqlite::database db(file.string(), sqlite::open_mode::read_write);
    db.exec("PRAGMA busy_timeout = 3000");
    const auto first = sql.find_first_not_of(" \n");
    if (sql.compare(first, 6, "SELECT") != 0) {
        sqlite::transaction all(db);
        db.exec(sql);
        all.commit();
        return "";
    }
    sqlite::statement statement(db, sql);
    auto row = statement();
    return row.next() ? row.text(0) : "";
}

void news_in_sqlite::hold() {
    sqlite::database db(file_.string(), sqlite::open_mode::read_write);
    db.exec("PRAGMA busy_timeout = 3000; BEGIN EXCLUSIVE");
    holder_.emplace(std::move(db));
}

std::vector<trick> news_in_sqlite::tricks() const {
    return {
        {"the column of summaries is renamed",
         {"ALTER TABLE events RENAME COLUMN summary_en TO summary_away"},
         {"ALTER TABLE events RENAME COLUMN summary_away TO summary_en"}},
        {"the column of embeddings is renamed", // a column of SQLite takes a BLOB, whatever its type
         {"ALTER TABLE events RENAME COLUMN embedding TO embedding_away"},
         {"ALTER TABLE events RENAME COLUMN embedding_away TO embedding"}},
    };
}

void news_in_sqlite::audit() {
    exec("CREATE TABLE killer_audit (event_id TEXT, kind TEXT, digest TEXT, hash TEXT)");
    for (const auto& [column, hash] :
         {std::pair("summary_en", "summary_source_hash"), std::pair("embedding", "embedding_source_hash")})
        exec(fmt::format(R"SQL(
            CREATE TRIGGER audit_{0} AFTER UPDATE OF {0} ON events WHEN NEW.{1} IS NOT NULL
            BEGIN
                INSERT INTO killer_audit
                SELECT NEW.event_id, '{0}', group_concat(substr(clean_text, 1, 40), '|'), hex(NEW.{1})
                FROM (SELECT clean_text FROM documents WHERE event_id = NEW.event_id ORDER BY document_id);
            END)SQL",
                         column, hash));
}

std::string news_in_sqlite::snapshot() {
    return exec(rows_as_json);
}

std::string news_in_sqlite::copy_without_values() {
    std::filesystem::copy_file(file_, copy_of(file_), std::filesystem::copy_options::overwrite_existing);
    exec_in(copy_of(file_), drop_values);
    return "sqlite:" + copy_of(file_).string();
}

std::string news_in_sqlite::snapshot_of_copy() {
    return exec_in(copy_of(file_), rows_as_json);
}

} // namespace enrichd::killer

// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/store.hpp"

#include "daemon/sandbox/words.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <random>
#include <sys/file.h>
#include <unistd.h>

namespace enrichd::sandbox {

namespace {

constexpr auto schema = R"SQL(
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS settings (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS files (
    ordinal    INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL UNIQUE,
    purpose    TEXT NOT NULL,
    filename   TEXT NOT NULL,
    bytes      INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS batches (
    ordinal  INTEGER PRIMARY KEY AUTOINCREMENT,
    id       TEXT NOT NULL UNIQUE,
    ended    INTEGER NOT NULL,
    model    TEXT NOT NULL,
    enqueued INTEGER NOT NULL,
    document TEXT NOT NULL  -- a batch_record as JSON
) STRICT;
CREATE INDEX IF NOT EXISTS unfinished ON batches (ended) WHERE ended = 0;
CREATE TABLE IF NOT EXISTS billed (
    batch     INTEGER NOT NULL,
    custom_id TEXT NOT NULL,
    input     INTEGER NOT NULL,
    output    INTEGER NOT NULL,
    reasoning INTEGER NOT NULL,
    PRIMARY KEY (batch, custom_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS calls (
    operation TEXT PRIMARY KEY,
    count     INTEGER NOT NULL
) STRICT;
)SQL";

int take_lock(const std::filesystem::path& folder) {
    const auto path = folder / "lock";
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) throw fatal_error(errc::io, fmt::format("{}: {}", path.native(), std::strerror(errno)));
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
    ::close(fd);
    throw fatal_error(
        errc::state_conflict,
        fmt::format("{}: another enrich-sandbox uses this folder; stop it or give another --data",
                    folder.native()));
}

file_record read_file_row(const sqlite::statement::use& row) {
    return {row.integer(0),         row.text(1), row.text(2), row.text(3), row.integer(4), row.integer(5),
            row.optional_integer(6)};
}

batch_record read_batch_row(const sqlite::statement::use& row) {
    auto b = batch_from_json(row.text(1));
    if (!b) throw fatal_error(errc::internal, "the sandbox's database holds a batch that cannot be read");
    b->ordinal = row.integer(0);
    return std::move(*b);
}

} // namespace

struct store::statements {
    explicit statements(sqlite::database& db)
        : get_setting(db, "SELECT value FROM settings WHERE name = ?"),
          set_setting(db, "INSERT INTO settings (name, value) VALUES (?1, ?2) "
                          "ON CONFLICT (name) DO UPDATE SET value = ?2"),
          add_file(db, "INSERT INTO files (id, purpose, filename, bytes, created_at, expires_at) "
                       "VALUES (?, ?, ?, ?, ?, ?)"),
          file(
              db,
              "SELECT ordinal, id, purpose, filename, bytes, created_at, expires_at FROM files WHERE id = ?"),
          remove_file(db, "DELETE FROM files WHERE id = ?"),
          files_down(db, "SELECT ordinal, id, purpose, filename, bytes, created_at, expires_at FROM files "
                         "WHERE ordinal < ?1 AND (?2 = '' OR purpose = ?2) ORDER BY ordinal DESC LIMIT ?3"),
          files_up(db, "SELECT ordinal, id, purpose, filename, bytes, created_at, expires_at FROM files "
                       "WHERE ordinal > ?1 AND (?2 = '' OR purpose = ?2) ORDER BY ordinal LIMIT ?3"),
          add_batch(db, "INSERT INTO batches (id, ended, model, enqueued, document) VALUES (?, 0, '', 0, ?)"),
          batch(db, "SELECT ordinal, document FROM batches WHERE id = ?"),
          save_batch(db, "UPDATE batches SET ended = ?, model = ?, enqueued = ?, document = ? WHERE id = ?"),
          batches_down(db, "SELECT ordinal, document FROM batches WHERE ordinal < ? ORDER BY ordinal DESC"),
          unfinished(db, "SELECT ordinal, document FROM batches WHERE ended = 0 ORDER BY ordinal"),
          batch_ids(db, "SELECT id FROM batches ORDER BY ordinal"),
          add_billed(
              db,
              "INSERT INTO billed (batch, custom_id, input, output, reasoning) VALUES (?1, ?2, ?3, ?4, ?5) "
              "ON CONFLICT (batch, custom_id) DO UPDATE SET input = ?3, output = ?4, reasoning = ?5"),
          billed(db,
                 "SELECT custom_id, input, output, reasoning FROM billed WHERE batch = ? ORDER BY custom_id"),
          enqueued(db, "SELECT coalesce(sum(enqueued), 0) FROM batches WHERE ended = 0 AND model = ?"),
          count_call(db, "INSERT INTO calls (operation, count) VALUES (?, 1) "
                         "ON CONFLICT (operation) DO UPDATE SET count = count + 1"),
          calls(db, "SELECT count FROM calls WHERE operation = ?") {}

    sqlite::statement get_setting, set_setting, add_file, file, remove_file, files_down, files_up, add_batch,
        batch, save_batch, batches_down, unfinished, batch_ids, add_billed, billed, enqueued, count_call,
        calls;
};

store::store(const std::filesystem::path& folder) : folder_(folder) {
    std::error_code ec;
    for (const auto& part : {folder_, folder_ / "files", folder_ / "work"}) {
        std::filesystem::create_directories(part, ec);
        if (ec) throw fatal_error(errc::io, fmt::format("{}: {}", part.native(), ec.message()));
    }
    lock_ = take_lock(folder_);
    db_ = std::make_unique<sqlite::database>((folder_ / "sandbox.db").native());
    db_->exec(schema);
    sql_ = std::make_unique<statements>(*db_);
}

store::~store() {
    sql_.reset();
    db_.reset();
    ::close(lock_);
}

std::uint64_t store::seed(std::optional<std::uint64_t> given) {
    auto row = sql_->get_setting("seed");
    if (row.next()) {
        seed_ = static_cast<std::uint64_t>(row.integer(0));
        if (given && *given != seed_)
            throw fatal_error(errc::state_conflict,
                              fmt::format("{}: was made with --seed {}; give that seed, or another --data",
                                          folder_.native(), seed_));
        return seed_;
    }
    seed_ = given ? *given : std::random_device()() >> 1;
    sql_->set_setting("seed", static_cast<std::int64_t>(seed_)).run();
    return seed_;
}

std::string store::new_id(std::string_view prefix) {
    std::int64_t number = 0;
    {
        auto row = sql_->get_setting("ids");
        if (row.next()) number = row.integer(0);
    }
    sql_->set_setting("ids", number + 1).run();
    return std::string(prefix) + hex_id(hash_of(fmt::format("{}{}", prefix, number), seed_));
}

std::filesystem::path store::upload_path(std::uint64_t number) const {
    return folder_ / "work" / fmt::format("upload-{}", number);
}

void store::add_file(const file_record& f) {
    sql_->add_file(f.id, f.purpose, f.filename, f.bytes, f.created_at, f.expires_at).run();
}

std::optional<file_record> store::file(std::string_view id) {
    auto row = sql_->file(id);
    if (!row.next()) return std::nullopt;
    return read_file_row(row);
}

bool store::remove_file(std::string_view id) {
    if (sql_->remove_file(id).run() == 0) return false;
    std::error_code ignored; // bytes without a record harm nobody
    std::filesystem::remove(content_of(id), ignored);
    return true;
}

page<file_record> store::files(const page_order& order, std::string_view purpose) {
    std::int64_t from = order.newest_first ? std::numeric_limits<std::int64_t>::max() : 0;
    if (!order.after.empty())
        if (const auto last = file(order.after)) from = last->ordinal;
    const auto want = static_cast<std::int64_t>(order.limit + 1);
    auto& statement = order.newest_first ? sql_->files_down : sql_->files_up;
    page<file_record> out;
    for (auto row = statement(from, purpose, want); row.next();)
        out.items.push_back(read_file_row(row));
    out.has_more = out.items.size() > order.limit;
    if (out.has_more) out.items.pop_back();
    return out;
}

void store::add_batch(batch_record& b) {
    sql_->add_batch(b.id, to_json(b)).run();
    b.ordinal = db_->last_insert_rowid();
    save(b);
}

std::optional<batch_record> store::batch(std::string_view id) {
    auto row = sql_->batch(id);
    if (!row.next()) return std::nullopt;
    return read_batch_row(row);
}

void store::save(const batch_record& b, const std::vector<billed_line>& billed) {
    sqlite::transaction t(*db_);
    for (const auto& line : billed)
        sql_->add_billed(b.ordinal, line.custom_id, line.billed.input, line.billed.output,
                         line.billed.reasoning)
            .run();
    sql_->save_batch(is_end(b.status) ? 1 : 0, b.model, b.enqueued_tokens, to_json(b), b.id).run();
    t.commit();
}

page<batch_record> store::batches(const page_order& order, std::int64_t now_ms) {
    std::int64_t from = std::numeric_limits<std::int64_t>::max();
    if (!order.after.empty())
        if (const auto last = batch(order.after)) from = last->ordinal;
    page<batch_record> out;
    std::vector<batch_record> hidden;
    for (auto row = sql_->batches_down(from); row.next() && out.items.size() <= order.limit;) {
        auto b = read_batch_row(row);
        if (b.faults.hidden_calls > 0)
            hidden.push_back(std::move(b));
        else if (now_ms >= b.created_ms + b.faults.hidden_ms)
            out.items.push_back(std::move(b));
    }
    out.has_more = out.items.size() > order.limit;
    if (out.has_more) out.items.pop_back();
    for (auto& b : hidden) {
        --b.faults.hidden_calls;
        save(b);
    }
    return out;
}

std::vector<batch_record> store::unfinished() {
    std::vector<batch_record> out;
    for (auto row = sql_->unfinished(); row.next();)
        out.push_back(read_batch_row(row));
    return out;
}

std::vector<std::string> store::batch_ids() {
    std::vector<std::string> out;
    for (auto row = sql_->batch_ids(); row.next();)
        out.push_back(row.text(0));
    return out;
}

std::vector<billed_line> store::billed(const batch_record& b) {
    std::vector<billed_line> out;
    for (auto row = sql_->billed(b.ordinal); row.next();)
        out.push_back({row.text(0), {row.integer(1), row.integer(2), row.integer(3)}});
    return out;
}

std::int64_t store::enqueued(std::string_view model) {
    auto row = sql_->enqueued(model);
    return row.next() ? row.integer(0) : 0;
}

void store::count_call(operation o) {
    sql_->count_call(name(o)).run();
}

std::int64_t store::calls(operation o) {
    auto row = sql_->calls(name(o));
    return row.next() ? row.integer(0) : 0;
}

} // namespace enrichd::sandbox

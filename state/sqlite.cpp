// SPDX-License-Identifier: Apache-2.0
#include "state/sqlite.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <array>
#include <cassert>
#include <utility>

#include "state/durable_copy.hpp"

namespace enrichd::sqlite {

namespace {

int open_flags(open_mode mode) {
    switch (mode) {
    case open_mode::read_only: return SQLITE_OPEN_READONLY;
    case open_mode::immutable: return SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
    case open_mode::read_write: return SQLITE_OPEN_READWRITE;
    case open_mode::create: return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    }
    return SQLITE_OPEN_READONLY;
}

// As an SQLite URI (https://www.sqlite.org/uri.html): what has a meaning there is escaped.
std::string immutable_uri(const std::string& path) {
    std::string uri = "file:";
    for (const char c : path)
        uri += c == '%' || c == '?' || c == '#' ? fmt::format("%{:02X}", c) : std::string(1, c);
    return uri + "?immutable=1";
}

int primary(int code) {
    return code & 0xff;
}

/// What SQLite calls for a function made by define(); at most four arguments.
void call_bytes_function(sqlite3_context* context, int count, sqlite3_value** values) {
    std::array<std::string_view, 4> views;
    for (int i = 0; i < count; ++i) {
        if (sqlite3_value_type(values[i]) == SQLITE_NULL) continue;
        // The order matters: a number becomes text by the first call, and the second tells its length.
        const auto* bytes = static_cast<const char*>(sqlite3_value_blob(values[i]));
        const auto size = static_cast<std::size_t>(sqlite3_value_bytes(values[i]));
        views[static_cast<std::size_t>(i)] = bytes ? std::string_view(bytes, size) : std::string_view("");
    }
    const auto* f = static_cast<const bytes_function*>(sqlite3_user_data(context));
    try {
        const auto out = (*f)(std::span(views.data(), static_cast<std::size_t>(count)));
        sqlite3_result_blob(context, out.data(), static_cast<int>(out.size()), SQLITE_TRANSIENT);
    } catch (const std::exception& e) { // SQLite's own frames must not be unwound
        sqlite3_result_error(context, e.what(), -1);
    }
}

} // namespace

bool sqlite_error::is_disk_full() const noexcept {
    return primary(code_) == SQLITE_FULL;
}

bool sqlite_error::is_io_failure() const noexcept {
    return primary(code_) == SQLITE_IOERR || primary(code_) == SQLITE_READONLY ||
           primary(code_) == SQLITE_CANTOPEN;
}

bool sqlite_error::is_damage() const noexcept {
    return primary(code_) == SQLITE_CORRUPT || primary(code_) == SQLITE_NOTADB;
}

bool sqlite_error::is_busy() const noexcept {
    return primary(code_) == SQLITE_BUSY || primary(code_) == SQLITE_LOCKED;
}

database::database(const std::string& path, open_mode mode)
    : path_(path), mode_(mode), health_(std::make_shared<health>()) {
    open();
}

void database::open() {
    const auto name = mode_ == open_mode::immutable ? immutable_uri(path_) : path_;
    const int code = sqlite3_open_v2(name.c_str(), &db_, open_flags(mode_) | SQLITE_OPEN_EXRESCODE, nullptr);
    if (code != SQLITE_OK) {
        const sqlite_error e(code, fmt::format("cannot open {}: {}", path_, sqlite3_errmsg(db_)));
        sqlite3_close_v2(std::exchange(db_, nullptr));
        throw e;
    }
    sqlite3_busy_timeout(db_, 5000);
    if (mode_ == open_mode::read_only) sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

database::~database() {
    sqlite3_close_v2(db_);
}

database::database(database&& other) noexcept
    : path_(std::move(other.path_)),
      mode_(other.mode_),
      db_(std::exchange(other.db_, nullptr)),
      health_(std::move(other.health_)) {}

database& database::operator=(database&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(mode_, other.mode_);
    std::swap(db_, other.db_);
    std::swap(health_, other.health_);
    return *this;
}

// The log may hold frames that only the kernel's memory has, and a new descriptor would take them for
// durable. So it is written anew first, to another file, and takes the old one's place.
void database::reopen() {
    const auto rewritten = rewrite_beside(path_ + "-wal");
    // Statements would keep the old connection, and its descriptors, alive.
    while (auto* left = db_ ? sqlite3_next_stmt(db_, nullptr) : nullptr)
        sqlite3_finalize(left);
    ++health_->generation;
    // A connection that failed must not checkpoint at its end: that would sync the same descriptor.
    if (db_) sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    sqlite3_close_v2(std::exchange(db_, nullptr));
    if (rewritten) put_in_place(*rewritten, path_ + "-wal");
    open();
    health_->broken = false;
}

// SQLite's own automatic checkpoint keeps a failure to itself, and tries again on the same descriptor.
int database::checkpoint(void* of, sqlite3* db, const char* name, int pages) {
    auto* h = static_cast<health*>(of);
    if (pages < h->checkpoint_pages || h->broken) return SQLITE_OK;
    const int code = sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    if (primary(code) == SQLITE_IOERR) h->broken = true;
    return SQLITE_OK; // the commit itself is durable
}

void database::stop_at_io_failure(int checkpoint_pages) {
    health_->checkpoint_pages = checkpoint_pages;
    sqlite3_wal_hook(db_, checkpoint, health_.get());
}

void database::fail(int code, std::string_view doing) const {
    const sqlite_error e(db_ ? sqlite3_extended_errcode(db_) : code,
                         fmt::format("{}: {}", doing, db_ ? sqlite3_errmsg(db_) : sqlite3_errstr(code)));
    if (primary(e.code()) == SQLITE_IOERR && health_->checkpoint_pages > 0) health_->broken = true;
    throw e;
}

void database::refuse_if_broken(std::string_view doing) const {
    if (!db_) throw sqlite_error(SQLITE_CANTOPEN, fmt::format("{}: {} is not open", doing, path_));
    if (health_->broken)
        throw sqlite_error(SQLITE_IOERR,
                           fmt::format("{}: not tried, after an I/O error of {}", doing, path_));
}

void database::exec(std::string_view sql) {
    if (sql != "ROLLBACK") refuse_if_broken(sql.substr(0, 80));
    const int code = sqlite3_exec(db_, std::string(sql).c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) fail(code, sql.substr(0, 80));
}

std::int64_t database::changes() const {
    return sqlite3_changes64(db_);
}

std::int64_t database::last_insert_rowid() const {
    return sqlite3_last_insert_rowid(db_);
}

bool database::in_transaction() const {
    return sqlite3_get_autocommit(db_) == 0;
}

void database::define(const std::string& name, int arguments, bytes_function f) {
    assert(arguments >= 0 && arguments <= 4);
    // SQLite deletes the copy with the connection, and also if the call fails.
    const int code = sqlite3_create_function_v2(
        db_, name.c_str(), arguments, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
        static_cast<void*>(new bytes_function(f)), call_bytes_function, nullptr, nullptr,
        [](void* copy) { delete static_cast<bytes_function*>(copy); });
    if (code != SQLITE_OK) fail(code, name);
}

transaction::transaction(database& db) : db_(db) {
    db_.exec("BEGIN IMMEDIATE");
}

transaction::~transaction() {
    if (done_ || !db_.in_transaction()) return;
    try {
        db_.exec("ROLLBACK");
    } catch (const sqlite_error&) {
        // SQLite has rolled back by itself (disk full, I/O error); there is nothing left to undo.
    }
}

void transaction::commit() {
    db_.exec("COMMIT");
    done_ = true;
}

} // namespace enrichd::sqlite

// SPDX-License-Identifier: Apache-2.0
#include "state/sqlite.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <array>
#include <cassert>
#include <utility>

namespace enrichd::sqlite {

namespace {

[[noreturn]] void fail(sqlite3* db, int code, std::string_view doing) {
    const char* text = db ? sqlite3_errmsg(db) : sqlite3_errstr(code);
    throw sqlite_error(db ? sqlite3_extended_errcode(db) : code, fmt::format("{}: {}", doing, text));
}

int open_flags(open_mode mode) {
    switch (mode) {
    case open_mode::read_only: return SQLITE_OPEN_READONLY;
    case open_mode::read_write: return SQLITE_OPEN_READWRITE;
    case open_mode::create: return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    }
    return SQLITE_OPEN_READONLY;
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

database::database(const std::string& path, open_mode mode) {
    const int code = sqlite3_open_v2(path.c_str(), &db_, open_flags(mode) | SQLITE_OPEN_EXRESCODE, nullptr);
    if (code != SQLITE_OK) {
        const sqlite_error e(code, fmt::format("cannot open {}: {}", path, sqlite3_errmsg(db_)));
        sqlite3_close_v2(std::exchange(db_, nullptr));
        throw e;
    }
    sqlite3_busy_timeout(db_, 5000);
}

database::~database() {
    sqlite3_close_v2(db_);
}

database::database(database&& other) noexcept : db_(std::exchange(other.db_, nullptr)) {}

database& database::operator=(database&& other) noexcept {
    std::swap(db_, other.db_);
    return *this;
}

void database::exec(std::string_view sql) {
    if (sqlite3_exec(db_, std::string(sql).c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
        fail(db_, 0, sql.substr(0, 80));
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
    if (code != SQLITE_OK) fail(db_, code, name);
}

statement::statement(database& db, std::string_view sql) : db_(&db) {
    const int code = sqlite3_prepare_v3(db.handle(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &stmt_, nullptr);
    if (code != SQLITE_OK) fail(db.handle(), code, sql);
}

statement::~statement() {
    sqlite3_finalize(stmt_);
}

statement::statement(statement&& other) noexcept
    : db_(other.db_), stmt_(std::exchange(other.stmt_, nullptr)) {}

statement& statement::operator=(statement&& other) noexcept {
    std::swap(db_, other.db_);
    std::swap(stmt_, other.stmt_);
    return *this;
}

statement::use::~use() {
    sqlite3_reset(stmt_);
    sqlite3_clear_bindings(stmt_);
}

void statement::use::check(int code) const {
    if (code != SQLITE_OK) fail(db_->handle(), code, sqlite3_sql(stmt_));
}

statement::use& statement::use::bind(std::int64_t value) {
    check(sqlite3_bind_int64(stmt_, ++bound_, value));
    return *this;
}

statement::use& statement::use::bind(double value) {
    check(sqlite3_bind_double(stmt_, ++bound_, value));
    return *this;
}

statement::use& statement::use::bind(std::string_view text) {
    // An empty view may carry a null pointer, which SQLite would bind as NULL.
    check(sqlite3_bind_text64(stmt_, ++bound_, text.empty() ? "" : text.data(), text.size(), SQLITE_TRANSIENT,
                              SQLITE_UTF8));
    return *this;
}

statement::use& statement::use::bind(std::span<const std::byte> blob) {
    check(sqlite3_bind_blob64(stmt_, ++bound_, blob.empty() ? "" : static_cast<const void*>(blob.data()),
                              blob.size(), SQLITE_TRANSIENT));
    return *this;
}

statement::use& statement::use::bind(std::nullptr_t) {
    check(sqlite3_bind_null(stmt_, ++bound_));
    return *this;
}

bool statement::use::next() {
    const int code = sqlite3_step(stmt_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    fail(db_->handle(), code, sqlite3_sql(stmt_));
}

std::int64_t statement::use::run() {
    while (next()) {
    }
    return db_->changes();
}

bool statement::use::is_null(int column) const {
    return sqlite3_column_type(stmt_, column) == SQLITE_NULL;
}

std::int64_t statement::use::integer(int column) const {
    return sqlite3_column_int64(stmt_, column);
}

double statement::use::real(int column) const {
    return sqlite3_column_double(stmt_, column);
}

std::string statement::use::text(int column) const {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(stmt_, column));
    return bytes ? std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(stmt_, column)))
                 : std::string();
}

std::optional<std::string> statement::use::optional_text(int column) const {
    if (is_null(column)) return std::nullopt;
    return text(column);
}

std::optional<std::int64_t> statement::use::optional_integer(int column) const {
    if (is_null(column)) return std::nullopt;
    return integer(column);
}

std::span<const std::byte> statement::use::blob(int column) const {
    const auto* bytes = static_cast<const std::byte*>(sqlite3_column_blob(stmt_, column));
    return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(stmt_, column))};
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

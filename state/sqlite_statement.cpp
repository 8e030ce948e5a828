// Statements and their cursors.
// SPDX-License-Identifier: Apache-2.0
#include "state/sqlite.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <utility>

namespace enrichd::sqlite {

statement::statement(database& db, std::string_view sql) : db_(&db), sql_(sql), health_(db.health_) {
    prepare();
}

void statement::prepare() {
    if (!db_->handle()) db_->refuse_if_broken(sql_);
    const int code = sqlite3_prepare_v3(db_->handle(), sql_.data(), static_cast<int>(sql_.size()),
                                        SQLITE_PREPARE_PERSISTENT, &stmt_, nullptr);
    if (code != SQLITE_OK) db_->fail(code, sql_);
    generation_ = health_->generation;
}

sqlite3_stmt* statement::ready() {
    if (generation_ != health_->generation) prepare(); // reopen() has finalized the old one
    return stmt_;
}

statement::~statement() {
    if (stmt_ && generation_ == health_->generation) sqlite3_finalize(stmt_);
}

statement::statement(statement&& other) noexcept
    : db_(other.db_),
      sql_(std::move(other.sql_)),
      stmt_(std::exchange(other.stmt_, nullptr)),
      health_(std::move(other.health_)),
      generation_(other.generation_) {}

statement& statement::operator=(statement&& other) noexcept {
    std::swap(db_, other.db_);
    std::swap(sql_, other.sql_);
    std::swap(stmt_, other.stmt_);
    std::swap(health_, other.health_);
    std::swap(generation_, other.generation_);
    return *this;
}

statement::use::~use() {
    sqlite3_reset(stmt_);
    sqlite3_clear_bindings(stmt_);
}

void statement::use::check(int code) const {
    if (code != SQLITE_OK) db_->fail(code, sqlite3_sql(stmt_));
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
    if (sqlite3_stmt_readonly(stmt_) == 0) db_->refuse_if_broken(sqlite3_sql(stmt_));
    const int code = sqlite3_step(stmt_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    db_->fail(code, sqlite3_sql(stmt_));
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

void copy_blob(std::span<const std::byte> blob, std::span<std::byte> to) {
    std::copy_n(blob.begin(), std::min(blob.size(), to.size()), to.begin());
}

} // namespace enrichd::sqlite

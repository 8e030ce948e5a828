// SQLite behind three classes: database, statement, transaction. Nobody else calls sqlite3_*.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace enrichd::sqlite {

/// A failed call. SQLite's own text is in what(); code is the extended result code.
class sqlite_error : public std::runtime_error {
public:
    sqlite_error(int code, const std::string& what) : std::runtime_error(what), code_(code) {}
    int code() const noexcept { return code_; }

    bool is_disk_full() const noexcept;
    /// The system could not read, write or sync; a file system that became read-only counts.
    bool is_io_failure() const noexcept;
    bool is_damage() const noexcept; ///< malformed, or no database at all
    bool is_busy() const noexcept;   ///< another program holds a lock

private:
    int code_;
};

enum class open_mode {
    read_only,  ///< leaves file and -wal as they are, at closing too
    immutable,  ///< the same, and makes no file beside it; a -wal is not read
    read_write, ///< the file must exist
    create,     ///< made if it does not exist
};

/// A function for SQL over the raw bytes of its arguments, whatever their type; NULL comes as an empty view
/// with a null pointer. It returns a BLOB, always the same for the same arguments; what it throws ends the
/// statement as an error.
using bytes_function = std::array<std::byte, 32> (*)(std::span<const std::string_view> arguments);

/// One connection. Not to be used by two threads at a time.
class database {
public:
    /// Throws sqlite_error, naming the path.
    explicit database(const std::string& path, open_mode mode = open_mode::create);
    ~database();
    database(database&&) noexcept;
    database& operator=(database&&) noexcept;

    /// Runs one or more statements that return nothing.
    void exec(std::string_view sql);
    /// Rows changed by the last INSERT, UPDATE or DELETE.
    std::int64_t changes() const;
    std::int64_t last_insert_rowid() const;
    bool in_transaction() const;
    /// Makes `f` known to this connection's SQL under this name.
    void define(const std::string& name, int arguments, bytes_function f);
    sqlite3* handle() const { return db_; }

    /// From here on, an I/O failure is the last thing that the connection does but reading, until reopen():
    /// the kernel tells of a failed fsync once, and the next one on the same descriptor may succeed though
    /// the data is lost. Checkpoints whenever the log has so many pages, as their failures count too.
    void stop_at_io_failure(int checkpoint_pages);
    bool is_broken() const { return health_->broken; }
    /// Closes every descriptor and opens the file anew; statements are prepared again when they are used.
    /// What was acknowledged is there; a write that failed may be there too. Pragmas and functions are the
    /// caller's to set again. No `use` and no transaction may be alive. Throws fatal_error(io) if the log
    /// cannot be made durable, and everything is as before; or sqlite_error, and then nothing works but
    /// another reopen().
    void reopen();

private:
    friend class statement;
    void open();
    [[noreturn]] void fail(int code, std::string_view doing) const;
    void refuse_if_broken(std::string_view doing) const;

    std::string path_;
    open_mode mode_{};
    sqlite3* db_ = nullptr;

    struct health {
        std::int64_t generation = 0; ///< of the connection; statements of an older one are finalized
        int checkpoint_pages = 0;    ///< 0: SQLite sees to checkpoints, and failures are no more than that
        bool broken = false;
    };
    static int checkpoint(void* health, sqlite3* db, const char* name, int pages);
    std::shared_ptr<health> health_; ///< outlives us in statements, and stays at its place for the hook
};

/// A prepared statement, used by use(): bind, then step through the rows. The row cursor cannot outlive the
/// full expression or scope that holds the `use` object, so no cursor is left open by accident.
class statement {
public:
    statement(database& db, std::string_view sql);
    ~statement();
    statement(statement&&) noexcept;
    statement& operator=(statement&&) noexcept;

    class use;
    template <class... Args>
    use operator()(const Args&... args);

private:
    void prepare();
    sqlite3_stmt* ready();

    database* db_;
    std::string sql_;
    sqlite3_stmt* stmt_ = nullptr;
    std::shared_ptr<database::health> health_;
    std::int64_t generation_ = 0;
};

class statement::use {
public:
    template <class... Args>
    use(database& db, sqlite3_stmt* stmt, const Args&... args) : db_(&db), stmt_(stmt) {
        (bind(args), ...);
    }
    ~use(); // resets the statement and clears its bindings
    use(const use&) = delete;
    use& operator=(const use&) = delete;

    use& bind(std::int64_t value);
    use& bind(int value) { return bind(static_cast<std::int64_t>(value)); }
    use& bind(double value);
    use& bind(std::string_view text);
    use& bind(const std::string& text) { return bind(std::string_view(text)); }
    use& bind(const char* text) { return bind(std::string_view(text)); }
    use& bind(std::span<const std::byte> blob);
    use& bind(std::nullptr_t);
    template <class T>
    use& bind(const std::optional<T>& value) {
        return value ? bind(*value) : bind(nullptr);
    }

    /// True while there is a row. Throws sqlite_error.
    bool next();
    /// Steps to the end; returns the number of changed rows.
    std::int64_t run();
    /// What `read` makes of each row that is left, in their order.
    template <class Read>
    auto all(Read read) {
        std::vector<decltype(read(*this))> rows;
        while (next())
            rows.push_back(read(*this));
        return rows;
    }

    bool is_null(int column) const;
    std::int64_t integer(int column) const;
    double real(int column) const;
    std::string text(int column) const;
    std::optional<std::string> optional_text(int column) const;
    std::optional<std::int64_t> optional_integer(int column) const;
    std::span<const std::byte> blob(int column) const; ///< valid until next()

private:
    void check(int code) const;

    database* db_;
    sqlite3_stmt* stmt_;
    int bound_ = 0;
};

template <class... Args>
statement::use statement::operator()(const Args&... args) {
    return use(*db_, ready(), args...);
}

/// Copies of `blob` what fits into `to`, and leaves the rest of `to` as it is. An empty blob has no address,
/// and memcpy may not be given that.
void copy_blob(std::span<const std::byte> blob, std::span<std::byte> to);

/// BEGIN IMMEDIATE now; ROLLBACK at the end of the scope unless commit() was called.
class transaction {
public:
    explicit transaction(database& db);
    ~transaction();
    transaction(const transaction&) = delete;
    transaction& operator=(const transaction&) = delete;
    void commit();

private:
    database& db_;
    bool done_ = false;
};

} // namespace enrichd::sqlite

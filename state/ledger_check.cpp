// SPDX-License-Identifier: Apache-2.0
#include "state/ledger_check.hpp"

#include "state/job_table.hpp"
#include "state/migrate.hpp"
#include "state/run_table.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <string_view>

namespace enrichd {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view magic{"SQLite format 3\0", 16}; // https://www.sqlite.org/fileformat.html

// A log of no more holds nothing: making a ledger that was cut off twice leaves one beside a file without a
// byte (https://www.sqlite.org/fileformat.html, 4.1).
constexpr std::uint64_t log_header_bytes = 32;

std::uint64_t bytes_of(const fs::path& path) {
    std::error_code ec;
    const auto n = fs::file_size(path, ec);
    return ec ? 0 : n;
}

bool has_entries(const fs::path& folder) {
    std::error_code ec;
    return fs::directory_iterator(folder, ec) != fs::directory_iterator();
}

// The same words for every ledger that cannot be used any more.
std::string way_out(const std::string& path) {
    return fmt::format(
        "Nothing was changed. Move {0}, and {0}-wal if it is there, out of the state directory. "
        "Then put a backup of it in its place, as {0}; or, without one, "
        "start enrichd and run: enrichctl adopt --all, which rebuilds the ledger from what the "
        "provider lists",
        path);
}

[[noreturn]] void refuse(const std::string& path, std::string_view what) {
    throw fatal_error(errc::invalid_input, fmt::format("{}: {}. {}", path, what, way_out(path)));
}

// A new ledger beside the files of an old one would forget what was paid for.
void refuse_emptied(const std::string& path) {
    const auto beside = fs::path(path).parent_path();
    if (bytes_of(path + "-wal") > log_header_bytes)
        refuse(path, "the ledger has no byte, though its log (-wal) has: it was emptied or replaced");
    if (has_entries(beside / "batch") || has_entries(beside / "output" / "validation"))
        refuse(path,
               "the ledger has no byte, though there are request files, results or reports beside it: it "
               "was emptied or replaced");
}

std::uint32_t big_endian(const std::string& bytes, std::size_t at, std::size_t count) {
    std::uint32_t n = 0;
    for (std::size_t i = 0; i < count; ++i)
        n = n << 8 | static_cast<unsigned char>(bytes[at + i]);
    return n;
}

// A rollback journal of a file that was empty before: the crash was in the middle of making the ledger, and
// SQLite empties it again, whatever it holds. Ours has no other journal: it has a log from then on. The
// fields are of https://www.sqlite.org/fileformat.html, 3.
bool was_being_made(const std::string& path) {
    constexpr std::string_view journal_magic{"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", 8};
    std::ifstream in(path + "-journal", std::ios::binary);
    std::string head(28, '\0');
    in.read(head.data(), static_cast<std::streamsize>(head.size()));
    return in && head.substr(0, journal_magic.size()) == journal_magic && big_endian(head, 16, 4) == 0;
}

// The header's fields are of https://www.sqlite.org/fileformat.html, 1.3.
void refuse_other_format(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) throw fatal_error(errc::io, fmt::format("{}: cannot be opened for reading", path));
    std::string head(100, '\0');
    in.read(head.data(), static_cast<std::streamsize>(head.size()));
    if (!in || head.substr(0, magic.size()) != magic)
        refuse(path, "this is no SQLite database: it is damaged, or another program's file");
    if (bytes_of(path + "-wal") > 0) return; // its pages may be in the log still
    const std::uint64_t page = big_endian(head, 16, 2) == 1 ? 65536 : big_endian(head, 16, 2);
    const bool count_holds = big_endian(head, 24, 4) == big_endian(head, 92, 4);
    if (count_holds && bytes_of(path) < page * big_endian(head, 28, 4))
        refuse(path, fmt::format("the ledger is cut off: it has {} bytes of {}", bytes_of(path),
                                 page * big_endian(head, 28, 4)));
}

// As a query of one number; absent where there is no such table yet.
bool was_stopped_cleanly(sqlite::database& db) {
    sqlite::statement read(db, "SELECT stopped_cleanly FROM installation WHERE id = 1");
    auto row = read();
    return row.next() && row.integer(0) != 0;
}

std::int64_t schema_of(sqlite::database& db) {
    sqlite::statement version(db, "PRAGMA user_version");
    auto row = version();
    return row.next() ? row.integer(0) : 0;
}

std::string definitions(sqlite::database& db) {
    sqlite::statement read(db, R"SQL(
        SELECT type, name, tbl_name, COALESCE(sql, '') FROM sqlite_schema
        WHERE name NOT GLOB 'sqlite_stat*' ORDER BY type, name
    )SQL");
    std::string all;
    for (auto row = read(); row.next();)
        all += fmt::format("{} {} {} {}\n", row.text(0), row.text(1), row.text(2), row.text(3));
    return all;
}

// SQLite takes a damaged definition for another definition, and some only when it is about to write.
void refuse_other_tables(sqlite::database& db, const std::string& path) {
    sqlite::database ours(":memory:");
    migrate_ledger(ours, schema_of(db));
    if (definitions(db) != definitions(ours))
        refuse(path,
               fmt::format("the ledger is damaged, or of a build of enrichd that was never released: its "
                           "tables are not those of schema {}",
                           schema_of(db)));
}

// SQLite does not know what a state looks like. What has ended is read when somebody asks for it.
void refuse_unreadable(sqlite::database& db, const std::string& path) {
    try {
        (void)job_table(db).list(true, std::numeric_limits<std::int64_t>::max());
        (void)run_table(db).list_open();
    } catch (const fatal_error& e) {
        refuse(path, fmt::format("the ledger is damaged ({})", e.what()));
    }
}

void look_inside(const std::string& path) {
    // Without a log there is nothing that a plain look would miss, and no file is made beside the ledger.
    const bool has_log = bytes_of(path + "-wal") > 0;
    sqlite::database db(path, has_log ? sqlite::open_mode::read_only : sqlite::open_mode::immutable);
    refuse_unknown_ledger(db, path);
    if (schema_of(db) == 0 && definitions(db).empty()) return; // a start that was cut off while making it
    if (schema_of(db) <= 0) refuse(path, "the ledger is damaged (it has tables, and no schema number)");
    refuse_other_tables(db, path);
    const bool is_small = bytes_of(path) + bytes_of(path + "-wal") <= checked_at_every_start;
    refuse_unreadable(db, path);
    if (!is_small && was_stopped_cleanly(db)) return;
    if (const auto found = check_structure(db, is_small); !found.empty())
        refuse(path, fmt::format("the ledger is damaged ({})", found.front()));
}

} // namespace

std::vector<std::string> check_structure(sqlite::database& db, bool thorough) {
    sqlite::statement check(db, thorough ? "PRAGMA integrity_check(20)" : "PRAGMA quick_check(20)");
    std::vector<std::string> found;
    for (auto row = check(); row.next();)
        if (auto text = row.text(0); text != "ok") found.push_back(std::move(text));
    return found;
}

void refuse_broken_ledger(const std::string& path) {
    std::error_code ec;
    if (!fs::exists(path, ec) && !ec) {
        if (bytes_of(path + "-wal") > 0) refuse(path, "the ledger is gone, though its log (-wal) is here");
        return;
    }
    if (bytes_of(path) == 0) return refuse_emptied(path);
    if (was_being_made(path)) return;
    refuse_other_format(path);
    try {
        look_inside(path);
    } catch (const sqlite::sqlite_error& e) {
        if (e.is_busy())
            throw fatal_error(errc::unavailable,
                              fmt::format("{}: another program holds a lock on it ({}); close it, and start "
                                          "enrichd again",
                                          path, e.what()));
        if (e.is_io_failure() && !e.is_damage())
            throw fatal_error(errc::io, fmt::format("{}: {}", path, e.what()));
        refuse(path, fmt::format("the ledger is damaged ({})", e.what()));
    }
}

} // namespace enrichd

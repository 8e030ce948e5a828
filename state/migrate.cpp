// SPDX-License-Identifier: Apache-2.0
#include "state/migrate.hpp"

#include <fmt/format.h>

#include <array>

extern "C" const char ledger_0001_begin[], ledger_0001_end[];

namespace enrichd {

namespace {

struct step {
    const char* begin;
    const char* end;
};

const std::array<step, 1> steps = {{{ledger_0001_begin, ledger_0001_end}}};

std::int64_t pragma(sqlite::database& db, const char* name) {
    sqlite::statement read(db, fmt::format("PRAGMA {}", name));
    auto row = read();
    return row.next() ? row.integer(0) : 0;
}

bool is_empty(sqlite::database& db) {
    sqlite::statement read(db, "SELECT COUNT(*) FROM sqlite_schema");
    auto row = read();
    return row.next() && row.integer(0) == 0;
}

void refuse_foreign(sqlite::database& db, const std::string& path) {
    if (pragma(db, "application_id") == ledger_application_id || is_empty(db)) return;
    throw fatal_error(
        errc::invalid_input,
        fmt::format(
            "{}: this is a database, but not a ledger of enrichd; it was left untouched. Move it "
            "away, or set another [state] directory. If a ledger of yours was here: put its backup in "
            "this place, or start without one and run: enrichctl adopt --all",
            path));
}

} // namespace

std::int64_t ledger_schema() {
    return static_cast<std::int64_t>(steps.size());
}

void refuse_unknown_ledger(sqlite::database& db, const std::string& path) {
    refuse_foreign(db, path);
    const auto have = pragma(db, "user_version");
    if (have > ledger_schema())
        throw fatal_error(
            errc::invalid_input,
            fmt::format("{}: made by a newer enrichd (schema {}, this program knows {}); it was left "
                        "untouched. Install the newer enrichd again",
                        path, have, ledger_schema()));
}

void migrate_ledger(sqlite::database& db, std::int64_t up_to) {
    const auto have = pragma(db, "user_version");
    for (auto version = have + 1; version <= up_to; ++version) {
        const auto& s = steps[static_cast<std::size_t>(version - 1)];
        sqlite::transaction all_or_nothing(db);
        db.exec(std::string_view(s.begin, static_cast<std::size_t>(s.end - s.begin)));
        db.exec(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", ledger_application_id,
                            version));
        all_or_nothing.commit();
    }
}

} // namespace enrichd

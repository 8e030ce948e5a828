// The file itself: what is taken for a ledger, and by whom.
// SPDX-License-Identifier: Apache-2.0
#include "state/ledger.hpp"

#include "state/directory_lock.hpp"
#include "state/migrate.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/ledger_fixture.hpp"

#include <filesystem>

using namespace enrichd;
using enrichd::test::ledger_fixture;
using enrichd::test::noon;

namespace {

// Why this file is no ledger of ours; empty if it is.
std::string refusal(const std::string& path) {
    try {
        ledger l(path);
        return "";
    } catch (const fatal_error& e) {
        return e.what();
    }
}

} // namespace

TEST_CASE("what is not committed is not there", "[state][ledger]") {
    ledger_fixture f;
    const auto id = f.add_job(f.add_open_run());
    {
        auto given_up = f.l->begin();
        f.put(id, job::intent_upload{"s"});
        f.l->requests().end_all(id, outcome::cancelled, "");
    }
    f.reopen();
    CHECK(job::name(f.job(id).state) == "built");
    CHECK(f.l->requests().open_rows(id) == 3);
    CHECK(f.l->requests().tallies(id).requests.empty());
}

TEST_CASE("a file without a byte becomes a ledger", "[state][ledger]") {
    enrichd::test::temp_folder folder;
    const auto path = folder / "ledger.db";
    enrichd::test::write_file(path, "");
    { ledger l(path.string()); }
    sqlite::database db(path.string(), sqlite::open_mode::read_only);
    sqlite::statement version(db, "PRAGMA user_version");
    auto row = version();
    REQUIRE(row.next());
    CHECK(row.integer(0) == ledger_schema());
}

TEST_CASE("a ledger of a newer program is refused, and left as it is", "[state][ledger]") {
    enrichd::test::temp_folder folder;
    const auto path = (folder / "ledger.db").string();
    { ledger l(path); }
    {
        sqlite::database db(path);
        db.exec("PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE)");
    }
    const auto before = enrichd::test::read_file(path);
    CHECK(refusal(path).find("newer enrichd") != std::string::npos);
    CHECK(enrichd::test::read_file(path) == before);
}

TEST_CASE("another program's database is refused, and left as it is", "[state][ledger]") {
    enrichd::test::temp_folder folder;
    const auto path = (folder / "ledger.db").string();
    {
        sqlite::database db(path);
        db.exec("CREATE TABLE recipes (name TEXT)");
    }
    const auto before = enrichd::test::read_file(path);
    CHECK(refusal(path).find("not a ledger") != std::string::npos);
    CHECK(enrichd::test::read_file(path) == before);
}

TEST_CASE("one daemon has the state directory, until it is gone", "[state][lock]") {
    enrichd::test::temp_folder folder;
    const auto path = folder / "state";
    {
        const directory_lock first(path);
        CHECK_THROWS_AS(directory_lock(path), fatal_error);
    }
    CHECK_NOTHROW(directory_lock(path));
    CHECK((std::filesystem::status(path).permissions() & std::filesystem::perms::others_all) ==
          std::filesystem::perms::none);
}

// What a ledger keeps against its own past: marks of jobs, and batches that it does not know.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/ledger_fixture.hpp"

#include <set>

using namespace enrichd;
using namespace enrichd::test;

TEST_CASE("two lives of a ledger that was put back give a job the same number, and another mark",
          "[ledger]") {
    ledger_fixture f;
    const auto run = f.add_open_run();
    const auto before = f.folder / "copy.db";
    f.l.reset();
    std::filesystem::copy_file(f.folder / "ledger.db", before);
    std::set<std::string> marks;
    std::int64_t id = 0;
    for (int life = 1; life <= 3; ++life) {
        std::filesystem::copy_file(before, f.folder / "ledger.db",
                                   std::filesystem::copy_options::overwrite_existing);
        f.reopen();
        const auto job = f.l->jobs().create(f.plan(run), job::goal::merged, noon);
        CHECK((id == 0 || id == job));
        id = job;
        const auto mark = f.l->jobs().find(job)->mark;
        CHECK(mark.size() == 8);
        CHECK(mark.find_first_not_of("0123456789abcdef") == std::string::npos);
        marks.insert(mark);
        f.l.reset();
    }
    CHECK(marks.size() == 3);
}

TEST_CASE("an unknown batch stands in the list until it is taken in, let go, or not found again",
          "[ledger]") {
    ledger_fixture f;
    auto& unknown = f.l->unknown();
    CHECK_FALSE(unknown.any());
    unknown.put({"batch_b", "1a2b3c4d", 7, noon + 5, noon + 10});
    unknown.put({"batch_a", "1a2b3c4d", 3, noon, noon + 10});
    REQUIRE(unknown.list().size() == 2);
    CHECK(unknown.list()[0].batch_id == "batch_a"); // the oldest first
    CHECK(unknown.list()[0].requests == 3);

    SECTION("taken in") {
        unknown.drop("batch_a");
        CHECK_FALSE(unknown.find("batch_a"));
        CHECK(unknown.any());
    }
    SECTION("let go, for as long as the provider's list is read back to it") {
        unknown.let_go(*unknown.find("batch_a"));
        CHECK(unknown.list().size() == 1);
        unknown.put({"batch_a", "1a2b3c4d", 3, noon, noon + 20}); // a later look finds it again
        CHECK(unknown.find("batch_a")->let_go);
        unknown.drop_not_found(noon + 30, noon - 1); // and one that did not
        CHECK(unknown.find("batch_a"));
        unknown.drop_not_found(noon + 40, noon + 1);
        CHECK_FALSE(unknown.find("batch_a"));
    }
    SECTION("not found again") {
        unknown.put({"batch_b", "1a2b3c4d", 8, noon + 5, noon + 20});
        unknown.drop_not_found(noon + 20, noon - 1);
        REQUIRE(unknown.list().size() == 1);
        CHECK(unknown.list()[0].batch_id == "batch_b");
        CHECK(unknown.list()[0].requests == 8);
    }
}

TEST_CASE("the look for unknown batches goes before whatever else is owed", "[ledger][chores]") {
    ledger_fixture f;
    f.l->chores().owe({chore::sweep_files, "", 0, noon - 1000, 0});
    f.l->chores().owe({chore::find_unknown, "", 0, noon, 0});
    REQUIRE(f.l->chores().due(noon));
    CHECK(f.l->chores().due(noon)->what == chore::find_unknown);
    CHECK(f.l->chores().due(noon - 1)->what == chore::sweep_files);
    CHECK(f.l->chores().find(chore::find_unknown)->failures == 0);
}

// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/operations_fixture.hpp"

#include "daemon/spool.hpp"
#include "state/ledger_backup.hpp"

#include <filesystem>

using namespace enrichd;
using enrichd::test::contains;
using enrichd::test::operations_fixture;

TEST_CASE("a copy of the ledger is there while somebody holds it, and one at a time",
          "[operations][backup]") {
    operations_fixture f;
    f.add_job_in(job::built{}, job::goal::merged);
    std::string path;
    {
        const auto copy = f.wait(f.ops.ledger_copy());
        REQUIRE(copy.has_value());
        path = **copy;
        CHECK(verify_ledger(path).jobs == 1);
        CHECK(f.wait(f.ops.ledger_copy()).error().code == errc::state_conflict);
    }
    CHECK_FALSE(std::filesystem::exists(path));
    CHECK(f.wait(f.ops.ledger_copy()).has_value());
}

TEST_CASE("a verification tells of the ledger, and of request files that are not what was built",
          "[operations][verify]") {
    operations_fixture f;
    const auto name = "r1-1.requests.jsonl";
    spool_writer file(f.files.request_file(name));
    file.append("{}\n");
    const auto sha = file.finish();
    f.add_job(f.add_open_run(), job::goal::merged, 3, kind::summaries, sha);
    const auto look = [&] { return f.wait(f.ops.verification()).value(); };
    CHECK(look().at("status") == "sound");
    CHECK(look().at("requests") == 3);

    test::write_file(f.files.request_file(name), "{ }\n");
    const auto faulty = look();
    CHECK(faulty.at("status") == "faulty");
    REQUIRE(faulty.at("faults").size() == 1);
    CHECK(contains(faulty.at("faults")[0].get<std::string>(), "job 1: "));
    CHECK(contains(faulty.at("faults")[0].get<std::string>(), name));
}

// What crashes leave in the spool.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/spool_sweep.hpp"

#include "daemon/adoption_record.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/lost_ledger.hpp"

#include <chrono>
#include <filesystem>

using namespace enrichd;
using namespace enrichd::test;

namespace {

constexpr std::int64_t day = 86'400'000;

struct littered_spool : lost_ledger {
    std::filesystem::path add(const std::string& name, std::int64_t age = 0) {
        const auto path = files.request_file(name);
        write_file(path, "{}\n");
        const auto written =
            std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(now.now - age));
        std::filesystem::last_write_time(
            path, std::chrono::file_clock::from_sys(
                      std::chrono::time_point_cast<std::chrono::nanoseconds>(written)));
        return path;
    }
    std::size_t sweep() { return sweep_spool(*l, files, now.now, 30 * day); }
};

} // namespace

TEST_CASE("what an adoption left that a crash interrupted is swept, and what one made is not", "[spool]") {
    littered_spool f;
    auto b = f.batch_of({f.add_row("k1", "one")}, "batch/of:odd=id");
    f.list_it(b);
    const auto adopted = f.adopt(b.id);
    REQUIRE(adopted);
    auto plain = f.batch_of({f.add_row("k2", "two")}, "batch_plain");
    f.list_it(plain);
    REQUIRE(f.adopt(plain.id));
    const auto orphan = f.add(adopted_file_name("batch_x"));
    CHECK(f.sweep() == 1);
    CHECK_FALSE(std::filesystem::exists(orphan));
    CHECK(std::filesystem::exists(f.files.request_file(adopted_file_name(b.id))));
    CHECK(std::filesystem::exists(f.files.request_file(adopted_file_name(plain.id))));
    CHECK(f.sweep() == 0);
}

TEST_CASE("a copy for a second try that was not begun is swept once its run has ended", "[spool]") {
    littered_spool f;
    const auto run_id = f.add_open_run();
    const auto id = f.add_job(run_id); // "r1-1.requests.jsonl"
    const auto own = f.add("r1-1.requests.jsonl", 100 * day);
    const auto spare = f.add("r1-summaries-1.2.requests.jsonl", 100 * day);
    CHECK(f.sweep() == 0); // it may be being made
    f.put(id, job::merged{"batch_1"});
    REQUIRE(f.l->runs().record(*f.l->runs().find(run_id), run::state::done, run::event::finished, "", {},
                               f.now.now));
    CHECK(f.sweep() == 1);
    CHECK_FALSE(std::filesystem::exists(spare));
    CHECK(std::filesystem::exists(own));
}

TEST_CASE("files of jobs that this ledger does not know are kept as long as results are", "[spool]") {
    littered_spool f;
    const auto id = f.add_job(f.add_open_run());
    f.put(id, job::merged{"batch/1"});
    const auto known = f.add(f.files.results_file("batch/1").filename().string(), 31 * day);
    const auto old_results = f.add("batch_9.results.jsonl", 31 * day);
    const auto old_errors = f.add("batch_9.errors.jsonl", 31 * day);
    const auto old_requests = f.add("r9-summaries-1.requests.jsonl", 31 * day);
    const auto young = f.add("batch_8.results.jsonl", 29 * day);
    const auto young_requests = f.add("r8-summaries-1.requests.jsonl", 29 * day);
    const auto foreign = f.add("notes.txt", 300 * day);
    CHECK(f.sweep() == 3);
    for (const auto& path : {old_results, old_errors, old_requests})
        CHECK_FALSE(std::filesystem::exists(path));
    for (const auto& path : {known, young, young_requests, foreign})
        CHECK(std::filesystem::exists(path));
}

TEST_CASE("an adoption that is under way is not swept", "[spool]") {
    littered_spool f;
    f.list_it(f.batch_of({f.add_row("k1", "one")}));
    bool was_busy = false;
    f.database->after_read = [&] { was_busy = f.adoptions.is_busy(); };
    REQUIRE(f.adopt("batch_a"));
    CHECK(was_busy);
    CHECK_FALSE(f.adoptions.is_busy());
}

TEST_CASE("what downloads left that were cut off is deleted at start", "[spool]") {
    littered_spool f;
    const auto partial = f.add("batch_1.results.jsonl.partial");
    const auto whole = f.add("batch_1.results.jsonl");
    f.files.remove_partial_files();
    CHECK_FALSE(std::filesystem::exists(partial));
    CHECK(std::filesystem::exists(whole));
}

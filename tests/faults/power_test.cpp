// Losses of power: that every operation is seen, that a case repeats itself, and that planted defects are
// found.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/log.hpp"
#include "daemon/spool.hpp"
#include "tests/faults/mutants/mutant.hpp"
#include "tests/faults/sim/campaign.hpp"
#include "tests/faults/sim/disk_recorder.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_folder.hpp"

#include <filesystem>
#include <set>
#include <string>

using namespace enrichd;
using namespace enrichd::faults;

namespace {

struct quiet_power {
    quiet_power() { log::open(log::level{}); }
    ~quiet_power() {
        become_mutant("");
        log::open(log::level::info);
    }
};

// What the first failing loss of a life names; empty if none of them fails.
std::set<std::string> first_broken(std::uint64_t every) {
    campaign c([](const tally& t) { return t.failed.empty(); });
    c.losses(scripted_life(1), "--life 1", every, 1);
    std::set<std::string> named;
    for (const auto& f : c.results().failed)
        for (const auto& v : f.violations)
            named.insert(v.substr(0, 2));
    return named;
}

// A machine's disk, and its fate.
struct recorded_disk {
    test::temp_folder folder;
    fate f{{}};
    disk_recorder recorder{folder.path(), f};
};

} // namespace

TEST_CASE("everything that ledger and spool do to the disk is recorded", "[power]") {
    recorded_disk d;
    const auto state = d.folder.path() / "state";
    std::filesystem::create_directory(state);
    {
        ledger l((state / "ledger.db").string());
        l.set_paused(true);
        const spool s(state);
        spool_writer writer(s.request_file("r1-1.requests.jsonl"));
        writer.append("{}\n");
        writer.finish();
        REQUIRE(write_whole(s.batch_folder() / "report", "text").has_value());
        REQUIRE(write_whole(s.batch_folder() / "report", "other text").has_value());
        s.remove_files("r1-1.requests.jsonl", std::nullopt);
        REQUIRE(s.open_report_folder("r1").has_value());
        CHECK(d.recorder.disk().image(image_kind::kept) == d.recorder.folder_now());
    } // closing moves the log into the ledger, and removes it
    CHECK(d.recorder.operations() > 50);
    CHECK(d.recorder.disk().image(image_kind::kept) == d.recorder.folder_now());
}

TEST_CASE("an operation that goes past the recorder is noticed", "[power]") {
    recorded_disk d;
    test::write_file(d.folder.path() / "f", "by the C library's own functions");
    CHECK(d.recorder.disk().image(image_kind::kept) != d.recorder.folder_now());
}

TEST_CASE("a machine that died changes nothing any more", "[power]") {
    recorded_disk d;
    d.recorder.die_at(3); // create, write, and the sync
    CHECK_FALSE(write_whole(d.folder.path() / "f", "text").has_value());
    CHECK(d.f.dead());
    CHECK(d.recorder.operations() == 3);
    CHECK_FALSE(write_whole(d.folder.path() / "g", "text").has_value());
    CHECK(d.recorder.folder_now().size() == 1);
    CHECK(d.recorder.folder_now() == d.recorder.disk().image(image_kind::kept));
}

TEST_CASE("after a loss the folder is what the disk kept", "[power]") {
    recorded_disk d;
    REQUIRE(write_whole(d.folder.path() / "kept", "text").has_value());
    std::filesystem::create_directory(d.folder.path() / "lost");
    d.recorder.lose_power({1, image_kind::dropped, 0});
    const disk_image left{{"kept", {node_kind::file, "text"}}};
    CHECK(d.recorder.folder_now() == left);
    CHECK(d.recorder.disk().image(image_kind::dropped) == left);
    CHECK(d.recorder.operations() == 0);
}

TEST_CASE("losses are read as they are printed, and nothing else is", "[power]") {
    const std::string text = "137:dropped,5:random:12,1:kept";
    CHECK(to_string(parse_losses(text).value()) == text);
    for (const auto* wrong :
         {"x", "5", "5:", "0:kept", "5:random", "5:random:x", "5:kept:1", "5:burnt", ":::"})
        CHECK_FALSE(parse_losses(wrong));
}

TEST_CASE("a scripted life does everything that a disk can lose", "[power]") {
    const quiet_power log;
    workplace place;
    const auto s = scripted_life(1);
    const auto life = simulation(s, place.fresh(s)).run();
    CHECK(life.violations.empty());
    CHECK(life.lives == 3);
    CHECK(life.disk.commits.size() > 100);
    CHECK(simulation(s, place.fresh(s)).run().disk.traces == life.disk.traces); // to the byte
}

TEST_CASE("power is lost in a life, and again while it comes back", "[power]") {
    const quiet_power log;
    campaign c;
    auto s = scripted_life(2);
    s.losses = parse_losses("900:dropped,5:random:3,40:kept").value();
    CHECK(c.one(s, "").images == 3);
    CHECK(c.results().failed.empty());
}

TEST_CASE("losses of power find what is planted, and name the invariant", "[power]") {
    const auto [mutant, invariant] = GENERATE(table<std::string, std::string>({
        {"ledger_normal", "I1"},
        {"ledger_off", "I1"},
        {"state_name_unsynced", "I1"},
        {"request_unsynced", "I1"},
        {"request_name_unsynced", "I1"},
        {"results_unsynced", "I2"},
        {"results_name_unsynced", "I2"},
        {"report_unsynced", "I1"},
        {"report_name_unsynced", "I1"},
        {"report_folder_unsynced", "I1"},
    }));
    const quiet_power log;
    CAPTURE(mutant);
    become_mutant(mutant);
    CHECK(first_broken(29).contains(invariant));
}

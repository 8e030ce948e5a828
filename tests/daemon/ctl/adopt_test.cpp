// enrichctl adopt against a fake daemon: what it asks, says and exits with.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/ctl_fixture.hpp"

using namespace enrichd;
using namespace enrichd::test;

namespace {

json unknown_batch_object(const std::string& id, bool can_adopt) {
    return {{"batch_id", id},
            {"kind", "summaries"},
            {"created_ms", 1763820049000},
            {"batch_status", "completed"},
            {"requests", 120},
            {"installation", "9f8e7d6c"},
            {"is_ours", false},
            {"can_adopt", can_adopt},
            {"note", can_adopt ? "its results are fetched and merged" : "it was made for another target"}};
}

json adoption_reply(const std::string& status) {
    return {{"status", status},     {"run_id", "r3"},        {"requests", 120},
            {"rows", 110},          {"in_flight", 2},        {"unmatched", 12},
            {"unsent_jobs", {"5"}}, {"from_answers", false}, {"job", sample_batch("7", "polling")}};
}

struct adopting : ctl_fixture {
    adopting() {
        reply("adoptable",
              {{"installation", "1a2b3c4d"},
               {"batches",
                {unknown_batch_object("batch_new", true), unknown_batch_object("batch_far", false),
                 unknown_batch_object("batch_old", true)}},
               {"warnings", {"installation 9f8e7d6c made 2 of these batches on this target"}}});
        reply("adopt", adoption_reply("adopted"));
    }
};

} // namespace

TEST_CASE("adopt alone shows what the ledger does not know, and changes nothing", "[daemon][ctl][adopt]") {
    adopting f;
    const auto end = f.ctl({"adopt"});
    CHECK(end.code == 0);
    CHECK(contains(end.out, "batch_new"));
    CHECK(contains(end.out, "it was made for another target"));
    CHECK(contains(end.out, "warning: installation 9f8e7d6c"));
    CHECK(contains(end.out, "enrichctl adopt --all"));
    CHECK(f.calls() == std::vector<std::string>{"adoptable"});

    f.reply("adoptable", {{"batches", json::array()}, {"warnings", json::array()}});
    CHECK(contains(f.ctl({"adopt", "--all"}).out, "the ledger knows every batch"));
}

TEST_CASE("adopt takes one batch, and says what became of it", "[daemon][ctl][adopt]") {
    adopting f;
    auto end = f.ctl({"adopt", "batch_new"});
    CHECK(end.code == 0);
    CHECK(contains(end.out, "batch_new: adopted as job 7, 120 requests, 110 rows"));
    CHECK(contains(end.out, "2 of these in flight in another job too"));
    CHECK(contains(end.out, "nothing of it was sent and the same would have been bought again: job 5"));
    CHECK(contains(end.out, "no row needs the results of 12 requests"));
    CHECK(contains(end.out, "next: enrichctl poll r3"));
    CHECK(f.calls() == std::vector<std::string>{"adopt batch_new"});

    f.reply("adopt", adoption_reply("already_known"));
    end = f.ctl({"adopt", "batch_new"});
    CHECK(end.code == 0);
    CHECK(contains(end.out, "batch_new: the ledger has it already: job 7"));

    auto booked = adoption_reply("booked");
    booked["job"] = sample_batch("7", "merged");
    booked["job"]["actual_usd"] = "0.0021";
    f.reply("adopt", booked);
    end = f.ctl({"adopt", "batch_new"});
    CHECK(end.code == 0);
    CHECK(contains(end.out, "batch_new: its answers are gone, and nothing is merged"));
    CHECK(contains(end.out, "$0.0021, is booked as job 7"));

    f.refuse("adopt", errc::not_found, "the provider has no batch batch_x");
    end = f.ctl({"adopt", "batch_x"});
    CHECK(end.code == 6);
    CHECK(contains(end.err, "hint: enrichctl adopt"));
    f.refuse("adopt", errc::state_conflict, "another target");
    CHECK(f.ctl({"adopt", "batch_x"}).code == 7);
    f.refuse("adopt", errc::provider_busy, "429");
    CHECK(f.ctl({"adopt", "batch_x"}).code == 10);
    f.refuse("adoptable", errc::provider_unauthorized, "401");
    CHECK(f.ctl({"adopt"}).code == 10);
    CHECK(f.ctl({"adopt", "--all", "batch_x"}).code == 2);
}

TEST_CASE("adopt --all goes on where one batch fails, and lists what it left alone", "[daemon][ctl][adopt]") {
    adopting f;
    f.refuse("adopt batch_new", errc::state_conflict, "its request file is gone");
    const auto end = f.ctl({"adopt", "--all"});
    CHECK(end.code == 7);
    CHECK(contains(end.err, "its request file is gone"));
    CHECK(contains(end.err, "warning: installation 9f8e7d6c"));
    CHECK(contains(end.out, "batch_old: adopted as job 7"));
    CHECK(contains(end.out, "left alone:"));
    CHECK(contains(end.out, "batch_far"));
    CHECK(f.calls() == std::vector<std::string>{"adoptable", "adopt batch_new", "adopt batch_old"});
}

// Files of results at the provider: fetched whole or not at all, and tidied once they are merged.
// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/faulty_provider.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/deployment.hpp"

using namespace enrichd::test;
using nlohmann::json;

TEST_CASE("downloads that are cut off, of servers with and without ranges, end whole", "[programs][faults]") {
    for (const bool no_range : {false, true}) {
        CAPTURE(no_range);
        json list = {{{"on", "content"}, {"every", 2}, {"do", "cut"}, {"after_bytes", 20'000}}};
        if (no_range) list.push_back({{"on", "content"}, {"do", "no_range"}});
        deployment d({.scenario = rules(list)});
        const auto done = enrich(d);
        INFO(done.out << done.err << d.daemon_log());
        CHECK(done.code == 0);
        CHECK(unenriched(d) == "0");
        CHECK(d.booked_tokens() == d.billed_tokens());
    }
}

TEST_CASE("a file of results that changes while it is fetched is not spliced, and fetched again",
          "[programs][faults]") {
    deployment d({.scenario = rules({{{"on", "content"}, {"nth", 1}, {"do", "cut"}, {"after_bytes", 20'000}},
                                     {{"on", "content"}, {"nth", 2}, {"do", "other_file"}}})});
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);
    const auto done = d.ctl({"run", "--auto", "--wait", "--kind", "embeddings"}); // one job, one large file
    INFO(done.out << done.err << d.daemon_log());
    CHECK(done.code == 0);
    CHECK(d.daemon_log().find("changed between two tries") != std::string::npos);
    CHECK(unenriched(d) == "0");
    CHECK(d.booked_tokens() == d.billed_tokens());
}

TEST_CASE("results that are altered or lost between fetching and merging are fetched again", "[programs]") {
    deployment d;
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);
    const auto file = d.path("embeddings.jsonl").string();
    REQUIRE(d.ctl({"build", "--kind", "embeddings", "--out", file}).code == 0);
    REQUIRE(d.ctl({"submit", "--kind", "embeddings", "--input", file}).code == 0);
    const auto batch = d.ctl_json({"job", "1"})["job"]["batch_id"].get<std::string>();
    REQUIRE(d.ctl({"poll", "--batch-id", batch}).code == 0);
    const auto results = d.state() / "batch" / (batch + ".results.jsonl");
    const auto fetched = read_file(results);

    SECTION("one digit of an answer is another") {
        auto altered = fetched;
        altered[altered.find("\"embedding\":") + 100] ^= 1;
        write_file(results, altered);
    }
    SECTION("the second half is gone") {
        std::filesystem::resize_file(results, fetched.size() / 2);
    }
    SECTION("all of it is gone, and the daemon was restarted") {
        std::filesystem::remove(results);
        d.kill_daemon();
        d.start_daemon();
    }
    const auto merged = d.ctl({"merge", "--kind", "embeddings", "--batch-id", batch});
    INFO(merged.out << merged.err << d.daemon_log());
    CHECK(merged.code == 0);
    CHECK(read_file(results) == fetched);
    CHECK(d.daemon_log().find("it is fetched again") != std::string::npos);
    CHECK(unenriched(d) == "0");
    CHECK(d.booked_tokens() == d.billed_tokens());
}

TEST_CASE("when all is merged, the provider holds no file of ours any more", "[programs]") {
    deployment d;
    const auto done = enrich(d);
    INFO(done.out << done.err << d.daemon_log());
    REQUIRE(done.code == 0);
    const auto files = [&] {
        return json::parse(run({"curl", "-sf", d.provider_url() + "/v1/files"}).out)["data"];
    };
    for (int looks = 0; looks < 200 && !files().empty(); ++looks)
        REQUIRE(d.ctl({"status"}).code == 0);
    CHECK(files().empty());
    CHECK(unenriched(d) == "0");
}

TEST_CASE("results stay at the provider where that is asked for", "[programs]") {
    deployment d({.more_provider = "delete_results_after_merge = false"});
    const auto done = enrich(d);
    INFO(done.out << done.err << d.daemon_log());
    REQUIRE(done.code == 0);
    const auto results = d.truth()["batches"].size(); // an output file each
    json files;
    for (int looks = 0; looks < 200 && files.size() != results; ++looks)
        files = json::parse(run({"curl", "-sf", d.provider_url() + "/v1/files"}).out)["data"];
    CHECK(files.size() == results);
    for (const auto& f : files)
        CHECK(f["purpose"] == "batch_output");
}

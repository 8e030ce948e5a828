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

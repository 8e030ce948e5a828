// SPDX-License-Identifier: Apache-2.0
#include "core/report.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/golden.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

using namespace enrichd;
using json = nlohmann::json;

namespace {

constexpr std::int64_t noon = 1'763'812'800'000; // 2025-11-22 12:00:00Z

report_kind summaries() {
    report_kind k;
    k.built.kind = kind::summaries;
    k.built.model = "gpt-4o-mini";
    k.built.version = "gpt-4o-mini-3fa9c1d2e4b5";
    k.built.rows = {1200, 240, 900, 20, 0, 3, 30, 7, 0, 12};
    k.built.totals.requests = 228;
    k.built.totals.input_tokens = 480'000;
    k.built.totals.output_cap = 41'040;
    k.built.totals.bound = *parse_dollars("0.048312");
    k.built.replaced_texts = 2;
    k.used = {481'123, 1'000, 21'250, 0}; // with a twin's
    k.actual = *parse_dollars("0.0423");
    k.rows = {{outcome::ok, 233}, {outcome::stale, 2}, {outcome::refused, 4}, {outcome::http_error, 1}};
    k.resent = 5;
    k.unsent = 1;
    return k;
}

report_kind embeddings_run() {
    report_kind k;
    k.built.kind = kind::embeddings;
    k.built.model = "text-embedding-3-small";
    k.built.version = "text-embedding-3-small-00ff00ff00ff";
    k.built.warnings = {"the column has an HNSW index: merges are some 90 times slower"};
    return k;
}

report_facts full_report() {
    report_facts f;
    f.run = "r12";
    f.command = "run";
    f.state = "done";
    f.started_ms = noon;
    f.written_ms = noon + 4'000'000;
    f.order.kinds = {kind::summaries, kind::embeddings};
    f.order.since_ms = noon - 86'400'000;
    f.order.limit = 5000;
    f.order.authorities = {"openssl", "a|b"};
    f.limit = *parse_dollars("200");
    f.program_version = "0.1.0";
    f.kinds = {summaries(), embeddings_run()};
    f.jobs = {{"7",
               kind::summaries,
               1,
               "merged",
               "batch_abc",
               "completed",
               228,
               *parse_dollars("0.048312"),
               *parse_dollars("0.042"),
               2,
               1'234,
               3'723'000,
               65'000,
               {}},
              {"9",
               kind::summaries,
               2,
               "failed",
               "",
               "",
               5,
               *parse_dollars("0.001"),
               *parse_dollars("0.0003"),
               0,
               {},
               {},
               {},
               {{"batch_late", "cancelled", 3, true, {2'000, 0, 250, 0}, *parse_dollars("0.0003"), money{}},
                {"batch_`untold`", "cancelling", 0, false, {}, money{}, *parse_dollars("0.001")}}}};
    f.causes = {{kind::summaries, outcome::refused, 200, "I can't help with that", 4, "e-17"},
                {kind::summaries, outcome::http_error, 400, "bad | `request`\n# <b>", 1, "e-\x1b[31m18"}};
    f.causes_left_out = 3;
    return f;
}

} // namespace

TEST_CASE("the report for people", "[core][report]") {
    enrichd::test::check_golden("report/enrichment_report.md", report_markdown(full_report()));
}

TEST_CASE("the report for programs", "[core][report]") {
    enrichd::test::check_golden("report/enrichment_report.json", report_json(full_report()));
}

TEST_CASE("what comes from outside cannot become markup or move the terminal", "[core][report]") {
    auto f = full_report();
    f.causes = {
        {kind::summaries, outcome::http_error, 400,
         "line one\n## heading | cell | <script> [link](http://x) ![i](y) \x1b[31m \u202e &amp; caf\xe9", 1,
         "key|with|bars\r\n"}};
    f.jobs[0].batch_id = "batch|`x`";
    const auto text = report_markdown(f);
    CHECK(text.find("\n## heading") == std::string::npos);
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find('\r') == std::string::npos);
    CHECK(text.find("\u202e") == std::string::npos);
    CHECK(text.find("<script>") == std::string::npos);
    CHECK(text.find("[link](") == std::string::npos);
    CHECK(text.find("caf\xe9") == std::string::npos);
    // A table's rows keep their columns: unescaped bars alone separate cells.
    const auto at = text.find("| summaries | http\\_error |") != std::string::npos
                        ? text.find("| summaries | http\\_error |")
                        : text.find("| summaries | http_error |");
    REQUIRE(at != std::string::npos);
    const auto line = text.substr(at, text.find('\n', at) - at);
    std::size_t bars = 0;
    for (std::size_t i = 0; i < line.size(); ++i)
        if (line[i] == '|' && (i == 0 || line[i - 1] != '\\')) ++bars;
    CHECK(bars == 7);
}

TEST_CASE("the report for people has a table of second batches where there are any", "[core][report]") {
    auto f = full_report();
    const auto text = report_markdown(f);
    CHECK(text.find("| 9 | batch_late | cancelled | 3 | 2,000 | 250 |") != std::string::npos);
    CHECK(text.find("batch_`untold`") == std::string::npos); // escaped
    for (auto& job : f.jobs)
        job.twins.clear();
    CHECK(report_markdown(f).find("Second batches") == std::string::npos);
}

TEST_CASE("a long reason is cut in the report for people, and whole in the other", "[core][report]") {
    auto f = full_report();
    f.causes[0].reason = std::string(5000, 'r');
    CHECK(report_markdown(f).find(std::string(201, 'r')) == std::string::npos);
    CHECK(report_json(f).find(std::string(5000, 'r')) != std::string::npos);
}

TEST_CASE("a run that found nothing to do says so", "[core][report]") {
    report_facts f;
    f.run = "r1";
    f.kinds = {embeddings_run()};
    const auto text = report_markdown(f);
    CHECK(text.find("None: there was nothing to do.") != std::string::npos);
    CHECK(text.find("## Errors by cause\n\nNone.") != std::string::npos);
    CHECK(projected(f) == money{0});
}

TEST_CASE("the JSON report is JSON whatever the texts, with every outcome and exact money",
          "[core][report]") {
    auto f = full_report();
    f.causes[0].reason = "caf\xe9";
    const auto j = json::parse(report_json(f), nullptr, false);
    REQUIRE(j.is_object());
    const auto& k = j.at("kinds")[0];
    for (const auto how : all_outcomes)
        CHECK(k.at("rows").contains(std::string(name(how))));
    CHECK(k.at("updated") == 233);
    CHECK(k.at("batch_ids") == json({"batch_abc"}));
    CHECK(k.at("projected").at("usd") == "0.048312");
    CHECK(j.at("money").at("actual_usd") == "0.0423");
    const auto& twins = j.at("jobs")[1].at("twins");
    REQUIRE(twins.size() == 2);
    CHECK(twins[0].at("actual").at("input_tokens") == 2000);
    CHECK(twins[0].at("actual").at("usd") == "0.0003");
    CHECK(twins[1].at("actual").is_null()); // it has not ended
    CHECK(twins[1].at("unproven_usd") == "0.001");
    CHECK(j.at("jobs")[1].at("batch_id").is_null());
    CHECK(j.at("jobs")[1].at("run_ms").is_null());
}

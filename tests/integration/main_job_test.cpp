// The main job on real text, by the real programs: from rows without summary and embedding to rows with both.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/deployment.hpp"

#include "core/money.hpp"
#include "state/sqlite.hpp"

#include <sstream>
#include <vector>

using namespace enrichd;
using namespace enrichd::test;
using nlohmann::json;

namespace {

constexpr auto rows_with_text = R"SQL(
    SELECT COUNT(*) FROM events WHERE (SELECT SUM(LENGTH(clean_text)) FROM documents AS d WHERE d.event_id = events.event_id) >= 100
)SQL";

// A booking takes back, too: "-0.0012".
money amount(const std::string& text) {
    if (text.at(0) == '-') return money{} - parse_dollars(text.substr(1)).value();
    return parse_dollars(text).value();
}

} // namespace

TEST_CASE("a run enriches every row that has text, and a second run finds nothing to do", "[programs]") {
    deployment d;
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);

    const auto first = d.ctl({"run", "--auto", "--wait"});
    INFO(first.out << first.err << d.daemon_log());
    REQUIRE(first.code == 0);
    CHECK(d.query("SELECT COUNT(*) FROM events WHERE embedding IS NOT NULL") == d.query(rows_with_text));
    CHECK(d.query(
              "SELECT COUNT(*) FROM events WHERE summary_en IS NOT NULL AND summary_model = 'gpt-4o-mini'") !=
          "0");
    CHECK(d.query(
              "SELECT COUNT(*) FROM events WHERE embedding IS NOT NULL AND LENGTH(embedding) <> 4 * 1536") ==
          "0");
    CHECK(std::filesystem::exists(d.state() / "output/validation/latest/enrichment_report.md"));

    const auto calls = d.truth()["calls"];
    const auto second = d.ctl_json({"run", "--auto", "--wait"});
    CHECK(second["run"]["requests"] == 0);
    CHECK(second["run"]["rows"]["selected"] == 0);
    CHECK(second["run"]["rows"]["done"].get<int>() > 0);
    CHECK(d.truth()["calls"]["upload"] == calls["upload"]);
    CHECK(d.truth()["calls"]["create"] == calls["create"]);
    CHECK(d.stop_daemon() == 0);
}

TEST_CASE("what the ledger books is what the provider bills, to the token", "[programs]") {
    deployment d;
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);
    REQUIRE(d.ctl({"run", "--auto", "--wait"}).code == 0);

    CHECK(d.booked_tokens() == d.billed_tokens());
    std::int64_t projected_input = 0;
    std::int64_t used_input = 0;
    const auto jobs = d.ctl_json({"jobs", "--all"});
    for (const auto& job : jobs["jobs"]) {
        projected_input += job["input_tokens"].get<std::int64_t>();
        used_input += job["usage"]["input_tokens"].get<std::int64_t>();
    }
    CHECK(used_input > 0);
    CHECK(projected_input == used_input); // the projection is exact
}

TEST_CASE("over budget, nothing is written and nothing is sent", "[programs]") {
    deployment d;
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);

    const auto refused = d.ctl({"run", "--auto", "--wait", "--budget", "0.0005"});
    CHECK(refused.code == 8);
    CAPTURE(refused.out, refused.err);
    CHECK((refused.out + refused.err).find("--limit ") != std::string::npos);
    CHECK(files_in(d.state() / "batch") == 0);
    CHECK(d.truth()["files"].empty());
    CHECK(d.ctl_json({"jobs", "--all"})["jobs"].empty());
}

TEST_CASE("a day's limit refuses a run before anything is sent, and the books tell what was spent",
          "[programs]") {
    deployment d({.more_config = "[budget]\nday_usd = \"0.002\"\n"});
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);

    const auto refused = d.ctl({"run", "--auto", "--wait"});
    CHECK(refused.code == 8);
    CHECK((refused.out + refused.err).find("[budget] day_usd = $0.002") != std::string::npos);
    CHECK(files_in(d.state() / "batch") == 0);
    CHECK(d.truth()["files"].empty());
    CHECK(d.ctl({"plan"}).code == 8);

    REQUIRE(d.ctl({"run", "--auto", "--wait", "--limit", "2"}).code == 0);
    const auto told = d.ctl_json({"budget"});
    CHECK(told["reserved_usd"] == "0");
    CHECK(told["limits"][0]["spent_usd"] == told["spent_usd"]);

    const auto csv = d.path("books.csv");
    REQUIRE(d.ctl({"budget", "--csv", "--out", csv.string()}).code == 0);
    std::stringstream books(read_file(csv));
    std::string line;
    std::getline(books, line);
    CHECK(line == "id,at,run_id,job_id,batch_id,kind,model,reserved_usd,spent_usd,unproven_usd,input_tokens,"
                  "cached_tokens,output_tokens,reasoning_tokens\r");
    money spent, reserved;
    while (std::getline(books, line)) {
        std::vector<std::string> fields;
        std::stringstream in(line);
        for (std::string field; std::getline(in, field, ',');)
            fields.push_back(field);
        REQUIRE(fields.size() == 14);
        reserved += amount(fields[7]);
        spent += amount(fields[8]);
    }
    CHECK(reserved == money{});
    CHECK(exact_dollars(spent) == told["spent_usd"]);
    CHECK(d.ctl({"verify"}).code == 0);
}

TEST_CASE("a text that changed while its batch ran is not overwritten, and is taken by the next run",
          "[programs]") {
    deployment d({.batch_seconds = "2"});
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);
    REQUIRE(d.ctl({"run", "--auto", "--kind", "summaries"}).code == 0);
    const auto changed = d.query("SELECT MIN(event_id) FROM documents WHERE LENGTH(clean_text) > 500");
    {
        sqlite::database db(d.news().string());
        db.exec("UPDATE documents SET clean_text = 'Another text. ' || clean_text WHERE event_id = '" +
                changed + "'");
    }
    const auto ended = d.ctl({"poll", "r1"});
    CAPTURE(ended.out, ended.err, d.daemon_log());
    CHECK(d.query("SELECT summary_en IS NULL FROM events WHERE event_id = '" + changed + "'") == "1");
    CHECK(d.ctl_json({"status", "r1"})["run"]["outcomes"]["stale"] == 1);

    const auto next = d.ctl_json({"run", "--auto", "--wait", "--kind", "summaries"});
    CHECK(next["run"]["requests"] == 1);
    CHECK(d.query("SELECT summary_en IS NULL FROM events WHERE event_id = '" + changed + "'") == "0");
}

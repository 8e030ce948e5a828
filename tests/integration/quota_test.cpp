// An account with a small queue: a run that is larger than it comes through by itself, by the real programs.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/deployment.hpp"

#include "state/sqlite.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>

using namespace enrichd;
using namespace enrichd::test;
using nlohmann::json;

namespace {

struct ended_batches {
    int completed = 0;
    int refused = 0; ///< for the full queue
    int other = 0;
    int billed_twice = 0; ///< requests
};

ended_batches count(const json& truth) {
    ended_batches n;
    std::map<std::string, int> billed;
    for (const auto& b : truth["batches"]) {
        const bool full = b.dump().find("token_limit_exceeded") != std::string::npos;
        ++(b["status"] == "completed" ? n.completed : full ? n.refused : n.other);
        for (const auto& [id, usage] : b["billed_by_custom_id"].items())
            if (++billed[id] == 2) ++n.billed_twice;
    }
    return n;
}

// So many rows of some 250 tokens each, no two alike.
void add_rows(const std::filesystem::path& file, int rows) {
    sqlite::database db(file.string());
    db.exec(fmt::format(R"SQL(
        BEGIN;
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {0})
        INSERT INTO events (event_id, authority, title, pub_date)
        SELECT printf('row-%06d', i), 'agency-' || (i % 7), 'Notice ' || i, '2026-01-01' FROM n;
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {0}),
        words (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM words WHERE k < 24)
        INSERT INTO documents (document_id, event_id, clean_text)
        SELECT printf('doc-%06d', i), printf('row-%06d', i),
               (SELECT group_concat(printf('Section %d of notice %d changes the limit of substance %d to %d.', k, i,
                                           (i * 31 + k * 7) % 997, (i * 17 + k) % 1009), ' ')
                FROM words)
        FROM n;
        COMMIT;
    )SQL",
                        rows));
}

} // namespace

TEST_CASE("a run larger than the account's queue comes through by itself, in waves", "[programs][quota]") {
    const json quotas = {{"gpt-4o-mini", 4000}, {"text-embedding-3-small", 40000}};
    deployment_options o;
    o.scenario = {{"quotas", quotas}};
    SECTION("that was not known before") {}
    SECTION("that is configured") {
        o.more_config = "[quota]\nsummaries_tokens = 4000\nembeddings_tokens = 40000\n";
    }
    const bool known = !o.more_config.empty();
    deployment d(o);
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);
    const auto run = d.ctl({"run", "--auto", "--wait"});
    INFO(run.out << run.err << d.daemon_log());
    REQUIRE(run.code == 0);
    CHECK(d.query("SELECT COUNT(*) FROM events WHERE embedding IS NOT NULL") != "0");
    const auto n = count(d.truth());
    CHECK(n.billed_twice == 0);
    CHECK(n.other == 0);
    CHECK(n.completed >= 4);
    if (known)
        CHECK(n.refused == 0);
    else
        CHECK(n.refused > 0);
    CHECK(d.booked_tokens() == d.billed_tokens());
    CHECK(d.ctl({"verify"}).code == 0);
    CHECK(d.ctl_json({"run", "--auto", "--wait"})["run"]["requests"] == 0);
}

TEST_CASE("a first-tier account enriches many rows unattended", "[.][tier_one]") {
    const auto* wanted = std::getenv("ENRICHD_TIER_ONE_ROWS");
    const int rows = wanted ? std::atoi(wanted) : 100'000;
    deployment_options o;
    o.rows = 1;
    o.batch_seconds = "2";
    o.scenario = {{"quotas", {{"gpt-4o-mini", 2'000'000}, {"text-embedding-3-small", 3'000'000}}}};
    deployment d(o);
    add_rows(d.news(), rows);
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);
    const auto run = d.ctl({"run", "--auto", "--wait"});
    INFO(run.err);
    REQUIRE(run.code == 0);
    CHECK(d.query("SELECT COUNT(*) FROM events WHERE summary_en IS NULL OR embedding IS NULL") == "0");
    const auto n = count(d.truth());
    CHECK(n.billed_twice == 0);
    CHECK(n.other == 0);
    CHECK(d.booked_tokens() == d.billed_tokens());
    WARN(rows << " rows, " << n.completed << " batches that completed, " << n.refused
              << " refused for the full queue, " << d.billed_tokens() << " tokens billed and booked\n"
              << run.out);
}

// The search for planted secrets must find them wherever a defect would put them.
// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/killer/books.hpp"
#include "tests/faults/killer/canaries.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/process.hpp"

#include "state/sqlite.hpp"

#include <filesystem>

using namespace enrichd;
using namespace enrichd::killer;
using enrichd::test::temp_folder;
using enrichd::test::write_file;

namespace {

// A program has its arguments some moments after it began.
void wait_for_arguments(const test::process& p) {
    const auto file = "/proc/" + std::to_string(p.pid()) + "/cmdline";
    for (int looks = 0; looks < 1000 && test::read_file(file).empty(); ++looks)
        wait_ms(5);
}

const canaries planted({{"the API key", "canary1234key"}, {"the password", "canary5678word"}});

} // namespace

TEST_CASE("a secret is found in every file of a folder, and in their names", "[killer]") {
    const temp_folder folder;
    std::filesystem::create_directories(folder / "state/batch");
    write_file(folder / "state/batch/7.requests.jsonl", R"({"custom_id": "e-1", "body": {}})");
    write_file(folder / "enrichd.toml", "url = \"postgresql://ada:canary5678word@db/news\"");
    const std::vector<std::filesystem::path> own = {folder / "enrichd.toml"};
    CHECK(planted.in_folder(folder.path(), own).empty());

    SECTION("in a log line") {
        write_file(folder / "enrichd.log", "error db: password \"canary5678word\" is wrong");
        const auto found = planted.in_folder(folder.path(), own);
        REQUIRE(found.size() == 1);
        CHECK(found[0].what == "the password");
        CHECK(found[0].where == folder / "enrichd.log");
        CHECK(found[0].offset == 20);
    }
    SECTION("between zero bytes") {
        write_file(folder / "state/batch/8.part", std::string("\0\0canary1234key\0", 16));
        CHECK(planted.in_folder(folder.path(), own).size() == 1);
    }
    SECTION("in the name of a file") {
        write_file(folder / "state/canary1234key.txt", "");
        CHECK(planted.in_folder(folder.path(), own).size() == 1);
    }
    SECTION("in the file that it was planted in, where that is no excuse") {
        CHECK(planted.in_folder(folder.path(), {}).size() == 1);
    }
}

TEST_CASE("a secret is found however it is escaped, quoted or cut", "[killer]") {
    const auto plan = draw_plan(GENERATE(1, 2, 3, 1000));
    const canaries all(planted_by(plan));
    CHECK(all.in_text("nothing to see: canary, ck0123456789", "").empty());
    for (const auto& secret : {plan.api_key(), plan.password_text()}) {
        std::string doubled, escaped; // as in CSV and SQL; as in a shell's double quotes
        for (const char c : secret) {
            doubled += c == '"' ? "\"\"" : std::string(1, c);
            escaped += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
        }
        const auto json = nlohmann::json(secret).dump();
        for (const auto& spelt :
             {secret, percent_encoded(secret), json, nlohmann::json(json).dump(), doubled, escaped,
              secret.substr(0, secret.size() / 2), secret.substr(secret.find('@')),
              secret.substr(secret.find(R"(\)")), secret.substr(secret.find('%'))}) {
            CAPTURE(spelt);
            CHECK_FALSE(all.in_text("error db: " + spelt + "...", "").empty());
        }
    }
}

TEST_CASE("a secret is found in a ledger, and in its log that no checkpoint took yet", "[killer]") {
    const temp_folder folder;
    sqlite::database db(folder / "ledger.db");
    db.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE jobs (reason TEXT)");
    CHECK(planted.in_folder(folder.path(), {}).empty());
    db.exec("INSERT INTO jobs VALUES ('401: Incorrect API key provided: sk-canary1234key')");
    const auto found = planted.in_folder(folder.path(), {});
    REQUIRE(found.size() == 1);
    CHECK(found[0].where == folder / "ledger.db-wal");
}

TEST_CASE("a secret is found in a process's arguments, and in variables that nobody gave it", "[killer]") {
    const temp_folder folder;
    const test::process idle({"sleep", "1000"}, {{"OPENAI_API_KEY", "sk-canary1234key"}}, folder / "out");
    wait_for_arguments(idle);
    CHECK(planted.in_process(idle.pid(), {"OPENAI_API_KEY"}).empty());
    const auto found = planted.in_process(idle.pid(), {"ENRICHD_DATABASE_URL"});
    REQUIRE(found.size() == 1);
    CHECK(found[0].what == "the API key");
    const test::process telling({"sh", "-c", "sleep 1000; :", "canary5678word"}, {}, folder / "out");
    wait_for_arguments(telling);
    CHECK(planted.in_process(telling.pid(), {}).size() == 1);
}

TEST_CASE("a second batch that was not stopped, followed or booked is named", "[killer]") {
    const auto found = [](nlohmann::json of_batch, nlohmann::json of_twin) {
        nlohmann::json batch = {{"id", "batch_b"},
                                {"status", "cancelled"},
                                {"cancelling_at", 1000},
                                {"completed_at", nullptr},
                                {"expired_at", nullptr},
                                {"failed_at", nullptr},
                                {"billed", {{"input_tokens", 9}, {"output_tokens", 1}}}};
        nlohmann::json twin = {
            {"batch_status", "cancelled"}, {"found_ms", 1'000'500}, {"actual_usd", "0.01"}};
        batch.update(of_batch);
        twin.update(of_twin);
        violations out;
        check_twin(batch, twin, out);
        return out.size();
    };
    const nlohmann::json none = nlohmann::json::object();
    const auto ended_at = [](std::int64_t at) {
        return nlohmann::json{{"status", "completed"}, {"cancelling_at", nullptr}, {"completed_at", at}};
    };
    const nlohmann::json seen = {{"batch_status", "completed"}};
    CHECK(found(none, none) == 0);
    CHECK(found(ended_at(999), seen) == 0);                     // before it was found
    CHECK(found(ended_at(1005), seen) == 1);                    // it was let run
    CHECK(found(none, {{"batch_status", "in_progress"}}) == 1); // its end was not seen
    CHECK(found(none, {{"actual_usd", nullptr}}) == 1);         // nor booked
    CHECK(found({{"billed", {{"input_tokens", 0}, {"output_tokens", 0}}}}, {{"actual_usd", "0"}}) == 0);
}

TEST_CASE("rows that differ from those of a calm run are named, but for summaries of another program",
          "[killer]") {
    const auto rows = [](const char* summary, const char* embedding) {
        return nlohmann::json::array({{{"key", "k"},
                                       {"summary", summary},
                                       {"summary_version", "v"},
                                       {"embedding", embedding},
                                       {"embedding_version", "w"}}})
            .dump();
    };
    const auto found = [](const std::string& a, const std::string& b,
                          const std::set<std::string>& enriched_elsewhere) {
        violations out;
        check_rows(a, b, enriched_elsewhere, out);
        return out.size();
    };
    CHECK(found(rows("s", "[1]"), rows("s", "[1]"), {}) == 0);
    CHECK(found(rows("s", "[1]"), rows("of another text", "[1]"), {}) == 1);
    CHECK(found(rows("s", "[1]"), rows("of another text", "[2]"), {}) == 2);
    CHECK(found(rows(not_ours, "[1]"), rows("s", "[1]"), {}) == 1);
    CHECK(found(rows(not_ours, "[1]"), rows("s", "[1]"), {"k"}) == 0);
    CHECK(found("[]", rows("s", "[1]"), {}) == 1);
}

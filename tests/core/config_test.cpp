// What is read into a configuration: its keys, variables, defaults, and which source wins.
// SPDX-License-Identifier: Apache-2.0
#include "core/config.hpp"
#include "core/config_keys.hpp"
#include "core/config_values.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/config_fixture.hpp"

using namespace enrichd;
using namespace enrichd::test;

TEST_CASE("without any file the defaults are those of the guide", "[core][config]") {
    const auto c = read_config(std::nullopt, std::nullopt, somebody()).value();
    CHECK(c.provider.base_url == "https://api.openai.com/v1");
    CHECK(c.provider.completion_window == "24h");
    CHECK(c.summaries.model == "gpt-4o-mini");
    CHECK(c.embeddings.model == "text-embedding-3-small");
    CHECK(c.batch.max_requests == 20'000);
    CHECK(c.batch.max_file_mb == 100);
    CHECK(c.budget.test == *parse_dollars("25"));
    CHECK(c.budget.full == *parse_dollars("200"));
    CHECK(c.poll.deadline_hours == 26);
    CHECK(c.submit.reconcile_seconds == std::vector<double>{10, 30, 120, 600});
    CHECK_FALSE(c.submit.hold_unknown);
    CHECK(c.retention_days == 30);
}

TEST_CASE("every key of the file is read into its own place", "[core][config]") {
    const auto c = from_toml(R"(
[provider]
base_url = "http://127.0.0.1:8080/v1/"
api_key_file = "/etc/key"
ca_file = "/etc/ca.pem"
completion_window = "1d"
delete_results_after_merge = false
[database]
url = "sqlite:rows.db"
[state]
directory = "data"
retention_days = 7
[control]
socket = "/tmp/e.sock"
[poll]
first_seconds = 0.05
max_seconds = 2
deadline_hours = 1.5
[submit]
reconcile_seconds = [0.05, 1, 2.5]
submit_unknown = "hold"
[batch]
max_requests = 10
max_file_mb = 20
max_output_mb = 30
merge_rows = 40
[budget]
test_usd = "0.000001"
full_usd = 12.5
[summaries]
model = "m1"
prompt = "One word."
max_input_tokens = 11
max_output_tokens = 12
min_characters = 0
[embeddings]
model = "m2"
dimensions = 256
chunk_tokens = 100
overlap_percent = 20
min_characters = 13
encoding_format = "float"
[versions]
on_version_change = "keep"
[source]
query = "SELECT 1"
text_column = "body"
url = "postgresql://reader@host/db"
[target]
table = "public.articles"
key_column = "id"
summary_column = "gist"
embedding_column = "vec"
[models]
file = "models.toml"
[log]
level = "debug"
)")
                       .value();
    CHECK(c.provider.base_url == "http://127.0.0.1:8080/v1");
    CHECK(c.provider.api_key_file == "/etc/key");
    CHECK(c.provider.ca_file == "/etc/ca.pem");
    CHECK(c.provider.completion_window == "1d");
    CHECK_FALSE(c.provider.delete_results);
    CHECK(c.database_url == "sqlite:rows.db");
    CHECK(c.state_directory == "data");
    CHECK(c.retention_days == 7);
    CHECK(c.control_socket == "/tmp/e.sock");
    CHECK(c.poll.first_seconds == 0.05);
    CHECK(c.poll.max_seconds == 2);
    CHECK(c.poll.deadline_hours == 1.5);
    CHECK(c.submit.reconcile_seconds == std::vector<double>{0.05, 1, 2.5});
    CHECK(c.submit.hold_unknown);
    CHECK(c.batch.max_requests == 10);
    CHECK(c.batch.max_file_mb == 20);
    CHECK(c.batch.max_output_mb == 30);
    CHECK(c.batch.merge_rows == 40);
    CHECK(c.budget.test.picodollars == 1'000'000);
    CHECK(c.budget.full == *parse_dollars("12.5"));
    CHECK(c.summaries.model == "m1");
    CHECK(c.summaries.prompt == "One word.");
    CHECK(c.summaries.max_input_tokens == 11);
    CHECK(c.summaries.max_output_tokens == 12);
    CHECK(c.summaries.min_characters == 0);
    CHECK(c.embeddings.model == "m2");
    CHECK(c.embeddings.dimensions == 256u);
    CHECK(c.embeddings.chunk_tokens == 100);
    CHECK(c.embeddings.overlap_percent == 20);
    CHECK(c.embeddings.min_characters == 13);
    CHECK(c.embeddings.encoding_format == "float");
    CHECK(c.keep_versions);
    CHECK(c.source.query == "SELECT 1");
    CHECK(c.source.text_column == "body");
    CHECK(c.source.url == "postgresql://reader@host/db");
    CHECK(c.target.table == "public.articles");
    CHECK(c.target.key_column == "id");
    CHECK(c.target.summary_column == "gist");
    CHECK(c.target.embedding_column == "vec");
    CHECK(c.models_file == "models.toml");
    CHECK(c.log_level == "debug");
}

TEST_CASE("each variable of the guide sets its key", "[core][config]") {
    const auto c = read_config(std::nullopt, std::nullopt,
                               somebody({{"SUMMARY_MODEL", "s"},
                                         {"EMBED_MODEL", "e"},
                                         {"EMBED_DIMENSIONS", "512"},
                                         {"BATCH_COMPLETION_WINDOW", "48h"},
                                         {"BATCH_MAX_REQUESTS", "100"},
                                         {"BATCH_MAX_FILE_MB", "5"},
                                         {"ENRICH_MAX_USD_TEST", "1"},
                                         {"ENRICH_MAX_USD_FULL", "2.50"},
                                         {"DATABASE_URL", "postgresql://u:p@h/d"},
                                         {"OPENAI_API_KEY", "sk-1"},
                                         {"OPENAI_BASE_URL", "https://example.org/v1"},
                                         {"ENRICHD_SOCKET", "/tmp/s"}}))
                       .value();
    CHECK(c.summaries.model == "s");
    CHECK(c.embeddings.model == "e");
    CHECK(c.embeddings.dimensions == 512u);
    CHECK(c.provider.completion_window == "48h");
    CHECK(c.batch.max_requests == 100);
    CHECK(c.batch.max_file_mb == 5);
    CHECK(c.budget.test == *parse_dollars("1"));
    CHECK(c.budget.full == *parse_dollars("2.5"));
    CHECK(c.database_url == "postgresql://u:p@h/d");
    CHECK(c.provider.api_key == "sk-1");
    CHECK(c.provider.base_url == "https://example.org/v1");
    CHECK(c.control_socket == "/tmp/s");
}

TEST_CASE("the environment wins over the env file, and that over the file", "[core][config]") {
    const config_text file{"enrichd.toml", "[summaries]\nmodel = 'file'\n[embeddings]\nmodel = 'file'\n"
                                           "[batch]\nmax_requests = 1\n"};
    const config_text env{"app/.env", "SUMMARY_MODEL=env-file\nEMBED_MODEL=env-file\n"};
    const auto c = read_config(file, env, somebody({{"SUMMARY_MODEL", "environment"}})).value();
    CHECK(c.summaries.model == "environment");
    CHECK(c.embeddings.model == "env-file");
    CHECK(c.batch.max_requests == 1);
}

TEST_CASE("an empty variable counts as not set", "[core][config]") {
    const auto c = read_config(config_text{"f", "[summaries]\nmodel = 'file'\n"},
                               config_text{"e", "SUMMARY_MODEL=\n"}, somebody({{"SUMMARY_MODEL", ""}}))
                       .value();
    CHECK(c.summaries.model == "file");
}

TEST_CASE("of the three database variables the most particular one wins", "[core][config]") {
    auto around = somebody({{"DATABASE_URL", "sqlite:c"}});
    const auto url = [&] { return read_config(std::nullopt, std::nullopt, around).value().database_url; };
    CHECK(url() == "sqlite:c");
    around.environment["NEON_DATABASE_URL"] = "sqlite:b";
    CHECK(url() == "sqlite:b");
    around.environment["ENRICHD_DATABASE_URL"] = "sqlite:a";
    CHECK(url() == "sqlite:a");
}

TEST_CASE("money in the file may be a number or a text, and is exact", "[core][config]") {
    const auto usd = [](const std::string& value) {
        return exact_dollars(from_toml("[budget]\nfull_usd = " + value + "\n").value().budget.full);
    };
    CHECK(usd("0.1") == "0.1");
    CHECK(usd("200") == "200");
    CHECK(usd("1e-6") == "0.000001");
    CHECK(usd("123.456789") == "123.456789");
    CHECK(usd("'0.000000000001'") == "0.000000000001");
    CHECK(from_toml("[budget]\nfull_usd = nan\n").has_error());
    CHECK(from_toml("[budget]\nfull_usd = inf\n").has_error());
}

TEST_CASE("the longest wait follows the shortest unless it was given", "[core][config]") {
    CHECK(from_toml("[poll]\nfirst_seconds = 120\n").value().poll.max_seconds == 120);
    CHECK(complaint("[poll]\nfirst_seconds = 5\nmax_seconds = 1\n") ==
          "enrichd.toml:3: poll.max_seconds: expected at least poll.first_seconds, 5, got 1");
}

TEST_CASE("a source query begins as a query does", "[core][config]") {
    for (const char* query :
         {"SELECT 1", "select key from t", "  -- rows\n/* all */ WITH a AS (SELECT 1) SELECT 1", "(SELECT 1)",
          "select*from t"}) {
        CAPTURE(query);
        CHECK(is_select(query));
    }
    for (const char* query : {"DELETE FROM t", "events", "-- nothing else", "SELECTED", "", "/* open"}) {
        CAPTURE(query);
        CHECK_FALSE(is_select(query));
    }
}

TEST_CASE("every key of the table has a meaning, a default, and refuses what it does not expect",
          "[core][config]") {
    for (const auto& key : config_keys()) {
        CAPTURE(key.name);
        CHECK_FALSE(key.meaning.empty());
        CHECK_FALSE(key.default_text.empty());
        CHECK_FALSE(key.expected.empty());
        CHECK((key.in_file || !key.environment.empty()));
        config c;
        CHECK_FALSE(key.set(c, other_type{"a date or time"}));
        CHECK(key.set(c, true) == (key.name == "provider.delete_results_after_merge"));
        CHECK_FALSE(key.set(c, std::string()));
        CHECK_FALSE(key.set(c, written{std::string("\0", 1)}));
    }
}

TEST_CASE("the listing for people holds every key and variable", "[core][config]") {
    const auto listing = config_key_listing();
    for (const auto& key : config_keys()) {
        if (key.in_file) CHECK(listing.find(key.name + "\n") != std::string::npos);
        for (const auto& variable : key.environment)
            CHECK(listing.find(variable) != std::string::npos);
    }
}

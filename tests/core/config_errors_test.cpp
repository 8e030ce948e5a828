// What a configuration is refused for, and with what words.
// SPDX-License-Identifier: Apache-2.0
#include "core/config.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/config_fixture.hpp"

#include <algorithm>

using namespace enrichd;
using namespace enrichd::test;

namespace {

std::size_t lines(const std::string& s) {
    return 1 + static_cast<std::size_t>(std::count(s.begin(), s.end(), '\n'));
}

} // namespace

TEST_CASE("a wrong value is reported with its line, what was expected and what was there", "[core][config]") {
    CHECK(complaint("[poll]\n\nfirst_seconds = 0.01\n") ==
          "enrichd.toml:3: poll.first_seconds: expected a number from 0.05 to 3600, got 0.01");
    CHECK(complaint("[poll]\nfirst_seconds = 'soon'\n") ==
          "enrichd.toml:2: poll.first_seconds: expected a number from 0.05 to 3600, got \"soon\"");
    CHECK(complaint("[batch]\nmax_requests = 1.5\n") ==
          "enrichd.toml:2: batch.max_requests: expected a whole number from 1 to 50000, got 1.5");
    CHECK(complaint("[batch]\nmax_requests = '5'\n") ==
          "enrichd.toml:2: batch.max_requests: expected a whole number from 1 to 50000, got \"5\"");
    CHECK(complaint("[batch]\nmax_file_mb = 0\n") ==
          "enrichd.toml:2: batch.max_file_mb: expected a whole number from 1 to 200, got 0");
    CHECK(complaint("[embeddings]\nencoding_format = 'hex'\n") ==
          "enrichd.toml:2: embeddings.encoding_format: expected one of base64, float, got \"hex\"");
    CHECK(complaint("[versions]\non_version_change = true\n") ==
          "enrichd.toml:2: versions.on_version_change: expected one of refresh, keep, got true");
    CHECK(complaint("[provider]\ndelete_results_after_merge = 'yes'\n") ==
          "enrichd.toml:2: provider.delete_results_after_merge: expected true or false, got \"yes\"");
    CHECK(complaint("[submit]\nreconcile_seconds = []\n") ==
          "enrichd.toml:2: submit.reconcile_seconds: expected a list of 1 to 20 numbers from 0.05 to 86400, "
          "got []");
    CHECK(complaint("[submit]\nreconcile_seconds = ['1']\n") ==
          "enrichd.toml:2: submit.reconcile_seconds: expected a list of 1 to 20 numbers from 0.05 to 86400, "
          "got a "
          "list of other things");
    CHECK(complaint("[budget]\nfull_usd = -1\n") ==
          "enrichd.toml:2: budget.full_usd: expected dollars, such as 25 or \"1.50\", got -1");
    CHECK(complaint("[summaries]\nmodel = 1979-05-27\n") ==
          "enrichd.toml:2: summaries.model: expected the name of a model, got a date or time");
    CHECK(complaint("[summaries.model]\nname = 'x'\n") ==
          "enrichd.toml:1: summaries.model: expected the name of a model, got a section");
    CHECK(complaint("poll = 5\n") == "enrichd.toml:1: poll: expected a section [poll], got 5");
    CHECK(complaint("[log]\nlevel = ''\n") ==
          "enrichd.toml:2: log.level: expected one of error, warning, notice, info, debug, got \"\"");
}

TEST_CASE("an unknown key is an error that names the nearest one", "[core][config]") {
    CHECK(complaint("[poll]\nfirst_second = 1\n") ==
          "enrichd.toml:2: poll.first_second: expected a known key, got this one (did you mean "
          "\"poll.first_seconds\"?)");
    CHECK(complaint("[pol]\nfirst_seconds = 1\n") ==
          "enrichd.toml:1: pol: expected a known key, got this one (did you mean \"poll\"?)");
    CHECK(complaint("[poll]\nzebra_crossings = 1\n") ==
          "enrichd.toml:2: poll.zebra_crossings: expected a known key, got this one");
}

TEST_CASE("text that is not TOML is reported with its line and column", "[core][config]") {
    const auto text = complaint("[poll]\nfirst_seconds = \n");
    CAPTURE(text);
    CHECK(text.starts_with("enrichd.toml:2: syntax: expected TOML, got an error in column "));
}

TEST_CASE("all errors of one reading are reported together", "[core][config]") {
    const auto c = read_config(
        config_text{"enrichd.toml", "[poll]\nfirst_seconds = 0\nnope = 1\n[batch]\nmerge_rows = 0\n"},
        config_text{".env", "\nBATCH_MAX_REQUESTS=many\nFOO='open\n"},
        somebody({{"EMBED_DIMENSIONS", "-1"}}));
    REQUIRE(c.has_error());
    CHECK(c.error().code == errc::invalid_input);
    const auto& detail = c.error().detail;
    CAPTURE(detail);
    CHECK(lines(detail) == 6);
    CHECK(detail.find("enrichd.toml:2: poll.first_seconds: expected") != std::string::npos);
    CHECK(detail.find("enrichd.toml:3: poll.nope: expected") != std::string::npos);
    CHECK(detail.find("enrichd.toml:5: batch.merge_rows: expected") != std::string::npos);
    CHECK(detail.find(".env:2: BATCH_MAX_REQUESTS: expected a whole number from 1 to 50000, got \"many\"") !=
          std::string::npos);
    CHECK(detail.find(".env:3: FOO: expected a closing ', got the end of the file") != std::string::npos);
    CHECK(detail.find("environment: EMBED_DIMENSIONS: expected a whole number from 1 to 16000, got \"-1\"") !=
          std::string::npos);
}

TEST_CASE("a value that may hold a secret is never repeated", "[core][config]") {
    const auto c =
        read_config(config_text{"f", "[database]\nurl = 'mysql://u:hunter2@h/d'\n"
                                     "[provider]\nbase_url = 'http://u:hunter2@h'\napi_key = 'hunter2'\n"},
                    config_text{"e", "OPENAI_API_KEY=hunter2 with spaces\nhunter2!\nX hunter2\n"},
                    somebody({{"DATABASE_URL", "hunter2"}}));
    REQUIRE(c.has_error());
    CAPTURE(c.error().detail);
    CHECK(c.error().detail.find("hunter2") == std::string::npos);
    CHECK(lines(c.error().detail) == 7);
    CHECK(c.error().detail.find("provider.api_key_file") != std::string::npos);
}

TEST_CASE("plain http is for this machine alone", "[core][config]") {
    for (const char* good : {"https://api.openai.com/v1", "http://localhost:8080", "http://127.0.0.1/v1",
                             "http://127.1.2.3:9/v1", "http://[::1]:8080/v1", "http://localhost"}) {
        CAPTURE(good);
        CHECK(from_toml(std::string("[provider]\nbase_url = '") + good + "'\n").has_value());
    }
    for (const char* bad :
         {"http://api.openai.com/v1", "http://127.evil.org/v1", "http://localhost.evil.org", "ftp://x",
          "api.openai.com", "https://", "https:///v1", "http://[::2]/", "https://h/?q", ""}) {
        CAPTURE(bad);
        CHECK(from_toml(std::string("[provider]\nbase_url = '") + bad + "'\n").has_error());
    }
}

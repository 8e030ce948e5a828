// What a configuration that could be read is refused for, before anything is started.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/check_settings.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/config_fixture.hpp"
#include "tests/support/temp_folder.hpp"

using namespace enrichd;
using namespace enrichd::test;

namespace {

loaded_settings settings_of(const std::string& toml) {
    auto read = from_toml(toml);
    INFO((read ? "" : read.error().detail)); // what is refused sooner is not for this test
    REQUIRE(read.has_value());
    loaded_settings s;
    s.config = std::move(*read);
    s.models = model_catalogue::built_in();
    s.api_key = "sk-1";
    return s;
}

std::vector<std::string> problems_in(const std::string& toml) {
    return problems_of(settings_of(toml));
}

/// The problem, where there is one and no more.
std::string problem_in(const std::string& toml) {
    const auto problems = problems_in(toml);
    return problems.size() == 1 ? problems[0] : std::to_string(problems.size()) + " problems";
}

std::string with_table(const std::string& table, const std::string& url = "postgresql://h/db") {
    return "[database]\nurl = '" + url + "'\n[target]\ntable = '''" + table + "'''\n";
}

} // namespace

TEST_CASE("what can work has no problems, and nothing of it needs to be there", "[check_settings]") {
    CHECK(problems_in("").empty());
    CHECK(problems_in("[database]\nurl = 'sqlite:/nonexistent/rows.db'\n").empty());
    CHECK(problems_in("[database]\nurl = 'postgresql://u:p@nowhere.test:65535,[::1]:1,b/db?sslmode=require'\n"
                      "[source]\nurl = 'postgres://reader@nowhere.test/db'\n")
              .empty());
}

TEST_CASE("a model that is not known, or is for something else, is refused by its key", "[check_settings]") {
    CHECK(problem_in("[summaries]\nmodel = 'gpt-4o-mimi'\n")
              .starts_with("summaries.model: unknown model \"gpt-4o-mimi\" for summaries (did you mean "
                           "\"gpt-4o-mini\"?); known are "));
    CHECK(
        problem_in("[embeddings]\nmodel = 'gpt-4o-mini'\n")
            .starts_with("embeddings.model: the model \"gpt-4o-mini\" is for summaries, not for embeddings"));
}

TEST_CASE("a port that is none is refused, of either database and of each host", "[check_settings]") {
    for (const char* port : {"none", "0", "65536", "54x32", "-1"}) {
        CAPTURE(port);
        const auto url = std::string("url = 'postgresql://u@h:") + port + "/db'\n";
        CHECK(problem_in("[database]\n" + url).starts_with("database.url: expected a port from 1 to 65535"));
        CHECK(problem_in("[database]\nurl = 'postgresql://h/db'\n[source]\n" + url)
                  .starts_with("source.url: expected a port from 1 to 65535"));
    }
    CHECK(problems_in("[database]\nurl = 'postgres://a:one,b:5432,c:three/db'\n").size() == 2);
}

TEST_CASE("a URL that PostgreSQL cannot read is refused once, and not repeated", "[check_settings]") {
    const std::string unreadable = "url = 'postgresql://u:hunter2%zz@h/db'\n";
    const auto [section, text] =
        GENERATE_COPY(std::pair<std::string, std::string>("database", "[database]\n" + unreadable),
                      std::pair<std::string, std::string>(
                          "source", "[database]\nurl = 'postgresql://h/db'\n[source]\n" + unreadable));
    CAPTURE(section);
    const auto problem = problem_in(text);
    CHECK(problem.find("[" + section +
                       "] url: the PostgreSQL URL cannot be read: expected postgresql://user:password@"
                       "host:port/database") != std::string::npos);
    CHECK(problem.find("hunter2") == std::string::npos);
}

TEST_CASE("a password with a slash in it is not repeated as a port", "[check_settings]") {
    const auto problem = problem_in("[database]\nurl = 'postgresql://user:hunter2/x@host/db'\n");
    CHECK(problem.starts_with("database.url: expected a port from 1 to 65535; a '/', ':' or '@' within a "
                              "password is written %2F, %3A or %40"));
    CHECK(problem.find("hunter2") == std::string::npos);
}

TEST_CASE("a source of its own is for PostgreSQL alone", "[check_settings]") {
    CHECK(problem_in("[database]\nurl = 'sqlite:rows.db'\n[source]\nurl = 'postgresql://h/db'\n")
              .starts_with("source.url: rows are read from another database for a PostgreSQL target only"));
}

TEST_CASE("a table's name is refused where SQL would not take it", "[check_settings]") {
    for (const char* good : {"events", "public.events", "\"my table\"", "app.\"My Events\"", "\"a.b\".c_1",
                             "\"say \"\"hello\"\"\"", "t$1", "_t", "\xC3\xA9v\xC3\xA8nements"}) {
        CAPTURE(good);
        CHECK(problems_in(with_table(good)).empty());
    }
    for (const char* bad : {"my table", "1st", "$t", "a.", ".a", "a..b", "\"open", "\"\"", "\"a\"b",
                            "\"say \"\"hello\"\"", "events; DROP TABLE events", "it's"}) {
        CAPTURE(bad);
        CHECK(problem_in(with_table(bad)) ==
              "target.table: expected a name as SQL writes it, quoted where it holds blanks or capitals "
              "('\"my table\"', 'app.\"My Events\"'), got " +
                  std::string(bad));
        CHECK(problems_in(with_table(bad, "sqlite:rows.db")).empty()); // which takes it as it is
    }
}

TEST_CASE("certificates that cannot be read are named", "[check_settings]") {
    temp_folder folder;
    const auto file = (folder / "ca.pem").native();
    const auto toml = "[provider]\nca_file = '" + file + "'\n";
    const auto expected = file + ": no CA certificate in PEM form can be read from it: ";
    CHECK(problem_in(toml).starts_with(expected)); // not there
    write_file(file, "not a certificate\n");
    CHECK(problem_in(toml).starts_with(expected));
}

TEST_CASE("a provider's URL that cannot be called is refused", "[check_settings]") {
    CHECK(problem_in("[provider]\nbase_url = 'https://h:99999/v1'\n") ==
          "base_url: '99999' is not a port; expected 1 to 65535");
}

TEST_CASE("a key that cannot be one is refused, and not repeated", "[check_settings]") {
    for (const char* key : {"sk-hunter2 and more", "sk-hunter2\nsk-other", "sk-hunter2\xC3\xA9"}) {
        auto s = settings_of("");
        s.api_key = key;
        const auto problems = problems_of(s);
        REQUIRE(problems.size() == 1);
        CHECK(problems[0].starts_with("the API key holds a space, a line break or another character"));
        CHECK(problems[0].find("hunter2") == std::string::npos);
    }
}

TEST_CASE("all problems are told at once, each by itself", "[check_settings]") {
    const auto problems = problems_in("[provider]\nbase_url = 'https://h:0/v1'\n"
                                      "[database]\nurl = 'postgresql://h:x/db'\n"
                                      "[source]\nurl = 'postgresql://h:y/db'\n"
                                      "[target]\ntable = 'my table'\n"
                                      "[summaries]\nmodel = 'one'\n[embeddings]\nmodel = 'two'\n");
    REQUIRE(problems.size() == 6);
    const char* beginnings[] = {"base_url: ",     "database.url: ",    "source.url: ",
                                "target.table: ", "summaries.model: ", "embeddings.model: "};
    for (std::size_t i = 0; i < problems.size(); ++i)
        CHECK(problems[i].starts_with(beginnings[i]));
}

// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/open.hpp"
#include "daemon/target/postgres_result.hpp"
#include "daemon/target/postgres_target.hpp"

#include <boost/asio/thread_pool.hpp>

#include "tests/support/await.hpp"
#include "tests/support/catch.hpp"

using namespace enrichd;
using namespace enrichd::target;

TEST_CASE("a refused statement either passes by itself or needs a person", "[target][postgres]") {
    const auto code = [](std::string_view state) { return to_error("x", {0, std::string(state), "m"}).code; };
    for (const auto state : {"08006", "08P01", "57P01", "57P03", "57014", "53300", "53100", "40001", "40P01",
                             "55P03", "25006", "58030", "XX000", ""}) {
        CAPTURE(state);
        CHECK(code(state) == errc::target_unavailable);
    }
    for (const auto state : {"42501", "42703", "42P01", "42804", "42883", "42601", "28P01", "28000", "3D000",
                             "55000", "22P02", "XX001", "0A000"}) {
        CAPTURE(state);
        CHECK(code(state) == errc::target_blocked);
    }
}

TEST_CASE("what to do is said with a refusal", "[target][postgres]") {
    const auto detail = [](const char* state) {
        return to_error("doing", {0, state, "m"}, "GRANT it").detail;
    };
    CHECK(detail("42501").find("run: GRANT it") != std::string::npos);
    CHECK(detail("42P01").find("enrichctl migrate") != std::string::npos);
    CHECK(detail("28P01").find("password of [database] url") != std::string::npos);
    CHECK(detail("40001") == "doing: m (40001)");
}

TEST_CASE("a value's refusal costs a row, and a conflict another try", "[target][postgres]") {
    for (const auto state : {"22000", "22021", "23505", "23514", "44000", "54000", "P0001"})
        CHECK(is_refused_value(state));
    for (const auto state : {"42804", "40001", "57014", "", "25006"})
        CHECK_FALSE(is_refused_value(state));
    for (const auto state : {"40001", "40P01", "55P03"})
        CHECK(is_worth_repeating(state));
    CHECK_FALSE(is_worth_repeating("57014"));
}

TEST_CASE("a target's name says where, and never who or with what password", "[target][postgres]") {
    const auto place = [](const char* url) { return parse_postgres_url(url)->place(); };
    CHECK(place("postgresql://ada:s3cret@db.example/news") == "db.example/news");
    CHECK(place("postgres://ada:s3cret@db.example:5433/news?password=other") == "db.example:5433/news");
    CHECK(place("postgresql://ada@h1,h2:6432/news") == "h1,h2:6432/news");
    CHECK(place("postgresql:///news?host=/run/postgresql") == "/run/postgresql/news");
    CHECK(place("postgresql://ada@db.example") == "db.example/ada");
    CHECK(place("postgresql:///news") == "localhost/news");
}

TEST_CASE("a URL that cannot be read is refused without being repeated", "[target][postgres]") {
    boost::asio::thread_pool pool(1);
    for (const auto url : {"postgresql://ada:s3cret@[::1/x", "postgresql://ada:s3cret@h/x?no_such_word=1",
                           "mysql://ada:s3cret@h/x"}) {
        CAPTURE(url);
        config c;
        c.database_url = url;
        try {
            open_target(pool.get_executor(), c);
            FAIL("accepted");
        } catch (const fatal_error& e) {
            CHECK(e.what_error().code == errc::invalid_input);
            CHECK(e.what_error().detail.find("[database] url") != std::string::npos);
            CHECK(e.what_error().detail.find("s3cret") == std::string::npos);
        }
    }
}

TEST_CASE("each URL opens its kind of target", "[target]") {
    boost::asio::thread_pool pool(1);
    config c;
    c.state_directory = "/var/lib/enrichd";
    CHECK(open_target(pool.get_executor(), c)->identity() == "sqlite:/var/lib/enrichd/target.db/events");
    c.database_url = "sqlite:/data/rows.db";
    CHECK(open_target(pool.get_executor(), c)->identity() == "sqlite:/data/rows.db/events");
    c.database_url = "postgresql://ada:s3cret@db.example/news";
    CHECK(open_target(pool.get_executor(), c)->identity() == "postgresql:db.example/news/events");
}

TEST_CASE("a server that is not there is unavailable, and named without its password", "[target][postgres]") {
    boost::asio::io_context loop;
    boost::asio::thread_pool pool(1);
    config c;
    c.database_url =
        GENERATE("postgresql://ada:s3cret@127.0.0.1:1/news", "postgresql://ada:s3cret@localhost:1/news",
                 "postgresql://ada:s3cret@/news?host=/nonexistent",
                 "postgresql://ada:s3cret@no-such-host.invalid/news");
    const auto target = open_target(pool.get_executor(), c);
    const auto report = tests::await(loop, target->inspect(kind::summaries));
    REQUIRE(report.has_error());
    CAPTURE(report.error().detail);
    CHECK(report.error().code == errc::target_unavailable);
    CHECK(report.error().detail.find("s3cret") == std::string::npos);
}

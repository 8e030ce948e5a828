// SPDX-License-Identifier: Apache-2.0
#include "core/env_file.hpp"

#include "tests/support/catch.hpp"

using namespace enrichd;

namespace {

std::string value_of(std::string_view text) {
    const auto file = parse_env_file(text);
    REQUIRE(file.errors.empty());
    REQUIRE(file.entries.size() == 1);
    return file.entries[0].value;
}

} // namespace

TEST_CASE("values of an env file are read as shells and python-dotenv read them", "[core][config]") {
    CHECK(value_of("A=b") == "b");
    CHECK(value_of("export A=b\n") == "b");
    CHECK(value_of("export\tA=b\r\n") == "b");
    CHECK(value_of("  A = b c  \n") == "b c");
    CHECK(value_of("A=b # comment") == "b");
    CHECK(value_of("A=b#no comment") == "b#no comment");
    CHECK(value_of("A= # all comment") == "");
    CHECK(value_of("A='b # c' # d") == "b # c");
    CHECK(value_of("A=\"b\\n\\\"c\\\" \\$d \\\\ \\q\"") == "b\n\"c\" $d \\ \\q");
    CHECK(value_of("A='b\\n'") == "b\\n");
    CHECK(value_of("A=postgresql://u:p@h/d?x=1&y='2'") == "postgresql://u:p@h/d?x=1&y='2'");
    CHECK(value_of("\xEF\xBB\xBF"
                   "A=b") == "b");
    CHECK(value_of("A=") == "");
    CHECK(value_of("A=\"\"") == "");
}

TEST_CASE("blank lines, comments and bare names set nothing", "[core][config]") {
    const auto file = parse_env_file("\n# A=1\n   \nexport B\nC\n  # D=2\n");
    CHECK(file.errors.empty());
    CHECK(file.entries.empty());
}

TEST_CASE("a name that begins with export is a name", "[core][config]") {
    const auto file = parse_env_file("exported=1\nexport=2\n");
    REQUIRE(file.entries.size() == 2);
    CHECK(file.entries[0].key == "exported");
    CHECK(file.entries[1].key == "export");
}

TEST_CASE("lines are counted through values of several lines", "[core][config]") {
    const auto file = parse_env_file("A='1\n2\n3'\n\nB=4\nC=\"x\ny\" # end\nD=5");
    REQUIRE(file.entries.size() == 4);
    CHECK(file.entries[0].value == "1\n2\n3");
    CHECK(file.entries[0].line == 1);
    CHECK(file.entries[1].line == 5);
    CHECK(file.entries[2].line == 6);
    CHECK(file.entries[3].line == 8);
}

TEST_CASE("what cannot be read is reported with its line, without repeating a value", "[core][config]") {
    const auto file = parse_env_file("A=1\n=secret\nB secret\nC='secret\n");
    CHECK(file.entries.size() == 1);
    REQUIRE(file.errors.size() == 3);
    CHECK(file.errors[0] == "2: expected KEY=VALUE, got a line that begins otherwise");
    CHECK(file.errors[1] == "3: expected = after the name, got something else");
    CHECK(file.errors[2] == "4: C: expected a closing ', got the end of the file");
}

// SPDX-License-Identifier: Apache-2.0
#include "core/suggest.hpp"

#include "tests/support/catch.hpp"

using namespace enrichd;

namespace {

const std::vector<std::string> settings_known = {"base_url",  "api_key_file", "ca_file",
                                                 "directory", "socket",       "url"};

} // namespace

TEST_CASE("a mistyped word is led to the nearest known one", "[core][suggest]") {
    CHECK(closest("base_ulr", settings_known) == "base_url");
    CHECK(closest("base-url", settings_known) == "base_url");
    CHECK(closest("BASE_URL", settings_known) == "base_url");
    CHECK(closest("baseurl", settings_known) == "base_url");
    CHECK(closest("directroy", settings_known) == "directory");
    CHECK(closest("sokcet", settings_known) == "socket");
    CHECK(closest("uri", settings_known) == "url");
}

TEST_CASE("a word that is near to nothing gets no suggestion", "[core][suggest]") {
    CHECK_FALSE(closest("", settings_known));
    CHECK_FALSE(closest("temperature", settings_known));
    CHECK_FALSE(closest("x", settings_known));
    CHECK_FALSE(closest(std::string(1000, 'a'), settings_known));
    CHECK_FALSE(closest("url", {}));
    CHECK_FALSE(closest("a", {"b"}));
}

TEST_CASE("a swap of neighbours is one slip, and the first of equals wins", "[core][suggest]") {
    CHECK(closest("ab", {"ba"}) == "ba");
    CHECK(closest("cat", {"bat", "hat"}) == "bat");
    CHECK(closest("hat", {"bat", "hat"}) == "hat");
}

TEST_CASE("a suggestion reads as an addition to a message", "[core][suggest]") {
    CHECK(did_you_mean("sokcet", settings_known) == " (did you mean \"socket\"?)");
    CHECK(did_you_mean("temperature", settings_known) == "");
}

// SPDX-License-Identifier: Apache-2.0
#include "core/suggest.hpp"

#include "tests/support/catch.hpp"

using namespace enrichd;

namespace {

const std::vector<std::string> words = {"base_url", "api_key_file", "ca_file", "directory", "socket", "url"};

} // namespace

TEST_CASE("a mistyped word is led to the nearest known one", "[core][suggest]") {
    CHECK(closest("base_ulr", words) == "base_url");
    CHECK(closest("base-url", words) == "base_url");
    CHECK(closest("BASE_URL", words) == "base_url");
    CHECK(closest("baseurl", words) == "base_url");
    CHECK(closest("directroy", words) == "directory");
    CHECK(closest("sokcet", words) == "socket");
    CHECK(closest("uri", words) == "url");
}

TEST_CASE("a word that is near to nothing gets no suggestion", "[core][suggest]") {
    CHECK_FALSE(closest("", words));
    CHECK_FALSE(closest("temperature", words));
    CHECK_FALSE(closest("x", words));
    CHECK_FALSE(closest(std::string(1000, 'a'), words));
    CHECK_FALSE(closest("url", {}));
    CHECK_FALSE(closest("a", {"b"}));
}

TEST_CASE("a swap of neighbours is one slip, and the first of equals wins", "[core][suggest]") {
    CHECK(closest("ab", {"ba"}) == "ba");
    CHECK(closest("cat", {"bat", "hat"}) == "bat");
    CHECK(closest("hat", {"bat", "hat"}) == "hat");
}

TEST_CASE("a suggestion reads as an addition to a message", "[core][suggest]") {
    CHECK(did_you_mean("sokcet", words) == " (did you mean \"socket\"?)");
    CHECK(did_you_mean("temperature", words) == "");
}

// SPDX-License-Identifier: Apache-2.0
#include "core/sha256.hpp"

#include "tests/support/catch.hpp"

using namespace enrichd;

TEST_CASE("SHA-256 gives the digests of the standard's examples", "[core][sha256]") {
    CHECK(to_hex(sha256::of("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(to_hex(sha256::of("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("the digest of pieces is the digest of the whole", "[core][sha256]") {
    sha256 pieces;
    pieces.update("a").update("").update("bc");
    CHECK(pieces.finish() == sha256::of("abc"));

    sha256 moved_from;
    moved_from.update("ab");
    sha256 moved_to = std::move(moved_from);
    CHECK(moved_to.update("c").finish() == sha256::of("abc"));
}

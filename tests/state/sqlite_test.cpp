// Values as SQLite gives them.
// SPDX-License-Identifier: Apache-2.0
#include "state/sqlite.hpp"

#include "tests/support/catch.hpp"

#include <array>
#include <vector>

using namespace enrichd;

TEST_CASE("the bytes of a value are copied as far as both reach", "[state][sqlite]") {
    const auto bytes = [](std::initializer_list<int> values) {
        std::vector<std::byte> all;
        for (const auto v : values)
            all.push_back(static_cast<std::byte>(v));
        return all;
    };
    std::array<std::byte, 3> to{};
    sqlite::copy_blob(bytes({1, 2}), to);
    CHECK(to == std::array{std::byte{1}, std::byte{2}, std::byte{0}});
    sqlite::copy_blob(bytes({4, 5, 6, 7}), to);
    CHECK(to == std::array{std::byte{4}, std::byte{5}, std::byte{6}});
    sqlite::copy_blob({}, to); // an empty value has no address
    sqlite::copy_blob(bytes({9}), {});
    CHECK(to[0] == std::byte{4});
}

// Golden files: output that must stay as it is, kept under tests/data/. ENRICHD_TEST_ACCEPT=1 rewrites them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/catch.hpp"

namespace enrichd::test {

/// Checks that `content` is what the file tests/data/`name` holds, byte for byte.
inline void check_golden(const std::string& name, const std::string& content) {
    const auto path = std::filesystem::path(ENRICHD_SOURCE_DIR) / "tests/data" / name;
    if (std::getenv("ENRICHD_TEST_ACCEPT")) {
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path, std::ios::binary) << content;
    }
    std::ifstream file(path, std::ios::binary);
    INFO("golden file " << path << "; if the change is meant, run the test with ENRICHD_TEST_ACCEPT=1");
    REQUIRE(file.good());
    CHECK(std::string(std::istreambuf_iterator<char>(file), {}) == content);
}

} // namespace enrichd::test

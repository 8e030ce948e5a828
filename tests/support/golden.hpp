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

/// The same for a part of a page under docs/: what stands between two marks.
inline void check_generated_part(const std::string& page, const std::string& begin_mark,
                                 const std::string& end_mark, const std::string& content) {
    const auto path = std::filesystem::path(ENRICHD_SOURCE_DIR) / "docs" / page;
    std::ifstream file(path, std::ios::binary);
    std::string text(std::istreambuf_iterator<char>(file), {});
    const auto begin = text.find(begin_mark), end = text.find(end_mark);
    REQUIRE(begin != std::string::npos);
    REQUIRE(end != std::string::npos);
    const auto from = begin + begin_mark.size();
    INFO(path << "; if the change is meant, run the test with ENRICHD_TEST_ACCEPT=1");
    if (std::getenv("ENRICHD_TEST_ACCEPT"))
        std::ofstream(path, std::ios::binary) << text.replace(from, end - from, content);
    else
        CHECK(text.substr(from, end - from) == content);
}

} // namespace enrichd::test

// docs/configuration.md holds exactly what the table of keys says. ENRICHD_TEST_ACCEPT=1 rewrites its table.
// SPDX-License-Identifier: Apache-2.0
#include "core/config_keys.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/golden.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fstream>
#include <sstream>

using namespace enrichd;

namespace {

const std::string begin_of_keys = "<!-- keys: begin -->\n", end_of_keys = "<!-- keys: end -->\n";

std::string code(const std::string& s) {
    return "`" + s + "`";
}

std::string table_of_keys() {
    std::string out, section;
    for (const auto& key : config_keys()) {
        const auto dot = key.name.find('.');
        if (key.name.substr(0, dot) != section) {
            section = key.name.substr(0, dot);
            out += fmt::format("\n### [{}]\n\n| key | default | environment | value | meaning |\n"
                               "| --- | --- | --- | --- | --- |\n",
                               section);
        }
        std::vector<std::string> variables;
        for (const auto& variable : key.environment)
            variables.push_back(code(variable));
        out += fmt::format("| {} | {} | {} | {} | {} |\n", key.in_file ? code(key.name.substr(dot + 1)) : "",
                           key.default_text, fmt::join(variables, ", "), key.expected, key.meaning);
    }
    return out + "\n";
}

} // namespace

TEST_CASE("docs/configuration.md lists every key as the program knows it", "[core][config][docs]") {
    test::check_generated_part("configuration.md", begin_of_keys, end_of_keys, table_of_keys());
}

TEST_CASE("the example configuration that is installed is a good one", "[core][config][docs]") {
    std::stringstream text;
    text << std::ifstream(ENRICHD_SOURCE_DIR "/systemd/enrichd.toml.example").rdbuf();
    REQUIRE_FALSE(text.str().empty());
    const auto c =
        read_config(config_text{"enrichd.toml.example", text.str()}, std::nullopt, surroundings{{}, true});
    if (!c) FAIL(c.error().detail);
}

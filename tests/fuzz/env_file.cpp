// Files of KEY=VALUE lines: what was read is read again from a file that is written with it.
// SPDX-License-Identifier: Apache-2.0
#include "core/env_file.hpp"

#include <algorithm>
#include <string>

#include "tests/fuzz/fuzz.hpp"

using namespace enrichd;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    const auto file = parse_env_file(text);
    const auto lines = 1 + std::count(text.begin(), text.end(), '\n');

    std::string written;
    std::vector<env_entry> expected;
    int line = 0;
    for (const auto& e : file.entries) {
        fuzz::require(!e.key.empty(), "an entry has a name");
        fuzz::require(e.line > line && e.line <= lines, "lines are counted from 1, one entry each");
        line = e.line;
        const bool quotable = e.value.find('\'') == std::string::npos;
        if (!quotable) continue;
        written += "export " + e.key + "='" + e.value + "' # as it was\n";
        expected.push_back(e);
    }
    for (const auto& e : file.errors)
        fuzz::require(fuzz::is_presentable(e), "errors can be shown");

    const auto again = parse_env_file(written);
    fuzz::require(again.errors.empty(), "what is written in quotes has no errors");
    fuzz::require(again.entries.size() == expected.size(), "and as many entries");
    for (std::size_t i = 0; i < expected.size(); ++i)
        fuzz::require(again.entries[i].key == expected[i].key && again.entries[i].value == expected[i].value,
                      "with the same values");
    return 0;
}

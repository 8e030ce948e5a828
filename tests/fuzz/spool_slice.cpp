// Slices of a results file: together they are its lines, each once, whatever the limits.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/spool.hpp"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz.hpp"
#include "tests/support/temp_folder.hpp"

using namespace enrichd;

namespace {

struct plain_line {
    std::string text;
    bool too_long;
};

// The lines as a simple program would find them.
std::vector<plain_line> lines_of(std::string_view text, std::size_t most) {
    std::vector<plain_line> lines;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        const bool too_long = line.size() > most;
        if (too_long || line.find_first_not_of(" \t\r") != std::string_view::npos)
            lines.push_back({std::string(line.substr(0, most)), too_long});
    }
    return lines;
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const test::temp_folder folder;
    auto rest = fuzz::text_of(data, size);
    const auto max_lines = 1 + fuzz::take_byte(rest) % 8;
    const auto max_bytes = 1 + fuzz::take_byte(rest);
    const auto max_line_bytes = 1 + fuzz::take_byte(rest);
    const auto path = folder / "results.jsonl";
    test::write_file(path, std::string(rest));
    const auto expected = lines_of(rest, max_line_bytes);

    std::size_t seen = 0;
    for (std::uint64_t offset = 0;;) {
        const auto slice = read_slice(path, offset, max_lines, max_bytes, max_line_bytes);
        fuzz::require(slice.has_value(), "a file can be read");
        fuzz::require(slice->lines.size() <= max_lines, "no more lines than asked for");
        fuzz::require(slice->at_end || slice->next_offset > offset, "a slice gets on");
        fuzz::require(slice->next_offset <= rest.size(), "and stays in the file");
        for (const auto& line : slice->lines) {
            fuzz::require(seen < expected.size() && line.text == expected[seen].text &&
                              line.too_long == expected[seen].too_long,
                          "the slices are the lines");
            ++seen;
        }
        const auto again = read_slice(path, offset, max_lines, max_bytes, max_line_bytes);
        fuzz::require(again->next_offset == slice->next_offset && again->lines.size() == slice->lines.size(),
                      "the same call gives the same lines");
        if (slice->at_end) {
            fuzz::require(slice->next_offset == rest.size(), "the end is the file's");
            break;
        }
        offset = slice->next_offset;
    }
    fuzz::require(seen == expected.size(), "no line is left out");

    const auto count = count_lines(path);
    fuzz::require(count && *count == lines_of(rest, rest.size()).size(),
                  "lines are counted as they are read");
    return 0;
}

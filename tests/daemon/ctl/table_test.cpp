// Tables, texts and file names of enrichctl, without a daemon.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/files.hpp"
#include "daemon/ctl/table.hpp"
#include "daemon/ctl/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_folder.hpp"

#include <sstream>

using namespace enrichd;
using namespace enrichd::ctl;

namespace {

table sample() {
    table t({{"JOB", 0}, {"KIND", 2}, {"BATCH", 1}, {"REQUESTS", 3, true}, {"WHY", 4, false, 8}});
    t.add({{"7"},
           {"summaries"},
           {"batch_0123456789abcdef"},
           {"120"},
           {"the provider works on it: 40 of 120 are done"}});
    t.add({{"12"}, {"embeddings"}, {""}, {"5"}, {"\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E"}});
    return t;
}

std::string at_width(std::size_t width) {
    terminal term;
    term.width = width;
    return sample().render(term);
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::stringstream in(text);
    for (std::string line; std::getline(in, line);)
        lines.push_back(line);
    return lines;
}

} // namespace

TEST_CASE("a table is never wider than the terminal, and never wraps", "[daemon][ctl]") {
    for (std::size_t width = 1; width <= 200; ++width) {
        CAPTURE(width);
        const auto lines = lines_of(at_width(width));
        CHECK(lines.size() == 3);
        for (const auto& line : lines)
            CHECK(display_width(line) <= std::max<std::size_t>(width, 1));
    }
}

TEST_CASE("with room everything is shown; without, text shrinks first and columns go by priority",
          "[daemon][ctl]") {
    const auto all = at_width(0);
    CHECK(all == at_width(200));
    CHECK(all.find("40 of 120 are done") != std::string::npos);
    const auto heading = [](std::size_t width) { return lines_of(at_width(width))[0]; };
    CHECK(heading(80).find("WHY") != std::string::npos);
    CHECK(at_width(80).find("\u2026") != std::string::npos);
    CHECK(heading(40).find("WHY") == std::string::npos);
    CHECK(heading(40).find("REQUESTS") == std::string::npos);
    CHECK(heading(40).find("KIND") != std::string::npos);
    CHECK(at_width(40).find("batch_0123456789abcdef") != std::string::npos);
    CHECK(heading(30).find("KIND") == std::string::npos);
    CHECK(heading(20).find("BATCH") == std::string::npos);
    CHECK(heading(20) == "JOB");
}

TEST_CASE("numbers stand at the right", "[daemon][ctl]") {
    const auto lines = lines_of(at_width(200));
    CHECK(lines[1].find("120") + 3 == lines[2].find("  5  ") + 3);
}

TEST_CASE("colours come only where they are taken, and take no width", "[daemon][ctl]") {
    terminal plain, colored;
    colored.color_out = true;
    table t({{"STATE", 0}, {"N", 0}});
    t.add({{"failed", color::red}, {"1"}});
    CHECK(t.render(plain) == "STATE   N\nfailed  1\n");
    CHECK(t.render(colored).find("\x1b[31mfailed\x1b[0m") != std::string::npos);
}

TEST_CASE("what could move the cursor is made visible", "[daemon][ctl]") {
    CHECK(escape("a\nb\tc\r") == "a\\nb\\tc\\r");
    CHECK(escape("\x1b[31mred\x07\x7f") == "\\x1b[31mred\\x07\\x7f");
    CHECK(escape("\xC2\x9B"
                 "1m") == "\\x9b1m"); // a C1 control sequence introducer
    CHECK(escape("\xE2\x80\xAE"
                 "x") == "\\u202ex"); // right-to-left override
    CHECK(escape("\xFF"
                 "x") == "\xEF\xBF\xBD"
                         "x");
    CHECK(escape("\xC3\xA9 \xE6\x97\xA5") == "\xC3\xA9 \xE6\x97\xA5");
}

TEST_CASE("texts are measured as a terminal shows them", "[daemon][ctl]") {
    CHECK(display_width("abc") == 3);
    CHECK(display_width("\xC3\xA9") == 1);
    CHECK(display_width("e\xCC\x81") == 1);
    CHECK(display_width("\xE6\x97\xA5\xE6\x9C\xAC") == 4);
    CHECK(display_width("\xF0\x9F\x98\x80") == 2);
    CHECK(cut("\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E", 5) == "\xE6\x97\xA5\xE6\x9C\xAC\u2026");
    CHECK(cut("\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E", 4) == "\xE6\x97\xA5\u2026");
    CHECK(cut("abc", 3) == "abc");
    CHECK(cut("abcd", 3) == "ab\u2026");
    CHECK(cut("abcd", 0).empty());
}

TEST_CASE("spans, sizes and counts are said for people", "[daemon][ctl]") {
    CHECK(duration(999) == "0 s");
    CHECK(duration(119'000) == "119 s");
    CHECK(duration(120'000) == "2 min");
    CHECK(duration(26LL * 3600 * 1000) == "26 h");
    CHECK(duration(72LL * 3600 * 1000) == "3 d");
    CHECK(relative(5000, 0) == "in 5 s");
    CHECK(relative(0, 180'000) == "3 min ago");
    CHECK(relative(10, 0) == "now");
    CHECK(size(999) == "999 B");
    CHECK(size(1'234'567) == "1.2 MB");
    CHECK(counted(1, "row") == "1 row");
    CHECK(counted(0, "row") == "0 rows");
    CHECK(dollars("0.0135") == "$0.0135");
    CHECK(dollars("-1.5") == "-$1.50");
    CHECK(dollars("nonsense") == "nonsense");
}

TEST_CASE("further files have their number before the ending", "[daemon][ctl]") {
    CHECK(numbered("a/b.jsonl", 1) == "a/b.jsonl");
    CHECK(numbered("a/b.jsonl", 2) == "a/b.002.jsonl");
    CHECK(numbered("b.requests.jsonl", 12) == "b.requests.012.jsonl");
    CHECK(numbered("b", 3) == "b.003");
}

TEST_CASE("a file that is not finished leaves what was there before", "[daemon][ctl]") {
    test::temp_folder folder;
    const auto place = folder.path() / "new" / "f.jsonl";
    {
        auto first = file_writer::open(place).value();
        first.write("one").value();
        first.finish().value();
        CHECK(first.sha256() == sha256_of_file(place).value());
    }
    {
        auto second = file_writer::open(place).value();
        second.write("two, and then the daemon goes away").value();
    }
    CHECK(test::read_file(place) == "one");
    CHECK(std::distance(std::filesystem::directory_iterator(place.parent_path()), {}) == 1);
}

TEST_CASE("a file that cannot be read or written says why", "[daemon][ctl]") {
    test::temp_folder folder;
    const auto missing = sha256_of_file(folder / "none");
    REQUIRE(missing.has_error());
    CHECK(missing.error().detail == (folder / "none").native() + ": No such file or directory");
    test::write_file(folder / "file", "x");
    CHECK(file_writer::open(folder.path() / "file" / "below").has_error());
}

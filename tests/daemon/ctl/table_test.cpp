// Tables, texts and file names of enrichctl, without a daemon.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/files.hpp"
#include "daemon/ctl/table.hpp"
#include "daemon/ctl/text.hpp"
#include "daemon/ctl/wire.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_folder.hpp"

#include <sstream>
#include <sys/stat.h>
#include <thread>

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

TEST_CASE("lines are wrapped at blanks, colours take no room, long words stay whole", "[daemon][ctl]") {
    CHECK(wrap("one two three\n", 9) == "one two\n    three\n");
    CHECK(wrap("  one two three", 9) == "  one two\n    three");
    CHECK(wrap("\x1b[31mone\x1b[0m two", 7) == "\x1b[31mone\x1b[0m two");
    CHECK(wrap("abcdefghij", 4) == "abcdefghij");
    CHECK(wrap("a b\n\nc\n", 80) == "a b\n\nc\n");
    CHECK(wrap("one two three", 0) == "one two three");
}

TEST_CASE("messages keep to one line, or to lines that are indented", "[daemon][ctl]") {
    CHECK(one_line("refused \tIs it\nrunning?\x07") == "refused Is it running?\\x07");
    CHECK(several_lines("run:\nALTER\tTABLE;\x1b") == "run:\n  ALTER TABLE;\\x1b");
}

TEST_CASE("requests are counted as what became of them", "[daemon][ctl]") {
    job_view job;
    job.requests = 3;
    job.state = "intent_upload";
    CHECK(job.stage() == "sending");
    CHECK(requests_of(job) == "0 of 3 requests done");
    job.state = "polling";
    job.batch_id = "batch_1";
    job.batch_total = 3;
    job.batch_done = 1;
    CHECK(requests_of(job) == "1 of 3 requests done");
    job.state = "fetched";
    job.batch_status = "cancelled";
    CHECK(requests_of(job) == "3 of 3 requests ended (1 ok, 2 cancelled)");
    job.state = "merged";
    job.outcomes = {{"ok", 1}, {"cancelled", 2}, {"pending", 0}};
    CHECK(requests_of(job) == "3 of 3 requests ended (1 ok, 2 cancelled)");
    job_view never_sent;
    never_sent.state = "cancelled";
    never_sent.requests = 3;
    CHECK(requests_of(never_sent) == "3 requests, none sent");

    run_view run; // two of the three are sent again
    run.requests = 3;
    auto again = job;
    again.requests = 2;
    again.state = "polling";
    again.batch_done = 1;
    run.jobs = {job, again};
    run.outcomes = {{"ok", 1}, {"pending", 2}};
    CHECK(requests_of(run) == "2 of 3 requests done");
    CHECK(losses({{"ok", 1}, {"cancelled", 327}}) == "327 requests cancelled");
    CHECK(losses({{"http_error", 1}, {"unsent", 1}, {"cancelled", 2}}) == "2 requests failed, 2 cancelled");
    CHECK(losses({{"ok", 5}, {"stale", 1}}).empty());
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

TEST_CASE("what is no regular file is written to, and stays what it is", "[daemon][ctl]") {
    test::temp_folder folder;
    const auto fifo = folder / "fifo";
    REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
    std::string read;
    std::thread reader([&] { read = test::read_file(fifo); });
    auto writer = file_writer::open(fifo).value();
    writer.write("through the pipe").value();
    writer.finish().value();
    reader.join();
    CHECK(read == "through the pipe");
    CHECK(std::filesystem::is_fifo(fifo));
}

TEST_CASE("a symbolic link is followed, and stays", "[daemon][ctl]") {
    test::temp_folder folder;
    std::filesystem::create_directory(folder / "there");
    test::write_file(folder / "there" / "file", "old");
    std::filesystem::permissions(folder / "there" / "file", std::filesystem::perms::owner_all);
    std::filesystem::create_symlink("there/file", folder / "link");
    std::filesystem::create_symlink(folder / "there" / "new", folder / "dangling");
    for (const char* name : {"link", "dangling"}) {
        CAPTURE(name);
        auto writer = file_writer::open(folder / name).value();
        writer.write("new").value();
        writer.finish().value();
        CHECK(std::filesystem::is_symlink(folder / name));
        CHECK(test::read_file(folder / name) == "new");
    }
    CHECK(test::read_file(folder / "there" / "file") == "new");
    CHECK(std::filesystem::status(folder / "there" / "file").permissions() ==
          std::filesystem::perms::owner_all);
    CHECK(test::read_file(folder / "there" / "new") == "new");
}

TEST_CASE("a file that cannot be read or written says why", "[daemon][ctl]") {
    test::temp_folder folder;
    const auto missing = sha256_of_file(folder / "none");
    REQUIRE(missing.has_error());
    CHECK(missing.error().detail == (folder / "none").native() + ": No such file or directory");
    test::write_file(folder / "file", "x");
    CHECK(file_writer::open(folder.path() / "file" / "below").has_error());
}

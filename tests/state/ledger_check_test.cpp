// Damaged, emptied and foreign ledgers: refused with the way out, and left to the byte as they were.
// SPDX-License-Identifier: Apache-2.0
#include "state/ledger_check.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/ledger_fixture.hpp"

#include <filesystem>
#include <map>
#include <random>

using namespace enrichd;
using enrichd::test::ledger_fixture;
using enrichd::test::noon;
using enrichd::test::read_file;
using enrichd::test::temp_folder;
using enrichd::test::write_file;

namespace {

namespace fs = std::filesystem;

using disk_image = std::map<std::string, std::string>; // of the ledger and its log, by ending

disk_image image_of(const fs::path& ledger) {
    disk_image all;
    for (const char* ending : {"", "-wal"})
        if (fs::exists(ledger.string() + ending)) all[ending] = read_file(ledger.string() + ending);
    return all;
}

void put_image(const fs::path& ledger, const disk_image& image) {
    for (const char* ending : {"", "-wal", "-shm"})
        fs::remove(ledger.string() + ending);
    for (const auto& [ending, bytes] : image)
        write_file(ledger.string() + ending, bytes);
}

void add_a_job_in_each_state(ledger_fixture& f) {
    for (const auto& state : test::one_of_each_state()) {
        const auto id = f.add_job(f.add_open_run(), job::goal::merged, 20);
        if (job::name(state) != "built") f.put(id, state);
    }
}

// Why it is refused; empty if it opens, and then everything in it can be read and is sound.
std::string refusal(const fs::path& path) {
    try {
        ledger l(path.string());
        (void)l.jobs().list(true, 1000);
        (void)l.totals();
    } catch (const fatal_error& e) {
        CHECK(e.what_error().code == errc::invalid_input);
        return e.what();
    }
    sqlite::database db(path.string(), sqlite::open_mode::read_only);
    CHECK(check_structure(db, true).empty());
    return "";
}

std::string refused_as_it_is(const fs::path& path) {
    const auto before = image_of(path);
    auto text = refusal(path);
    CHECK_FALSE(text.empty());
    CHECK((image_of(path) == before));
    return text;
}

bool tells_way_out(const std::string& text, const fs::path& path) {
    return text.find(path.string()) == 0 && text.find("backup") != text.npos &&
           text.find("enrichctl adopt --all") != text.npos;
}

} // namespace

TEST_CASE("a file that is no database is refused with the way out", "[state][ledger_check]") {
    temp_folder folder;
    const auto path = folder / "ledger.db";
    for (const auto& bytes : {std::string(5000, 'x'), std::string("SQLite"), std::string(1, '\0')}) {
        write_file(path, bytes);
        CHECK(tells_way_out(refused_as_it_is(path), path));
        CHECK_FALSE(fs::exists(path.string() + "-wal"));
    }
}

TEST_CASE("an emptied ledger beside files of its jobs is not made anew", "[state][ledger_check]") {
    temp_folder folder;
    const auto path = folder / "ledger.db";
    write_file(path, "");
    SECTION("request files") {
        fs::create_directories(folder / "batch");
        write_file(folder / "batch" / "r1-1.requests.jsonl", "{}");
    }
    SECTION("reports") {
        fs::create_directories(folder / "output" / "validation" / "20261122T000000Z-r1");
    }
    SECTION("its log") {
        write_file(path.string() + "-wal", std::string(100, 'x'));
    }
    CHECK(tells_way_out(refused_as_it_is(path), path));
}

TEST_CASE("a log without its ledger is not thrown away", "[state][ledger_check]") {
    temp_folder folder;
    const auto path = folder / "ledger.db";
    write_file(path.string() + "-wal", "x");
    CHECK(tells_way_out(refused_as_it_is(path), path));
    CHECK_FALSE(fs::exists(path));
}

// Power was lost in the first moments of the first daemon, and again in those of the next.
TEST_CASE("a ledger that was cut off while it was made is made again", "[state][ledger_check]") {
    temp_folder folder;
    const auto path = folder / "ledger.db";
    std::string journal{"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", 8};
    journal += std::string(8, '\0'); // no page is in it, and a nonce
    journal += std::string(4, '\0'); // the file had no page
    journal += std::string{"\0\0\x02\0\0\0\x10\0", 8};
    journal.resize(512, '\0');
    SECTION("with a part of its first page") {
        write_file(path, std::string(3584, '\0'));
        write_file(path.string() + "-journal", journal);
    }
    SECTION("with its first page, cut") {
        write_file(path, "SQLite format 3" + std::string(4000, '\0'));
        write_file(path.string() + "-journal", journal);
    }
    SECTION("with the header of a log") {
        write_file(path, "");
        write_file(path.string() + "-wal", std::string(32, '\x37'));
    }
    CHECK(refusal(path).empty());
    CHECK_FALSE(fs::exists(path.string() + "-journal"));
}

TEST_CASE("another program's database with a journal beside it is left as it is", "[state][ledger_check]") {
    temp_folder folder;
    const auto path = folder / "ledger.db";
    sqlite::database theirs((folder / "theirs.db").string(), sqlite::open_mode::create);
    theirs.exec("CREATE TABLE t (x); INSERT INTO t VALUES (1); PRAGMA cache_size = 1; BEGIN");
    theirs.exec("WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) "
                "INSERT INTO t SELECT randomblob(100) FROM n"); // more than it keeps in memory
    write_file(path, read_file(folder / "theirs.db"));
    const auto journal = read_file(folder / "theirs.db-journal");
    REQUIRE(journal.size() > 512);
    write_file(path.string() + "-journal", journal);
    const auto before = read_file(path);
    CHECK_THROWS_AS(ledger(path.string()), fatal_error);
    CHECK(read_file(path) == before);
    CHECK(read_file(path.string() + "-journal") == journal);
}

TEST_CASE("a ledger that was moved away leaves room for a new one", "[state][ledger_check]") {
    temp_folder folder;
    fs::create_directories(folder / "batch");
    write_file(folder / "batch" / "r1-1.requests.jsonl", "{}");
    CHECK(refusal(folder / "ledger.db").empty());
}

TEST_CASE("a truncated ledger is refused wherever it was cut", "[state][ledger_check]") {
    ledger_fixture f;
    add_a_job_in_each_state(f);
    f.l.reset();
    const auto path = f.folder / "ledger.db";
    const auto whole = read_file(path);
    for (const std::size_t kept : {whole.size() - 1, whole.size() / 2, std::size_t{4096}, std::size_t{100}}) {
        CAPTURE(kept);
        write_file(path, whole.substr(0, kept));
        CHECK(tells_way_out(refused_as_it_is(path), path));
    }
}

TEST_CASE("a thousand ledgers with flipped bytes either work whole or are refused untouched",
          "[state][ledger_check]") {
    ledger_fixture f;
    add_a_job_in_each_state(f);
    const auto path = f.folder / "ledger.db";
    f.reopen(); // so that a part of it is in the file, and a part in the log
    f.put(f.add_job(f.add_open_run(), job::goal::merged, 20), job::intent_upload{"s"});
    const auto with_log = image_of(path);
    f.l.reset();
    const auto closed = image_of(path);
    std::mt19937 chance(20261122);
    int refused = 0;
    for (int n = 0; n < 1000; ++n) {
        auto image = n % 2 == 0 ? closed : with_log;
        auto& bytes = n % 4 == 1 ? image.rbegin()->second : image.begin()->second;
        for (int flips = 1 + n % 3; flips > 0; --flips) {
            auto& byte = bytes[chance() % bytes.size()];
            byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1U << chance() % 8));
        }
        CAPTURE(n);
        put_image(path, image);
        const auto text = refusal(path);
        if (text.empty()) continue;
        ++refused;
        CHECK((image_of(path) == image));
    }
    CHECK(refused > 100); // most of the others hit free space, a frame that is overwritten, or a text
    put_image(path, closed);
    CHECK(refusal(path).empty());
}

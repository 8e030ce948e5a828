// The real daemon on a disk that is full, or that fails.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/deployment.hpp"

#include <filesystem>
#include <fstream>
#include <functional>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

using namespace enrichd::test;

namespace {

namespace fs = std::filesystem;

// A small disk, which nobody but us and our children sees. Needs root.
class small_disk {
public:
    explicit small_disk(const fs::path& where) : where_(where) {
        fs::create_directories(where);
        const bool mounted = unshare(CLONE_NEWNS) == 0 &&
                             mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                             mount("tmpfs", where.c_str(), "tmpfs", 0, "size=6m,mode=0700") == 0;
        if (!mounted) throw std::runtime_error("cannot mount a small disk");
    }
    ~small_disk() { umount2(where_.c_str(), MNT_DETACH); }
    small_disk(const small_disk&) = delete;
    small_disk& operator=(const small_disk&) = delete;

    // Until nothing fits any more.
    void fill() const {
        std::ofstream out(where_ / "filler", std::ios::binary);
        for (const std::string block(4096, 'x'); out.write(block.data(), 4096).flush();) {
        }
    }
    void make_room() const { fs::remove(where_ / "filler"); }

private:
    fs::path where_;
};

bool comes_true(const std::function<bool()>& what) {
    for (int tries = 0; tries < 300; ++tries) {
        if (what()) return true;
        poll(nullptr, 0, 100);
    }
    return false;
}

std::string storage_error(const deployment& d) {
    const auto status = d.ctl_json({"status"});
    return status["storage_error"].is_null() ? "" : status["storage_error"]["code"].get<std::string>();
}

std::size_t occurrences(const std::string& text, const std::string& of) {
    std::size_t n = 0;
    for (auto at = text.find(of); at != text.npos; at = text.find(of, at + 1))
        ++n;
    return n;
}

std::size_t runs(const deployment& d) {
    return d.ctl_json({"status"})["runs"].size();
}

// What was under way goes on to the same end, and nothing is bought twice.
void check_it_goes_on(const deployment& d) {
    CHECK(comes_true([&] { return storage_error(d).empty(); }));
    const auto ended = d.ctl({"run", "--auto", "--wait"});
    CAPTURE(ended.out, ended.err, d.daemon_log());
    CHECK(ended.code == 0);
    CHECK(comes_true([&] { return d.ctl_json({"jobs"})["jobs"].empty(); })); // none is open
    CHECK(d.query(
              "SELECT COUNT(*) FROM events AS e WHERE embedding IS NULL AND (SELECT SUM(LENGTH(clean_text)) "
              "FROM documents AS x WHERE x.event_id = e.event_id) >= 100") == "0");
    CHECK(d.booked_tokens() == d.billed_tokens());
    CHECK(occurrences(d.daemon_log(), "work goes on") == 1);
}

} // namespace

TEST_CASE("a full disk stops the work and not the daemon, and room lets it go on", "[programs][disk]") {
    if (geteuid() != 0) {
        WARN("not root: a small disk cannot be mounted");
        return;
    }
    deployment d;
    const small_disk disk(d.state());
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);
    disk.fill();

    // The ledger's log may have room for a few commits still; a request file has none.
    (void)d.ctl({"run", "--auto"});
    CHECK(comes_true([&] { return storage_error(d) == "disk_full"; }));
    const auto before = runs(d);
    const auto refused = d.ctl({"run", "--auto"});
    CAPTURE(refused.out, refused.err, d.daemon_log());
    CHECK(refused.code == 1);
    CHECK(refused.err.find("make room") != std::string::npos);
    CHECK(runs(d) == before);
    CHECK(d.ctl({"plan"}).code == 0); // looking goes on
    CHECK(occurrences(d.daemon_log(), "work stops") == 1);

    disk.make_room();
    check_it_goes_on(d);
    CHECK(d.stop_daemon() == 0);
}

TEST_CASE("a disk that cannot sync stops the work; the ledger is opened anew before it goes on",
          "[programs][disk]") {
    deployment d({.variables = {{"LD_PRELOAD", ENRICHD_FAILING_SYNC},
                                // The sanitizers' runtime wants to be first, and need not here.
                                {"ASAN_OPTIONS", "verify_asan_link_order=0"},
                                {"FAILING_SYNC", "/tmp/enrichd-failing-sync-" + std::to_string(getpid())}}});
    const fs::path broken = "/tmp/enrichd-failing-sync-" + std::to_string(getpid());
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);
    write_file(broken, "");
    const auto refused = d.ctl({"run", "--auto"});
    CAPTURE(refused.out, refused.err, d.daemon_log());
    CHECK(refused.code == 1);
    CHECK(storage_error(d) == "io");
    CHECK(refused.err.find("not known") != std::string::npos);
    const auto again = d.ctl({"run", "--auto"});
    CHECK(again.code == 1);
    CHECK(again.err.find("nothing was begun") != std::string::npos);
    fs::remove(broken);
    check_it_goes_on(d);
    CHECK(d.stop_daemon() == 0);
}

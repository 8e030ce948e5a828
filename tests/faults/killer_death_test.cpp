// A campaign that is killed leaves nothing at work and nothing on the disk.
// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/killer/victim.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/process.hpp"

#include <algorithm>
#include <cctype>
#include <csignal>
#include <filesystem>
#include <map>

using namespace enrichd;
using enrichd::test::read_file;
using enrichd::test::temp_folder;
namespace fs = std::filesystem;

namespace {

constexpr int looks = 1500; // of 20 ms

// Every process that has this variable from the one that was started with it: its descendants, orphans too.
std::map<std::string, std::string> named_commands(const std::string& variable) {
    std::map<std::string, std::string> found;
    for (const auto& entry : fs::directory_iterator("/proc")) {
        if (!std::isdigit(static_cast<unsigned char>(entry.path().filename().string().front()))) continue;
        if (!test::contains(read_file(entry.path() / "environ"), variable)) continue;
        auto command = read_file(entry.path() / "cmdline");
        std::replace(command.begin(), command.end(), '\0', ' ');
        const auto name = fs::path(command.substr(0, command.find(' '))).filename().string();
        found.emplace(name, command);
    }
    return found;
}

} // namespace

TEST_CASE("a campaign that is ended by a signal leaves no program and no folder behind", "[killer]") {
    const int number = GENERATE(SIGINT, SIGTERM, SIGKILL);
    const temp_folder folder;
    const auto variable = "KILLER_DEATH=" + folder.path().string();
    fs::create_directory(folder / "all");
    test::process killer({ENRICHD_KILLER, "--seed", "2", "--rounds", "1000"},
                         {{"KILLER_DEATH", folder.path().string()}, {"TMPDIR", (folder / "all").string()}},
                         folder / "out");
    std::map<std::string, std::string> running;
    const auto has = [&running](const char* name) { return running.count(name) > 0; };
    for (int look = 0; look < looks && !(has("postgres") && has("enrichd") && has("enrich-sandbox"));
         ++look) {
        killer::wait_ms(20);
        running = named_commands(variable);
    }
    INFO(read_file(folder / "out"));
    REQUIRE(has("postgres"));
    const auto& server = running["postgres"];
    const auto data = server.substr(server.find("-D ") + 3);
    const fs::path server_folder = fs::path(data.substr(0, data.find(' '))).parent_path();
    REQUIRE(fs::is_directory(server_folder));
    REQUIRE(has("enrichd"));
    REQUIRE(has("enrich-sandbox"));

    killer.signal(number);
    CHECK(killer.wait() == 128 + number);
    const auto is_all_gone = [&] {
        return named_commands(variable).empty() && fs::is_empty(folder / "all") && !fs::exists(server_folder);
    };
    for (int look = 0; look < looks && !is_all_gone(); ++look)
        killer::wait_ms(20);
    for (const auto& [name, command] : named_commands(variable))
        FAIL_CHECK("still running: " << command);
    CHECK(fs::is_empty(folder / "all"));
    CHECK_FALSE(fs::exists(server_folder));
}

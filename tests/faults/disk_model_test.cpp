// The model of a disk: what POSIX promises to keep is kept, and all else may be lost.
// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/sim/disk_model.hpp"

#include "tests/support/catch.hpp"

#include <set>
#include <stdexcept>
#include <string>

using namespace enrichd::faults;

namespace {

constexpr std::uint64_t many = 400;

std::string content(const disk_image& image, const std::string& path) {
    const auto it = image.find(path);
    return it == image.end() ? "(none)" : it->second.content;
}

// What a file can hold after the loss, over many seeds.
std::set<std::string> contents(const disk_model& disk, const std::string& path) {
    std::set<std::string> all;
    for (std::uint64_t seed = 0; seed < many; ++seed)
        all.insert(content(disk.image(image_kind::random, seed), path));
    return all;
}

// A file whose name is durable, and its data.
disk_model disk_with(const std::string& text) {
    return disk_model(disk_image{{"f", {node_kind::file, text}}});
}

} // namespace

TEST_CASE("what was not synced is kept, or dropped", "[disk_model]") {
    auto disk = disk_with("old");
    disk.write(disk.find("f").value(), 0, "new and longer");
    CHECK(content(disk.image(image_kind::kept), "f") == "new and longer");
    CHECK(content(disk.image(image_kind::dropped), "f") == "old");
    disk.sync(disk.find("f").value());
    CHECK(content(disk.image(image_kind::dropped), "f") == "new and longer");
    CHECK(contents(disk, "f") == std::set<std::string>{"new and longer"});
}

TEST_CASE("a synced file whose folder was not synced has no name", "[disk_model]") {
    disk_model disk;
    const auto f = disk.make("f", node_kind::file);
    disk.write(f, 0, "data");
    disk.sync(f);
    CHECK(disk.image(image_kind::dropped).empty());
    CHECK(contents(disk, "f") == std::set<std::string>{"(none)", "data"});
    disk.sync(0);
    CHECK(contents(disk, "f") == std::set<std::string>{"data"});
}

TEST_CASE("a name that was synced may lead to a file without its data", "[disk_model]") {
    disk_model disk;
    disk.write(disk.make("f", node_kind::file), 0, "data");
    disk.sync(0);
    CHECK(content(disk.image(image_kind::dropped), "f").empty());
    const auto seen = contents(disk, "f");
    CHECK(seen.contains("data"));
    CHECK(seen.contains(""));
    CHECK(seen.contains(std::string(4, '\0'))); // its size came, and its data did not
}

TEST_CASE("a rename happens or does not: one of both files is there, whole", "[disk_model]") {
    disk_model disk(disk_image{{"f", {node_kind::file, "old"}}, {"f.new", {node_kind::file, "new"}}});
    disk.rename("f.new", "f");
    CHECK(content(disk.image(image_kind::kept), "f") == "new");
    CHECK(content(disk.image(image_kind::dropped), "f") == "old");
    CHECK(contents(disk, "f") == std::set<std::string>{"old", "new"});
    for (std::uint64_t seed = 0; seed < many; ++seed) {
        const auto image = disk.image(image_kind::random, seed);
        CHECK((content(image, "f") == "old") == image.contains("f.new"));
    }
}

TEST_CASE("names are lost one by one, whatever their order was", "[disk_model]") {
    disk_model disk;
    disk.make("a", node_kind::file);
    disk.make("b", node_kind::file);
    std::set<std::size_t> sizes;
    bool only_second = false;
    for (std::uint64_t seed = 0; seed < many; ++seed) {
        const auto image = disk.image(image_kind::random, seed);
        sizes.insert(image.size());
        only_second |= image.contains("b") && !image.contains("a");
    }
    CHECK(sizes == std::set<std::size_t>{0, 1, 2});
    CHECK(only_second);
}

TEST_CASE("a write is torn into sectors, and a sector into bytes", "[disk_model]") {
    const std::string before(4 * disk_model::sector, 'o'), after(4 * disk_model::sector, 'n');
    auto disk = disk_with(before);
    disk.write(disk.find("f").value(), 0, after);
    bool by_sectors = false, within_one = false;
    for (const auto& text : contents(disk, "f")) {
        REQUIRE(text.size() == before.size());
        CHECK(text.find_first_not_of("on") == std::string::npos); // there is never anything else
        for (std::size_t at = 0; at < text.size(); at += disk_model::sector) {
            const auto s = text.substr(at, disk_model::sector);
            const bool is_torn = s.find('o') != std::string::npos && s.find('n') != std::string::npos;
            within_one |= is_torn;
            by_sectors |= !is_torn && s.front() != text.front();
        }
    }
    CHECK(by_sectors);
    CHECK(within_one);
}

TEST_CASE("writes that began within a sector leave what is before them", "[disk_model]") {
    auto disk = disk_with(std::string(2 * disk_model::sector, 'o'));
    disk.write(disk.find("f").value(), 500, std::string(100, 'n'));
    for (const auto& text : contents(disk, "f")) {
        CHECK(text.substr(0, 500) == std::string(500, 'o'));
        CHECK(text.substr(600) == std::string(424, 'o'));
    }
}

TEST_CASE("a file that was cut may have its old length again", "[disk_model]") {
    auto disk = disk_with("0123456789");
    disk.truncate(disk.find("f").value(), 4);
    CHECK(contents(disk, "f") == std::set<std::string>{"0123", "0123456789"});
    disk.sync(disk.find("f").value());
    CHECK(contents(disk, "f") == std::set<std::string>{"0123"});
}

TEST_CASE("what is in a folder that is lost is lost with it", "[disk_model]") {
    disk_model disk;
    disk.make("d", node_kind::folder);
    const auto f = disk.make("d/f", node_kind::file);
    disk.write(f, 0, "data");
    disk.sync(f);
    disk.sync(disk.find("d").value());
    CHECK(disk.image(image_kind::dropped).empty());
    disk.sync(0);
    CHECK(content(disk.image(image_kind::dropped), "d/f") == "data");
}

TEST_CASE("a file that is removed may come back", "[disk_model]") {
    auto disk = disk_with("data");
    disk.remove("f");
    CHECK(disk.image(image_kind::kept).empty());
    CHECK(contents(disk, "f") == std::set<std::string>{"(none)", "data"});
    disk.sync(0);
    CHECK(contents(disk, "f") == std::set<std::string>{"(none)"});
}

TEST_CASE("an image is a disk that holds it durably", "[disk_model]") {
    const disk_image image{
        {"d", {node_kind::folder, ""}}, {"d/f", {node_kind::file, "data"}}, {"l", {node_kind::link, "d/f"}}};
    const disk_model disk(image);
    for (const auto how : {image_kind::kept, image_kind::dropped, image_kind::random})
        CHECK(disk.image(how) == image);
}

TEST_CASE("the same seed tears the same way", "[disk_model]") {
    auto disk = disk_with(std::string(8192, 'o'));
    disk.write(disk.find("f").value(), 100, std::string(8000, 'n'));
    for (std::uint64_t seed = 0; seed < 20; ++seed)
        CHECK(disk.image(image_kind::random, seed) == disk.image(image_kind::random, seed));
}

TEST_CASE("what the model cannot tell is not passed over", "[disk_model]") {
    disk_model disk(disk_image{{"d", {node_kind::folder, ""}}, {"f", {node_kind::file, ""}}});
    CHECK_THROWS_AS(disk.rename("f", "d/f"), std::logic_error);
    CHECK_THROWS_AS(disk.rename("nothing", "g"), std::logic_error);
    CHECK_THROWS_AS(disk.make("no/folder", node_kind::file), std::logic_error);
}

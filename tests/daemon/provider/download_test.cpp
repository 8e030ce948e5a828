// Downloads: whole, or nothing.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/provider_talk.hpp"
#include "tests/support/temp_folder.hpp"

using namespace enrichd;
using namespace enrichd::test;

namespace {

// The head of an answer with a body of `bytes`.
std::string head(const std::string& status, std::size_t bytes, const std::string& more = "") {
    return fmt::format("HTTP/1.1 {}\r\nContent-Length: {}\r\nConnection: close\r\n{}\r\n", status, bytes,
                       more);
}

std::string range(std::size_t from, std::size_t total) {
    return fmt::format("Content-Range: bytes {}-{}/{}\r\n", from, total - 1, total);
}

const std::string text = "0123456789abcdefghij";
const std::string tag = "ETag: \"v1\"\r\n";

struct download_talk : provider_talk {
    using provider_talk::provider_talk;

    result<std::uint64_t> download() { return (*this)(client.download("file-1", folder / "out", {1000})); }
    // Refused, with this in the reason, and nothing is left.
    void check_refused(const std::string& reason, std::size_t requests) {
        const auto got = download();
        REQUIRE_FALSE(got);
        CHECK(got.error().code == errc::provider_invalid);
        CAPTURE(got.error().detail);
        CHECK(contains(got.error().detail, reason));
        CHECK(server.requests.size() == requests);
        CHECK(std::filesystem::is_empty(folder.path()));
    }

    temp_folder folder;
};

script cut_at(std::size_t n, const std::string& more = tag) {
    return reply(head("200 OK", text.size(), more) + text.substr(0, n));
}

} // namespace

TEST_CASE("a download appears whole under its name", "[provider]") {
    provider_talk talk({success("line1\nline2\n")});
    temp_folder folder;
    write_file(folder / "out.jsonl", "what was there before and is longer");
    CHECK(talk(talk.client.download("file-1", folder / "out.jsonl", {1000})).value() == 12);
    CHECK(read_file(folder / "out.jsonl") == "line1\nline2\n");
    CHECK_FALSE(std::filesystem::exists(folder / "out.jsonl.partial"));
    CHECK(talk.first_line(0) == "GET /v1/files/file-1/content HTTP/1.1");
}

TEST_CASE("a download that is cut off begins again, and leaves nothing behind if it never ends",
          "[provider]") {
    const std::string sent_part = "a half of it";
    const auto cut = reply("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + sent_part);
    temp_folder folder;
    SECTION("then whole") {
        const auto whole = sent_part + std::string(100 - sent_part.size(), '.');
        provider_talk talk({cut, failure(502), success(whole)});
        CHECK(talk(talk.client.download("file-1", folder / "out", {1000})).value() == 100);
        CHECK(read_file(folder / "out") == whole);
        CHECK_FALSE(contains(talk.server.requests.at(2), "Range"));
    }
    SECTION("never whole") {
        provider_talk talk({cut, cut, cut});
        const auto got = talk(talk.client.download("file-1", folder / "out", {1000}));
        REQUIRE_FALSE(got);
        CHECK(got.error().code == errc::provider_ambiguous);
        CHECK(contains(got.error().detail, "cut off"));
    }
    CHECK_FALSE(std::filesystem::exists(folder / "out.partial"));
}

TEST_CASE("a download that is too long, or has no place, is not tried again", "[provider]") {
    temp_folder folder;
    provider_talk talk({success("line1\nline2\n"), success("x"), success("x")});
    const auto too_long = talk(talk.client.download("file-1", folder / "out", {11}));
    CHECK(too_long.error().code == errc::provider_invalid);
    CHECK(contains(too_long.error().detail, "more than the 11 bytes"));
    CHECK(talk.server.connections == 1);
    CHECK(talk(talk.client.download("file-1", folder / "absent" / "out", {11})).error().code == errc::io);
    CHECK(talk.server.connections == 1);
    CHECK(talk(talk.client.download("file-1", "/dev/full/out", {11})).error().code == errc::io);
    CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("a download that the server refuses tells its reason and makes no file", "[provider]") {
    temp_folder folder;
    provider_talk talk({failure(404)});
    const auto got = talk(talk.client.download("file-1", folder / "out", {1000}));
    REQUIRE_FALSE(got);
    CHECK(got.error().code == errc::provider_rejected);
    CHECK(contains(got.error().detail, "the_code: why (HTTP 404 to GET /files/file-1/content"));
    CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("a download that was cut off goes on where it was, wherever that is", "[provider]") {
    for (std::size_t at = 1; at < text.size(); ++at) {
        CAPTURE(at);
        download_talk talk(
            {cut_at(at), reply(head("206 Partial Content", text.size() - at, tag + range(at, text.size())) +
                               text.substr(at))});
        CHECK(talk.download().value() == text.size());
        CHECK(read_file(talk.folder / "out") == text);
        CHECK(contains(talk.server.requests.at(1), fmt::format("Range: bytes={}-\r\n", at)));
        CHECK(contains(talk.server.requests.at(1), "If-Range: \"v1\"\r\n"));
        CHECK_FALSE(contains(talk.server.requests.at(0), "Range"));
    }
}

TEST_CASE("a part that is cut off is gone on with too", "[provider]") {
    download_talk talk({cut_at(5),
                        reply(head("206 Partial Content", 15, tag + range(5, 20)) + text.substr(5, 6)),
                        reply(head("206 Partial Content", 9, tag + range(11, 20)) + text.substr(11))});
    CHECK(talk.download().value() == 20);
    CHECK(read_file(talk.folder / "out") == text);
}

TEST_CASE("a server that knows no ranges is asked for the whole again", "[provider]") {
    for (const auto& etag : {tag, std::string("ETag: W/\"v1\"\r\n"), std::string()}) {
        download_talk talk({cut_at(7, etag), reply(head("200 OK", 20, etag) + text)});
        CHECK(talk.download().value() == 20);
        CHECK(read_file(talk.folder / "out") == text);
        CHECK(contains(talk.server.requests.at(1), "Range: ") == (etag == tag));
    }
}

TEST_CASE("a file that is another one at the next try is refused, not spliced", "[provider]") {
    const auto part = [](const std::string& more) {
        return reply(head("206 Partial Content", 15, more) + text.substr(5));
    };
    SECTION("it shrank") {
        download_talk({cut_at(5), reply(head("200 OK", 9, tag) + text.substr(0, 9))})
            .check_refused("changed", 2);
    }
    SECTION("it shrank below what is here") {
        download_talk(
            {cut_at(5), reply(head("416 Range Not Satisfiable", 0, "Content-Range: bytes */3\r\n"))})
            .check_refused("shrank", 2);
    }
    SECTION("it grew") {
        download_talk({cut_at(5), part(tag + range(5, 40))}).check_refused("changed", 2);
    }
    SECTION("its ETag is another") {
        download_talk({cut_at(5), part("ETag: \"v2\"\r\n" + range(5, 20))}).check_refused("\"v2\"", 2);
    }
    SECTION("its bytes are others, of which no header tells") {
        download_talk({cut_at(5, ""), reply(head("200 OK", 20) + "0123X56789abcdefghij")})
            .check_refused("first 5 bytes", 2);
    }
    SECTION("the part is another than the one that was asked for") {
        download_talk({cut_at(5), part(tag + range(6, 21))}).check_refused("changed", 2);
        download_talk(
            {cut_at(5), reply(head("206 Partial Content", 16, tag + range(4, 20)) + text.substr(4))})
            .check_refused("from byte 4 on", 2);
    }
    SECTION("a part that nobody asked for") {
        download_talk({part(tag + range(5, 20))}).check_refused("not asked for", 1);
    }
}

TEST_CASE("results that do not fit on the disk are refused before they come", "[provider]") {
    download_talk talk({reply(head("200 OK", 1ULL << 60) + "x")});
    const auto got = talk(talk.client.download("file-1", talk.folder / "out", {1ULL << 61}));
    REQUIRE_FALSE(got);
    CHECK(got.error().code == errc::disk_full);
    CHECK(contains(got.error().detail, "the disk has room for"));
    CHECK(std::filesystem::is_empty(talk.folder.path()));
}

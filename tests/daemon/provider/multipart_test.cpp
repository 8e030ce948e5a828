// SPDX-License-Identifier: Apache-2.0
#include "daemon/provider/multipart.hpp"

#include "tests/support/catch.hpp"

using namespace enrichd;

TEST_CASE("an upload's body is exactly this", "[provider][multipart]") {
    const auto m = provider::make_upload({"/spool/a.jsonl", 12}, "requests.jsonl", "B");
    CHECK(m.content_type == "multipart/form-data; boundary=B");
    REQUIRE(m.body.size() == 3);
    CHECK(std::get<std::string>(m.body[0]) == "--B\r\n"
                                              "Content-Disposition: form-data; name=\"purpose\"\r\n"
                                              "\r\n"
                                              "batch\r\n"
                                              "--B\r\n"
                                              "Content-Disposition: form-data; name=\"file\"; "
                                              "filename=\"requests.jsonl\"\r\n"
                                              "Content-Type: application/octet-stream\r\n"
                                              "\r\n");
    const auto& file = std::get<http::file_part>(m.body[1]);
    CHECK(file.path == "/spool/a.jsonl");
    CHECK(file.bytes == 12);
    CHECK(std::get<std::string>(m.body[2]) ==
          "\r\n"
          "--B\r\n"
          "Content-Disposition: form-data; name=\"expires_after[anchor]\"\r\n"
          "\r\n"
          "created_at\r\n"
          "--B\r\n"
          "Content-Disposition: form-data; name=\"expires_after[seconds]\"\r\n"
          "\r\n"
          "2592000\r\n"
          "--B--\r\n");
}

TEST_CASE("a file name cannot break out of its header", "[provider][multipart]") {
    const auto m = provider::make_upload({"/x", 0}, "a\"; x=\"\r\nB.jsonl", "B");
    CHECK(std::get<std::string>(m.body[0]).find("filename=\"a%22; x=%22%0D%0AB.jsonl\"\r\n") !=
          std::string::npos);
}

TEST_CASE("boundaries are long and never the same", "[provider][multipart]") {
    const auto a = provider::random_boundary();
    CHECK(a.size() >= 40);
    CHECK(a.size() <= 70); // RFC 2046, 5.1.1
    CHECK(a != provider::random_boundary());
}

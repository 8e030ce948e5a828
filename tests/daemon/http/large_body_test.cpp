// SPDX-License-Identifier: Apache-2.0
#include "daemon/http/client.hpp"

#include "tests/support/await.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/scripted_server.hpp"
#include "tests/support/temp_folder.hpp"

#include <boost/asio/thread_pool.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <openssl/evp.h>

using namespace enrichd;
using namespace enrichd::test;

namespace {

constexpr std::size_t piece_limit = 64 * 1024;
constexpr std::uint64_t megabyte = 1 << 20;

// Counts what goes over a connection, and plays the server on the other end of it: takes everything, then
// answers.
struct traffic {
    std::uint64_t written = 0;
    std::size_t largest_write = 0;
    std::size_t largest_read = 0;
    std::string tail; ///< the last bytes written
};

class counting_stream final : public http::byte_stream {
public:
    explicit counting_stream(traffic& t) : traffic_(t) {}

    http::awaitable<result<std::size_t>> read_some(std::span<char> into) override {
        traffic_.largest_read = std::max(traffic_.largest_read, into.size());
        const auto n = std::min(into.size(), reply_.size());
        std::copy_n(reply_.begin(), n, into.begin());
        reply_.erase(0, n);
        co_return n;
    }
    http::awaitable<result<void>> write(std::span<const char> bytes) override {
        traffic_.written += bytes.size();
        traffic_.largest_write = std::max(traffic_.largest_write, bytes.size());
        traffic_.tail.assign(
            bytes.end() - static_cast<std::ptrdiff_t>(std::min<std::size_t>(8, bytes.size())), bytes.end());
        return tests::at_once({});
    }
    void close() noexcept override {}

private:
    traffic& traffic_;
    std::string reply_ = answer(200, "{}");
};

class counting_connector final : public http::connector {
public:
    explicit counting_connector(traffic& t) : traffic_(t) {}

    http::awaitable<result<std::unique_ptr<http::byte_stream>>> connect(
        std::optional<std::chrono::milliseconds>) override {
        co_return std::make_unique<counting_stream>(traffic_);
    }

private:
    traffic& traffic_;
};

} // namespace

TEST_CASE("50 MB go up in pieces of 64 KiB, whatever the parts are", "[http][client]") {
    temp_folder folder;
    const auto file = folder / "requests.jsonl";
    write_file(file, "");
    std::filesystem::resize_file(file, 50 * megabyte); // sparse
    boost::asio::thread_pool pool(1);
    boost::asio::io_context io;
    traffic seen;
    http::client client({.server = *http::parse_base_url("http://127.0.0.1:1"), .pool = pool.get_executor()},
                        std::make_unique<counting_connector>(seen));
    auto r = run(io, client.send({"POST",
                                  "/files",
                                  {},
                                  {std::string("head"), http::file_part{file, 50 * megabyte},
                                   std::string("the tail")}}));
    REQUIRE(r);
    CHECK(seen.written > 50 * megabyte + 12);
    CHECK(seen.written < 50 * megabyte + 1000);
    CHECK(seen.largest_write == piece_limit);
    CHECK(seen.largest_read <= 2 * piece_limit);
    CHECK(seen.tail == "the tail");
}

TEST_CASE("50 MB go up and come down over a socket, byte for byte", "[http][client]") {
    boost::asio::io_context io;
    std::string line(65'537, 'a');
    for (std::size_t i = 0; i < line.size(); ++i)
        line[i] = static_cast<char>('a' + i % 23);
    const std::size_t times = 800;
    scripted_server server(
        io, {{step::swallow_request{}, step::send{answer(200, "{}")}},
             {step::read_request{},
              step::send{fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", line.size() * times)},
              step::send_times{line, times}}});
    http::client client({.server = *http::parse_base_url(fmt::format("http://127.0.0.1:{}", server.port()))});

    temp_folder folder;
    write_file(folder / "up", "");
    std::filesystem::resize_file(folder / "up", 50 * megabyte);
    REQUIRE(run(io, client.send({"POST", "/up", {}, {http::file_part{folder / "up", 50 * megabyte}}})));
    REQUIRE(server.body_bytes.size() == 1);
    CHECK(server.body_bytes[0] == 50 * megabyte);

    std::uint64_t taken = 0;
    std::size_t largest = 0;
    bool same = true;
    auto compare = [&](std::span<const char> piece) {
        for (char c : piece)
            same = same && c == line[taken++ % line.size()];
        largest = std::max(largest, piece.size());
        return tests::at_once({});
    };
    REQUIRE(run(io, client.send({.target = "/down", .sink = compare})));
    CHECK(taken == line.size() * times);
    CHECK(same);
    CHECK(largest <= piece_limit);
}

TEST_CASE("a stream that passes its limit is stopped", "[http][client]") {
    boost::asio::io_context io;
    scripted_server server(io, {{step::read_request{}, step::send{"HTTP/1.1 200 OK\r\n\r\n"},
                                 step::send_times{std::string(1000, 'x'), 100'000}}});
    http::client client({.server = *http::parse_base_url(fmt::format("http://127.0.0.1:{}", server.port()))});
    std::uint64_t taken = 0;
    auto count = [&](std::span<const char> piece) {
        taken += piece.size();
        return tests::at_once({});
    };
    auto r = run(io, client.send({.target = "/down", .sink = count, .stream_limit = 5000}));
    REQUIRE_FALSE(r);
    CHECK(r.error().detail.find("more than the 5000 bytes") != std::string::npos);
    CHECK(taken <= 5000);
}

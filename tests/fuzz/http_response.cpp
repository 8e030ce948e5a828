// The bytes of an answer, in pieces of any size: the same answer comes of them, within its limits.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/http/exchange.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <optional>

#include "daemon/provider/retry_after.hpp"
#include "daemon/provider/verdict.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace enrichd;

namespace {

constexpr std::uint64_t collect_limit = 1000;

/// Gives its bytes in pieces of one size, and then ends.
class piecewise_stream : public http::byte_stream {
public:
    piecewise_stream(std::string_view bytes, std::size_t piece) : rest_(bytes), piece_(piece) {}

    http::awaitable<result<std::size_t>> read_some(std::span<char> into) override {
        const auto n = std::min({rest_.size(), into.size(), piece_});
        std::copy_n(rest_.begin(), n, into.begin());
        rest_.remove_prefix(n);
        co_return n;
    }
    http::awaitable<result<void>> write(std::span<const char>) override { co_return result<void>{}; }
    void close() noexcept override {}

private:
    std::string_view rest_;
    std::size_t piece_;
};

struct reading {
    std::optional<result<http::response>> answer;
    http::exchange_report report;
};

http::awaitable<void> read_into(http::byte_stream& stream, const http::request& r,
                                const http::call_clock& time, reading& into) {
    into.answer = co_await http::read_response(stream, r, time, into.report);
}

reading read(std::string_view bytes, std::size_t piece, const std::string& method) {
    piecewise_stream stream(bytes, piece);
    http::request r;
    r.method = method;
    r.collect_limit = collect_limit;
    const http::call_clock time(
        {.connect = {}, .write = {}, .header = {}, .idle = {}, .total = {}, .min_bytes_per_second = 0});
    reading out;
    boost::asio::io_context loop;
    boost::asio::co_spawn(loop, read_into(stream, r, time, out), [](std::exception_ptr thrown) {
        fuzz::require(!thrown, "reading does not throw");
    });
    loop.run();
    fuzz::require(out.answer.has_value(), "reading ends");
    return out;
}

void check(const http::response& answer) {
    fuzz::require(answer.status >= 200 || answer.status == 101, "an interim answer is not the answer");
    fuzz::require(answer.status <= 999, "a status has three digits");
    fuzz::require(answer.body.size() <= collect_limit, "no more is collected than was allowed");
    for (const auto& h : answer.headers)
        fuzz::require(!h.name.empty() && h.value.find_first_of("\r\n") == std::string::npos,
                      "a field is a line");

    const std::chrono::system_clock::time_point now{std::chrono::seconds(1'763'812'800)};
    for (const auto kind : {provider::call_kind::read, provider::call_kind::upload, provider::call_kind::buy,
                            provider::call_kind::cancel}) {
        const auto e = provider::refusal(answer, kind, "POST /v1/batches", now);
        fuzz::require(fuzz::is_presentable(e.detail) && e.detail.size() < 4000, "a refusal can be shown");
    }
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto bytes = fuzz::text_of(data, size);
    const auto choice = fuzz::take_byte(bytes);
    const std::string method = choice & 1 ? "HEAD" : "GET";
    const auto whole = read(bytes, bytes.size() + 1, method);
    const auto pieces = read(bytes, 1 + choice / 2, method);
    if (*pieces.answer) check(**pieces.answer);
    if (!*whole.answer) {
        const auto& e = whole.answer->error();
        fuzz::require(e.code == errc::io && fuzz::is_presentable(e.detail), "what is wrong can be shown");
        return 0;
    }
    check(**whole.answer);
    fuzz::require(pieces.answer->has_value(), "an answer does not depend on how it is cut");
    fuzz::require((*whole.answer)->status == (*pieces.answer)->status &&
                      (*whole.answer)->body == (*pieces.answer)->body &&
                      (*whole.answer)->headers.size() == (*pieces.answer)->headers.size(),
                  "nor does anything in it");
    fuzz::require(whole.report.reusable == pieces.report.reusable, "nor what becomes of the connection");
    return 0;
}

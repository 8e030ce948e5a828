// SPDX-License-Identifier: Apache-2.0
#include "daemon/http/client.hpp"

#include "daemon/http/exchange.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <system_error>

namespace enrichd::http {

namespace {

// How long a server that refused a body half-way may take to say why.
constexpr std::chrono::milliseconds late_answer = std::chrono::seconds(2);

bool is_plain_read(const request& r) {
    return (r.method == "GET" || r.method == "HEAD") && r.body.empty();
}

result<void> check_files(const request& r) {
    for (const auto& part : r.body) {
        const auto* file = std::get_if<file_part>(&part);
        if (!file) continue;
        std::error_code ec;
        const auto bytes = std::filesystem::file_size(file->path, ec);
        if (ec) return error{errc::invalid_input, fmt::format("{}: {}", file->path.string(), ec.message())};
        if (bytes < file->bytes)
            return error{errc::invalid_input, fmt::format("{}: has {} bytes, expected {}",
                                                          file->path.string(), bytes, file->bytes)};
    }
    return {};
}

// A server that refuses a large body often answers and closes before it has read all of it; our write then
// fails, and the answer is the better news. One that claims success without the whole request is not
// believed.
awaitable<result<response>> answer_after_failed_write(byte_stream& stream, const request& r, deadlines limits,
                                                      const error& failure) {
    exchange_report report;
    limits.header = std::min(limits.header.value_or(late_answer), late_answer);
    limits.total = late_answer;
    request only_collected = {r.method, r.target, {}, {}, {}, r.collect_limit};
    auto answer = co_await read_response(stream, only_collected, call_clock(limits), report);
    if (answer && answer->status >= 400) co_return std::move(*answer);
    co_return failure;
}

awaitable<result<response>> exchange(byte_stream& stream, const request& r, const std::string& head,
                                     const call_clock& time, boost::asio::any_io_executor pool,
                                     exchange_report& report) {
    auto sent = co_await write_request(stream, head, r.body, time, pool, report);
    if (sent) co_return co_await read_response(stream, r, time, report);
    const error failure = sent.error();
    if (r.body.empty() || report.file_failed || failure.code == errc::cancelled) co_return failure;
    co_return co_await answer_after_failed_write(stream, r, time.limits(), failure);
}

} // namespace

client::client(client_settings settings) : settings_(std::move(settings)) {
    connections_ = make_connector(settings_.server, settings_.ca_file);
}

client::client(client_settings settings, std::unique_ptr<connector> connections)
    : settings_(std::move(settings)), connections_(std::move(connections)) {}

client::~client() = default;

awaitable<result<response>> client::send(request r) {
    const auto name = fmt::format("{} {}{}", r.method, settings_.server.authority,
                                  settings_.server.base_path + r.target.substr(0, r.target.find('?')));
    try {
        auto answer = co_await send_or_throw(r);
        if (answer) co_return answer;
        error failure = answer.error();
        failure.detail = fmt::format("{}: {}", name, failure.detail);
        co_return failure;
    } catch (const boost::system::system_error& e) {
        // A cancelled coroutine learns of it at its next co_await, wherever that is.
        if (e.code() != boost::asio::error::operation_aborted) throw;
    }
    co_return error{errc::cancelled, name + ": cancelled"};
}

awaitable<result<response>> client::send_or_throw(request& r) {
    if (!r.limits) r.limits = settings_.limits;
    if (!settings_.user_agent.empty()) r.headers.push_back({"User-Agent", settings_.user_agent});
    r.headers.push_back({"Accept-Encoding", "identity"});
    const auto head = make_head(r, settings_.server);
    if (!head) co_return head.error();
    if (auto fine = check_files(r); !fine) co_return fine.error();

    const call_clock time(*r.limits);
    while (auto old = is_plain_read(r) ? take_kept() : nullptr) {
        exchange_report report;
        auto answer = co_await over(std::move(old), r, *head, time, report);
        // Closed by the server before it saw the request: the next one, then.
        const bool stale = !answer && answer.error().code == errc::io && !report.answer_began;
        if (!stale) co_return answer;
    }
    auto fresh = co_await connections_->connect(time.left(r.limits->connect));
    if (!fresh) co_return fresh.error();
    exchange_report report;
    co_return co_await over(std::move(*fresh), r, *head, time, report);
}

awaitable<result<response>> client::over(std::unique_ptr<byte_stream> stream, const request& r,
                                         const std::string& head, const call_clock& time,
                                         exchange_report& report) {
    auto answer = co_await exchange(*stream, r, head, time, settings_.pool, report);
    if (answer && report.reusable) keep(std::move(stream));
    co_return answer;
}

void client::keep(std::unique_ptr<byte_stream> stream) {
    if (idle_.size() < settings_.idle_connections)
        idle_.push_back({std::move(stream), std::chrono::steady_clock::now()});
}

// The one used last: it is the least likely to have been closed. Those that are too old are dropped.
std::unique_ptr<byte_stream> client::take_kept() {
    const auto oldest = std::chrono::steady_clock::now() - settings_.idle_for;
    std::erase_if(idle_, [&](const kept& k) { return k.since < oldest; });
    if (idle_.empty()) return nullptr;
    auto stream = std::move(idle_.back().stream);
    idle_.pop_back();
    return stream;
}

} // namespace enrichd::http

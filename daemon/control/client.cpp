// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/client.hpp"

#include <fmt/format.h>

#include <chrono>

#include "core/control_errors.hpp"
#include "core/version.hpp"

namespace enrichd::control {

namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t longest_reply = 256u << 20; // lists of everything; collected in memory

http::client_settings settings_for(const std::string& socket) {
    http::client_settings s;
    s.server = http::unix_endpoint(socket);
    s.user_agent = fmt::format("enrichctl/{}", program_version());
    s.limits.connect = 5s;
    s.limits.header = 30s;
    s.limits.idle = 60s; // a stream without news sends an empty line every 15 s
    s.limits.total = std::nullopt;
    return s;
}

std::string text_of(const json& object, const char* name) {
    const auto at = object.find(name);
    if (at == object.end() || !at->is_string()) return {};
    return *at->get_ptr<const std::string*>();
}

// Puts pieces together to lines.
class line_splitter {
public:
    explicit line_splitter(line_sink sink) : sink_(std::move(sink)) {}

    awaitable<result<void>> take(std::span<const char> piece) {
        rest_.append(piece.data(), piece.size());
        for (auto end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n')) {
            const auto line = rest_.substr(0, end);
            rest_.erase(0, end + 1);
            if (!co_await sink_(line)) {
                enough_ = true;
                co_return error{errc::cancelled, "enough"};
            }
        }
        co_return result<void>();
    }

    bool enough() const { return enough_; }

private:
    line_sink sink_;
    std::string rest_;
    bool enough_ = false;
};

} // namespace

refusal read_refusal(const json& error_object) {
    const auto code = parse_errc(text_of(error_object, "code"));
    return {code.value_or(errc::internal), text_of(error_object, "message"), text_of(error_object, "hint")};
}

refusal read_refusal(const reply& r) {
    if (const auto at = r.body.find("error"); at != r.body.end() && at->is_object()) {
        auto told = read_refusal(*at);
        if (const auto word = text_of(*at, "code"); word == "body_too_large") told.code = errc::invalid_input;
        return told;
    }
    return {errc::internal, fmt::format("the daemon answered with HTTP {} and no reason", r.status), {}};
}

client::client(std::string socket) : socket_(std::move(socket)), http_(settings_for(socket_)) {}

awaitable<result<reply>> client::send(http::request r) {
    auto answer = co_await http_.send(std::move(r));
    if (!answer) co_return answer.error();
    reply out;
    out.status = answer->status;
    out.version = std::string(answer->find("Enrichd-Version").value_or(""));
    out.text = std::move(answer->body);
    out.body = json::parse(out.text, nullptr, false);
    if (out.body.is_discarded()) out.body = nullptr;
    co_return out;
}

awaitable<result<reply>> client::get(route_id route, std::string id, std::string query) {
    http::request r;
    r.target = target_of(route, id) + query;
    r.collect_limit = longest_reply;
    if (find_route(route).needs == access::operate) { // these look into the target, and may take their time
        r.limits = settings_for(socket_).limits;
        r.limits->header = 10min;
    }
    co_return co_await send(std::move(r));
}

awaitable<result<reply>> client::post(route_id route, std::string id, json body) {
    http::request r;
    r.method = "POST";
    r.target = target_of(route, id);
    r.headers.push_back({"Content-Type", "application/json"});
    r.body.emplace_back(body.dump(-1, ' ', false, json::error_handler_t::replace));
    r.collect_limit = longest_reply;
    r.limits = settings_for(socket_).limits;
    r.limits->header = 30min; // a plan of a million rows, an index on a large table
    co_return co_await send(std::move(r));
}

awaitable<result<reply>> client::stream(route_id route, std::string id, line_sink sink) {
    line_splitter lines(std::move(sink));
    http::request r;
    r.target = target_of(route, id);
    r.sink = [&lines](std::span<const char> piece) { return lines.take(piece); };
    auto answer = co_await send(std::move(r));
    if (!answer && lines.enough()) co_return reply{200, {}, nullptr, {}};
    co_return answer;
}

awaitable<result<reply>> client::download(route_id route, std::string id, std::string query, byte_sink sink) {
    http::request r;
    r.target = target_of(route, id) + query;
    r.sink = std::move(sink);
    r.limits = settings_for(socket_).limits;
    r.limits->header = 30min; // the copy of a large ledger, and its check
    co_return co_await send(std::move(r));
}

} // namespace enrichd::control

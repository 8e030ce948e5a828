// SPDX-License-Identifier: Apache-2.0
#include "daemon/provider/live_client.hpp"

#include "core/json_edge.hpp"
#include "daemon/provider/blot.hpp"
#include "daemon/provider/file_list.hpp"
#include "daemon/provider/multipart.hpp"
#include "daemon/provider/retry_after.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace enrichd::provider {

namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t page_size = 100;
constexpr std::uint64_t list_limit = 64 << 20; // a server may ignore `limit` and send all there is

http::client_settings connection_settings(asio::any_io_executor pool, const settings& s) {
    auto server = http::parse_base_url(s.base_url);
    if (!server) throw fatal_error(server.error());
    const bool clean =
        std::all_of(s.api_key.begin(), s.api_key.end(), [](char c) { return c > ' ' && c < 0x7f; });
    if (!clean)
        throw fatal_error(errc::invalid_input,
                          "the API key holds a space, a line break or another character that "
                          "no key has; look into the file or variable it comes from");
    return {.server = std::move(*server),
            .ca_file = s.ca_file,
            .limits = s.call,
            .user_agent = s.user_agent,
            .pool = std::move(pool)};
}

bool succeeded(const result<http::response>& answer) {
    return answer && answer->status / 100 == 2;
}

} // namespace

live_client::live_client(asio::any_io_executor pool, settings s)
    : pool_(std::move(pool)),
      settings_(std::move(s)),
      http_(connection_settings(pool_, settings_)),
      chance_(settings_.jitter_seed ? *settings_.jitter_seed : std::random_device{}()) {}

// A path segment or a query's value (RFC 3986, 2.3); ids of some servers hold '/' and '='.
std::string live_client::encoded(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                           c == '-' || c == '.' || c == '_' || c == '~';
        out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

http::request live_client::make_request(std::string method, std::string target) const {
    http::request r{.method = std::move(method), .target = std::move(target)};
    if (!settings_.api_key.empty()) r.headers.push_back({"Authorization", "Bearer " + settings_.api_key});
    return r;
}

// A success passes; anything else becomes the error that the contract names.
result<http::response> live_client::checked(result<http::response> answer, const http::request& r,
                                            call_kind kind) const {
    if (succeeded(answer)) return answer;
    const auto call = fmt::format("{} {}", r.method, r.target.substr(0, r.target.find('?')));
    error e = answer ? refusal(*answer, kind, call, std::chrono::system_clock::now()) : lost(answer.error());
    e.detail = without_key(std::move(e.detail), settings_.api_key);
    return e;
}

// Nothing: it is not worth it, or was tried often enough.
std::optional<milliseconds> live_client::wait_before_retry(const result<http::response>& answer,
                                                           int failures) {
    if (failures >= settings_.tries) return std::nullopt;
    if (answer ? !may_repeat(*answer) : !may_repeat(answer.error())) return std::nullopt;
    const auto asked = answer ? retry_after(*answer, std::chrono::system_clock::now()) : std::nullopt;
    if (asked && *asked > settings_.longest_retry_after) return std::nullopt;
    auto wait = settings_.first_retry_wait;
    for (int i = 1; i < failures && wait < settings_.longest_retry_wait; ++i)
        wait *= 2;
    wait = std::min(wait, settings_.longest_retry_wait);
    const double kept = 1.0 - std::uniform_real_distribution<double>(0.0, 0.25)(chance_);
    wait = milliseconds(static_cast<std::int64_t>(static_cast<double>(wait.count()) * kept));
    return std::max(wait, asked.value_or(milliseconds(0)));
}

awaitable<result<http::response>> live_client::send(const http::request& r) {
    auto answer = co_await http_.send(r);
    if (answer) answer->body = without_key(std::move(answer->body), settings_.api_key);
    co_return answer;
}

awaitable<bool> live_client::slept(milliseconds wait) {
    asio::steady_timer timer(co_await asio::this_coro::executor, wait);
    const auto [ec] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    co_return !ec;
}

// For what may be repeated: the last answer of all tries, whatever its status.
awaitable<result<http::response>> live_client::repeat(const http::request& r) {
    for (int failures = 0;;) {
        auto answer = co_await send(r);
        if (succeeded(answer)) co_return answer;
        const auto wait = wait_before_retry(answer, ++failures);
        if (!wait) co_return answer;
        if (!co_await slept(*wait)) co_return error{errc::cancelled, "cancelled"};
    }
}

awaitable<result<http::response>> live_client::read(std::string target) {
    auto r = make_request("GET", std::move(target));
    r.collect_limit = list_limit;
    auto answer = co_await repeat(r);
    co_return checked(std::move(answer), r, call_kind::read);
}

awaitable<result<remote_file>> live_client::upload(std::filesystem::path file, std::string filename) {
    std::error_code ec;
    const auto bytes = std::filesystem::file_size(file, ec);
    if (ec) co_return error{errc::io, fmt::format("{}: {}", file.string(), ec.message())};
    auto form = make_upload({file, bytes}, filename, random_boundary());
    auto r = make_request("POST", "/files");
    r.headers.push_back({"Content-Type", form.content_type});
    r.body = std::move(form.body);
    r.limits = settings_.upload;
    auto raw = co_await send(r);
    const auto answer = checked(std::move(raw), r, call_kind::upload);
    if (!answer) co_return answer.error();
    auto made = parse_file(answer->body);
    if (!made) co_return error{errc::provider_ambiguous, made.error().detail};
    if (made->bytes != 0 && made->bytes != bytes)
        co_return error{errc::provider_ambiguous, fmt::format("the provider has {} bytes of {}, {} were sent",
                                                              made->bytes, filename, bytes)};
    made->bytes = bytes;
    if (made->filename.empty()) made->filename = filename;
    co_return std::move(*made);
}

awaitable<result<std::vector<remote_file>>> live_client::find_files(std::string filename,
                                                                    std::uint64_t bytes) {
    auto found = co_await list_files(filename);
    if (!found) co_return found.error();
    std::erase_if(*found, [&](const auto& f) { return f.filename != filename || f.bytes != bytes; });
    std::stable_sort(found->begin(), found->end(),
                     [](const auto& a, const auto& b) { return a.created_at < b.created_at; });
    co_return found;
}

// A server may ignore `after` and send the same page again and again: a page without anything new is the
// last.
awaitable<result<std::vector<remote_file>>> live_client::list_files(std::string prefix) {
    std::vector<remote_file> found;
    std::set<std::string> seen;
    for (std::string after;;) {
        auto target = fmt::format("/files?purpose=batch&limit={}", page_size);
        if (!after.empty()) target += "&after=" + encoded(after);
        const auto answer = co_await read(target);
        if (!answer) co_return answer.error();
        auto page = parse_file_page(answer->body);
        if (!page) co_return page.error();
        bool news = false;
        for (auto& file : page->files) {
            after = file.id;
            if (!seen.insert(file.id).second) continue;
            news = true;
            if (file.filename.starts_with(prefix)) found.push_back(std::move(file));
        }
        if (!news || !page->has_more.value_or(page->files.size() >= page_size)) break;
    }
    co_return found;
}

awaitable<result<batch_object>> live_client::change_batch(const http::request& r, call_kind kind) {
    auto raw = co_await send(r);
    const auto answer = checked(std::move(raw), r, kind);
    if (!answer) co_return answer.error();
    auto batch = parse_batch(answer->body);
    if (!batch) co_return error{errc::provider_ambiguous, batch.error().detail};
    co_return std::move(*batch);
}

awaitable<result<batch_object>> live_client::create_batch(batch_order order) {
    nlohmann::json body = {{"input_file_id", order.input_file_id},
                           {"endpoint", order.endpoint},
                           {"completion_window", order.completion_window}};
    if (!order.metadata.empty()) body["metadata"] = order.metadata;
    auto r = make_request("POST", "/batches");
    r.headers.push_back({"Content-Type", "application/json"});
    r.body.emplace_back(body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    co_return co_await change_batch(r, call_kind::buy);
}

awaitable<result<batch_object>> live_client::cancel_batch(std::string id) {
    const auto r = make_request("POST", fmt::format("/batches/{}/cancel", encoded(id)));
    co_return co_await change_batch(r, call_kind::cancel);
}

awaitable<result<batch_object>> live_client::get_batch(std::string id) {
    const auto answer = co_await read("/batches/" + encoded(id));
    if (!answer) co_return answer.error();
    auto batch = parse_batch(answer->body);
    if (batch && batch->id != id)
        co_return error{errc::provider_invalid, fmt::format("asked for batch {}, the answer is about {}", id,
                                                            safe_excerpt(batch->id))};
    co_return batch;
}

awaitable<result<batch_list>> live_client::list_batches(std::string after) {
    auto target = fmt::format("/batches?limit={}", page_size);
    if (!after.empty()) target += "&after=" + encoded(after);
    const auto answer = co_await read(target);
    if (!answer) co_return answer.error();
    auto page = parse_batch_list(answer->body);
    if (page && !page->has_more) page->has_more = page->batches.size() >= page_size;
    co_return page;
}

awaitable<result<void>> live_client::delete_file(std::string id) {
    const auto r = make_request("DELETE", "/files/" + encoded(id));
    auto raw = co_await repeat(r);
    if (raw && raw->status == 404) co_return result<void>{};
    const auto answer = checked(std::move(raw), r, call_kind::read);
    if (!answer) co_return answer.error();
    co_return result<void>{};
}

} // namespace enrichd::provider

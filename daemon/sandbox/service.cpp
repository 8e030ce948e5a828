// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/service.hpp"

#include "daemon/sandbox/chat_request.hpp"
#include "daemon/sandbox/words.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include <charconv>

namespace asio = boost::asio;

namespace enrichd::sandbox {

namespace {

constexpr std::size_t threads = 2;

// "/v1/files/ID/content" behind the prefix, as ID and the rest.
struct tail {
    std::string id;
    std::string rest;
};
std::optional<tail> behind(std::string_view path, std::string_view prefix) {
    if (!path.starts_with(prefix)) return std::nullopt;
    path.remove_prefix(prefix.size());
    const auto slash = path.find('/');
    if (path.empty() || slash == 0) return std::nullopt;
    return tail{std::string(path.substr(0, slash)),
                slash == std::string_view::npos ? "" : std::string(path.substr(slash))};
}

asio::awaitable<void> wait(double seconds) {
    asio::steady_timer timer(co_await asio::this_coro::executor,
                             std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000)));
    co_await timer.async_wait(asio::use_awaitable);
}

// The reply of a status rule.
reply failure_of(const call_rule& rule) {
    const bool busy = rule.status == 429;
    reply out(rule.status, rule.body);
    if (out.body.empty())
        out =
            api_error(rule.status,
                      busy ? "Rate limit reached for requests."
                           : "The server had an error processing "
                             "your request.",
                      {}, busy ? "rate_limit_exceeded" : "server_error", busy ? "requests" : "server_error");
    if (rule.retry_after) {
        const auto ms = static_cast<std::int64_t>(*rule.retry_after * 1000);
        out.fields.emplace_back("Retry-After", std::to_string((ms + 999) / 1000));
        out.fields.emplace_back("retry-after-ms", std::to_string(ms));
    }
    return out;
}

} // namespace

service::service(asio::any_io_executor executor, service_options options)
    : options_(std::move(options)),
      store_(options_.data),
      seed_(store_.seed(options_.seed)),
      desk_(std::make_unique<fault_desk>(options_.faults, seed_)),
      pool_(threads),
      runner_(std::move(executor), pool_, store_, desk_, options_.clock, seed_) {}

std::optional<service::route> service::find_route(const http::server_request& in) {
    const std::string_view path = in.path;
    const bool get = in.method == "GET";
    const bool post = in.method == "POST";
    if (path == "/v1/files" && post) return route{operation::upload, {}};
    if (path == "/v1/files" && get) return route{operation::list_files, {}};
    if (path == "/v1/batches" && post) return route{operation::create, {}};
    if (path == "/v1/batches" && get) return route{operation::list, {}};
    if (path == "/v1/models" && get) return route{operation::models, {}};
    if (path == "/v1/embeddings" && post) return route{operation::embeddings, {}};
    if (path == "/v1/chat/completions" && post) return route{operation::chat, {}};
    if (const auto file = behind(path, "/v1/files/")) {
        if (file->rest.empty() && get) return route{operation::get_file, file->id};
        if (file->rest.empty() && in.method == "DELETE") return route{operation::delete_file, file->id};
        if (file->rest == "/content" && get) return route{operation::content, file->id};
    }
    if (const auto batch = behind(path, "/v1/batches/")) {
        if (batch->rest.empty() && get) return route{operation::get, batch->id};
        if (batch->rest == "/cancel" && post) return route{operation::cancel, batch->id};
    }
    if (const auto model = behind(path, "/v1/models/"); model && model->rest.empty() && get)
        return route{operation::models, model->id};
    return std::nullopt;
}

std::optional<api_error> service::check_key(const http::server_request& in) const {
    if (options_.api_key.empty() || in.field("Authorization") == "Bearer " + options_.api_key)
        return std::nullopt;
    if (!in.field("Authorization"))
        return api_error(
            401, "You didn't provide an API key. You need to provide your API key in an Authorization "
                 "header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).");
    return api_error(401,
                     "Incorrect API key provided. It is not the one that enrich-sandbox was started with.",
                     {}, "invalid_api_key");
}

asio::awaitable<void> service::handle(http::server_request& in, http::response_writer& out) {
    if (in.path == "/sandbox/truth" && in.method == "GET") {
        co_await send_truth(in, out);
        co_return;
    }
    if (in.path == "/sandbox/scenario" && in.method == "POST") {
        auto done = co_await swap_scenario(in);
        co_await send(std::move(done), out);
        co_return;
    }
    auto found = find_route(in);
    if (auto denied = check_key(in)) {
        co_await send(reply(*denied), out);
    } else if (found) {
        co_await serve_call(std::move(*found), in, out);
    } else {
        const api_error unknown(404, fmt::format("Invalid URL ({} {})", in.method, in.path));
        co_await send(reply(unknown), out);
    }
}

asio::awaitable<void> service::serve_call(route r, http::server_request& in, http::response_writer& out) {
    store_.count_call(r.op);
    const auto fault = desk_->on_call(r.op);
    if (fault.delay_seconds > 0) co_await wait(fault.delay_seconds);
    if (fault.bytes_per_second > 0) out.throttle(fault.bytes_per_second);
    if (fault.cut_after) out.cut_after(*fault.cut_after);
    reply done;
    if (!fault.failure || fault.failure->after_effect) done = co_await perform(r, in, fault);
    if (fault.failure && fault.failure->what == call_action::drop) {
        out.cut();
        co_return;
    }
    if (fault.failure) done = failure_of(*fault.failure);
    co_await send(std::move(done), out);
}

asio::awaitable<reply> service::perform(const route& r, http::server_request& in, const call_fault& fault) {
    switch (r.op) {
    case operation::upload: co_return co_await upload(in);
    case operation::list_files: co_return list_files(in);
    case operation::get_file: co_return get_file(r.id);
    case operation::delete_file: co_return delete_file(r.id);
    case operation::content: co_return content(in, r.id, fault);
    case operation::create: co_return co_await create_batch(in);
    case operation::get: co_return get_batch(r.id);
    case operation::list: co_return list_batches(in);
    case operation::cancel: co_return cancel_batch(r.id);
    case operation::models: co_return models(r.id);
    case operation::embeddings: co_return co_await direct(in, "/v1/embeddings");
    case operation::chat: co_return co_await direct(in, "/v1/chat/completions");
    }
    co_return reply();
}

asio::awaitable<void> service::send(reply r, http::response_writer& out) {
    r.fields.emplace_back("x-request-id", "req_" + hex_id(hash_of("request", seed_ + ++requests_)));
    r.fields.emplace_back("openai-version", "2020-10-01");
    // The peer may be gone by now: nobody is left to be told.
    if (r.file.empty())
        (void)co_await out.reply(r.status, "application/json", std::move(r.body), std::move(r.fields));
    else
        (void)co_await out.send_file(std::move(r.file), "application/octet-stream", std::move(r.fields),
                                     r.from);
}

boost::system::result<page_order, api_error> read_page(const http::server_request& in, std::size_t most) {
    page_order order;
    if (const auto limit = in.parameter("limit")) {
        const auto [end, ec] = std::from_chars(limit->data(), limit->data() + limit->size(), order.limit);
        if (ec != std::errc() || end != limit->data() + limit->size() || order.limit < 1 ||
            order.limit > most)
            return api_error(
                400,
                fmt::format("Invalid 'limit': expected a value from 1 to {}, but got '{}' instead.", most,
                            *limit),
                "limit", "invalid_value");
    }
    if (const auto after = in.parameter("after")) order.after = *after;
    if (const auto direction = in.parameter("order")) {
        if (*direction != "asc" && *direction != "desc")
            return api_error(400, "Invalid 'order': expected 'asc' or 'desc'.", "order", "invalid_value");
        order.newest_first = *direction == "desc";
    }
    return order;
}

} // namespace enrichd::sandbox

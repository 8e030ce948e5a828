// The Batches API.
// SPDX-License-Identifier: Apache-2.0
#include "core/json_edge.hpp"
#include "daemon/sandbox/api_objects.hpp"
#include "daemon/sandbox/service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace asio = boost::asio;

namespace enrichd::sandbox {

namespace {

using nlohmann::json;

constexpr std::size_t create_limit = 1024 * 1024; ///< bytes of a create call's body

// What the API takes; of these the sandbox plays two.
constexpr std::array endpoints = {
    "/v1/responses",   "/v1/chat/completions",   "/v1/embeddings",   "/v1/completions",
    "/v1/moderations", "/v1/images/generations", "/v1/images/edits", "/v1/videos"};

using wrong = std::optional<api_error>;

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// A string that must be there.
wrong read_text(const json& body, const char* name, std::string& out) {
    const auto at = body.find(name);
    if (at == body.end() || at->is_null())
        return api_error(400, fmt::format("Missing required parameter: '{}'.", name), name,
                         "missing_required_parameter");
    if (!at->is_string())
        return api_error(400,
                         fmt::format("Invalid type for '{}': expected a string, but got {} instead.", name,
                                     at->type_name()),
                         name, "invalid_type");
    out = at->get<std::string>();
    return std::nullopt;
}

wrong read_metadata(const json& body, std::string& out) {
    const auto at = body.find("metadata");
    out = "null";
    if (at == body.end() || at->is_null()) return std::nullopt;
    if (!at->is_object())
        return api_error(400, "Invalid type for 'metadata': expected an object.", "metadata", "invalid_type");
    if (at->size() > 16)
        return api_error(
            400,
            fmt::format("Invalid 'metadata': too many properties. Expected an object with at most 16 "
                        "properties, but got an object with {} properties instead.",
                        at->size()),
            "metadata", "object_above_max_properties");
    for (const auto& [key, value] : at->items()) {
        if (characters(key) > 64)
            return api_error(
                400,
                fmt::format("Invalid 'metadata': a key is too long. Expected at most 64 characters, "
                            "but got {}.",
                            characters(key)),
                "metadata", "string_above_max_length");
        const auto param = "metadata." + key;
        if (!value.is_string())
            return api_error(400,
                             fmt::format("Invalid type for '{}': expected a string, but got {} instead.",
                                         param, value.type_name()),
                             param, "invalid_type");
        if (characters(value.get_ref<const std::string&>()) > 512)
            return api_error(
                400,
                fmt::format("Invalid '{}': string too long. Expected a string with maximum length "
                            "512, but got a string with length {} instead.",
                            param, characters(value.get_ref<const std::string&>())),
                param, "string_above_max_length");
    }
    out = at->dump(-1, ' ', false, json::error_handler_t::replace);
    return std::nullopt;
}

wrong read_output_ttl(const json& body, std::int64_t& out) {
    const auto at = body.find("output_expires_after");
    if (at == body.end() || at->is_null()) return std::nullopt;
    const auto seconds = at->is_object() ? at->value("seconds", json()) : json();
    const auto anchor = at->is_object() ? at->value("anchor", json()) : json();
    out = seconds.is_number_integer() ? seconds.get<std::int64_t>() : 0;
    if (anchor == "created_at" && out >= 3600 && out <= 2'592'000) return std::nullopt;
    return api_error(400,
                     "Invalid 'output_expires_after': expected anchor 'created_at' and seconds from 3600 to "
                     "2592000.",
                     "output_expires_after", "invalid_value");
}

wrong read_order(const json& body, batch_record& b) {
    if (!body.is_object()) return api_error(400, "We could not parse the JSON body of your request.");
    if (auto e = read_text(body, "input_file_id", b.input_file_id)) return e;
    if (auto e = read_text(body, "endpoint", b.endpoint)) return e;
    if (auto e = read_text(body, "completion_window", b.completion_window)) return e;
    if (std::find(endpoints.begin(), endpoints.end(), b.endpoint) == endpoints.end())
        return api_error(400,
                         fmt::format("Invalid value: '{}'. Supported values are: '{}'.", b.endpoint,
                                     fmt::join(endpoints, "', '")),
                         "endpoint", "invalid_value");
    if (!is_played(b.endpoint))
        return api_error(
            400,
            fmt::format("enrich-sandbox plays /v1/chat/completions and /v1/embeddings, not '{}'.",
                        b.endpoint),
            "endpoint", "invalid_value");
    if (b.completion_window != "24h")
        return api_error(400, fmt::format("Invalid value: '{}'. Value must be '24h'.", b.completion_window),
                         "completion_window", "invalid_value");
    if (auto e = read_metadata(body, b.metadata)) return e;
    return read_output_ttl(body, b.output_ttl);
}

api_error no_such_batch(const std::string& id) {
    return {404, fmt::format("No batch found with id '{}'.", id)};
}

} // namespace

asio::awaitable<reply> service::create_batch(http::server_request& in) {
    const auto text = co_await in.read_text(create_limit);
    if (!text) co_return api_error(400, text.error().detail);
    batch_record b;
    if (auto e = read_order(parse_json(*text).value_or(json()), b)) co_return *e;
    const auto input = store_.file(b.input_file_id);
    if (!input)
        co_return api_error(
            400,
            fmt::format("Cannot find file {}, or project proj_sandbox does not have access to it.",
                        b.input_file_id),
            "file_id");
    if (input->purpose != "batch")
        co_return api_error(
            400,
            fmt::format("Invalid 'input_file_id': file {} has purpose '{}', expected 'batch'.",
                        b.input_file_id, input->purpose),
            "input_file_id", "invalid_value");
    b.id = store_.new_id("batch_");
    b.created_ms = wall_clock_ms();
    desk_->on_batch(b);
    store_.add_batch(b);
    runner_.start(b.id);
    co_return reply(200, text_of(batch_object(b), 2));
}

reply service::get_batch(const std::string& id) {
    const auto b = store_.batch(id);
    if (!b) return no_such_batch(id);
    return {200, text_of(batch_object(*b), 2)};
}

reply service::list_batches(const http::server_request& in) {
    const auto order = read_page(in, 100);
    if (!order) return order.error();
    if (!order->after.empty() && !store_.batch(order->after)) return no_such_batch(order->after);
    const auto found = store_.batches(*order, wall_clock_ms());
    std::vector<nlohmann::ordered_json> items;
    items.reserve(found.items.size());
    for (const auto& b : found.items)
        items.push_back(batch_object(b));
    return {200, text_of(list_object(std::move(items), found.has_more))};
}

reply service::cancel_batch(const std::string& id) {
    auto b = store_.batch(id);
    if (!b) return no_such_batch(id);
    if (is_end(b->status))
        return api_error(409, fmt::format("Cannot cancel a batch with status '{}'.", name(b->status)));
    if (b->status != phase::cancelling) {
        b->status = phase::cancelling;
        b->cancelling_ms = wall_clock_ms();
        store_.save(*b);
        runner_.wake(id);
    }
    return {200, text_of(batch_object(*b))};
}

} // namespace enrichd::sandbox

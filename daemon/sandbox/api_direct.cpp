// Models, calls without a batch, and the sandbox's own paths.
// SPDX-License-Identifier: Apache-2.0
#include "core/json_edge.hpp"
#include "daemon/sandbox/api_objects.hpp"
#include "daemon/sandbox/chat_request.hpp"
#include "daemon/sandbox/service.hpp"
#include "daemon/sandbox/words.hpp"

#include <fmt/format.h>

namespace asio = boost::asio;

namespace enrichd::sandbox {

namespace {

constexpr std::size_t direct_limit = 64 * 1024 * 1024; ///< bytes of a request's body
constexpr std::size_t scenario_limit = 1024 * 1024;

struct direct_work {
    std::string endpoint;
    std::string body;
    std::uint64_t id = 0;
    std::int64_t now = 0;

    answer operator()(token_bench& bench) const {
        const auto parsed = parse_json(body).value_or(nlohmann::json());
        if (!parsed.is_object()) {
            const api_error e(
                400, "We could not parse the JSON body of your request. (HINT: This likely means you "
                     "aren't using your HTTP library correctly.)");
            return {e.status, body_of(e), {}};
        }
        return answer_request(endpoint, {parsed, id, now, model_fault::none, false}, bench);
    }
};

nlohmann::ordered_json truth_of(const batch_record& b) {
    auto out = batch_object(b);
    out["created_ms"] = b.created_ms;
    nlohmann::ordered_json billed;
    billed["input_tokens"] = b.billed.input;
    billed["output_tokens"] = b.billed.output;
    billed["reasoning_tokens"] = b.billed.reasoning;
    out["billed"] = std::move(billed);
    // As they are, whatever faults show to clients.
    out["true_output_file_id"] = b.output_file_id ? nlohmann::ordered_json(*b.output_file_id) : nullptr;
    out["true_error_file_id"] = b.error_file_id ? nlohmann::ordered_json(*b.error_file_id) : nullptr;
    return out;
}

std::string billed_text(const std::vector<billed_line>& lines) {
    std::string out = "{";
    for (const auto& line : lines)
        out += fmt::format("{}{}:{{\"input_tokens\":{},\"output_tokens\":{}}}", out.size() > 1 ? "," : "",
                           text_of(nlohmann::ordered_json(line.custom_id)), line.billed.input,
                           line.billed.output);
    return out + "}";
}

} // namespace

reply service::models(const std::string& id) {
    if (id.empty()) {
        nlohmann::ordered_json out;
        out["object"] = "list";
        out["data"] = nlohmann::ordered_json::array();
        for (const auto& m : played_models())
            out["data"].push_back(model_object(m));
        return {200, text_of(out)};
    }
    const auto* m = find_model(id);
    if (!m)
        return api_error(404,
                         fmt::format("The model '{}' does not exist or you do not have access to it.", id),
                         "model", "model_not_found");
    return {200, text_of(model_object(*m))};
}

asio::awaitable<reply> service::direct(http::server_request& in, std::string endpoint) {
    auto body = co_await in.read_text(direct_limit);
    if (!body) co_return api_error(413, body.error().detail);
    direct_work work{std::move(endpoint), std::move(*body), hash_of("direct", seed_ + requests_),
                     wall_clock_ms() / 1000};
    auto got = co_await pool_.run(std::move(work));
    co_return reply(got.status, std::move(got.body));
}

// Streamed: batch by batch, since every custom_id is in it.
asio::awaitable<void> service::send_truth(http::server_request& in, http::response_writer& out) {
    const bool lines = in.parameter("custom_ids") != "0";
    nlohmann::ordered_json files = nlohmann::ordered_json::array();
    page_order all;
    all.newest_first = false;
    all.limit = 1'000'000;
    for (const auto& f : store_.files(all, "").items)
        files.push_back(file_object(f));
    nlohmann::ordered_json calls;
    for (auto o : all_operations)
        calls[std::string(name(o))] = store_.calls(o);
    std::string head = fmt::format("{{\"seed\":{},\"calls\":{},\"files\":{},\"batches\":[", seed_,
                                   text_of(calls), text_of(files));
    if (!co_await out.begin(200, "application/json")) co_return;
    if (!co_await out.write(head)) co_return;
    bool first = true;
    for (const auto& id : store_.batch_ids()) {
        const auto b = store_.batch(id);
        if (!b) continue;
        auto piece = (first ? "" : ",") + text_of(truth_of(*b));
        first = false;
        if (lines) {
            piece.pop_back();
            piece += ",\"billed_by_custom_id\":" + billed_text(store_.billed(*b)) + "}";
        }
        if (!co_await out.write(piece)) co_return;
    }
    (void)co_await out.write("]}\n");
    (void)co_await out.finish();
}

asio::awaitable<reply> service::swap_scenario(http::server_request& in) {
    const auto text = co_await in.read_text(scenario_limit);
    if (!text) co_return api_error(413, text.error().detail);
    auto next = parse_scenario(*text, "scenario");
    if (!next) co_return api_error(400, next.error().detail, {}, "invalid_scenario");
    desk_ = std::make_unique<fault_desk>(std::move(*next), seed_);
    co_return reply(200, "{\"ok\":true}\n");
}

} // namespace enrichd::sandbox

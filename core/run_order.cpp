// SPDX-License-Identifier: Apache-2.0
#include "core/run_order.hpp"

#include "core/json_edge.hpp"

#include <fmt/format.h>

namespace enrichd {

namespace {

using json = nlohmann::json;

error unreadable(std::string_view field) {
    return {errc::internal, fmt::format("the ledger's order of a run is not readable: {}", field)};
}

bool read_kinds(const json& j, run_order& order) {
    const auto* kinds = member(j, "kinds");
    if (!kinds || !kinds->is_array()) return false;
    for (const auto& word : *kinds) {
        const auto k = word.is_string() ? parse_kind(word.get_ref<const std::string&>()) : std::nullopt;
        if (!k) return false;
        order.kinds.push_back(*k);
    }
    return true;
}

bool read_authorities(const json& j, run_order& order) {
    const auto* authorities = member(j, "authorities");
    if (!authorities || !authorities->is_array()) return false;
    for (const auto& name : *authorities) {
        if (!name.is_string()) return false;
        order.authorities.push_back(name.get<std::string>());
    }
    return true;
}

// A member that may be null, but not of another type.

bool read_since(const json& j, run_order& order) {
    const auto* since = member(j, "since_ms");
    if (!since) return true;
    if (!since->is_number_integer()) return false;
    order.since_ms = since->get<std::int64_t>();
    return true;
}

bool read_limit(const json& j, run_order& order) {
    const auto* limit = member(j, "limit");
    if (!limit) return true;
    if (!limit->is_number_unsigned()) return false;
    order.limit = limit->get<std::uint64_t>();
    return true;
}

bool read_budget(const json& j, run_order& order) {
    const auto* budget = member(j, "budget_usd");
    if (!budget) return true;
    if (budget->is_string()) order.budget = parse_dollars(budget->get_ref<const std::string&>());
    return order.budget.has_value();
}

} // namespace

std::string_view command_of(const run_order& order, bool goes_on_by_itself) {
    if (!order.adopted_batch.empty()) return "adopt";
    return goes_on_by_itself ? "run" : "build";
}

std::string to_json(const run_order& order) {
    json kinds = json::array();
    for (const auto k : order.kinds)
        kinds.push_back(name(k));
    const json j = {{"kinds", kinds},
                    {"since_ms", order.since_ms ? json(*order.since_ms) : json(nullptr)},
                    {"limit", order.limit ? json(*order.limit) : json(nullptr)},
                    {"authorities", order.authorities},
                    {"budget_usd", order.budget ? json(exact_dollars(*order.budget)) : json(nullptr)},
                    {"profile", order.profile},
                    {"refresh_legacy", order.refresh_legacy},
                    {"adopted_batch", order.adopted_batch}};
    return j.dump();
}

result<run_order> read_order(std::string_view text) {
    const auto j = parse_json(text);
    if (!j || !j->is_object()) return unreadable("no JSON object");
    run_order order;
    if (!read_kinds(*j, order)) return unreadable("kinds");
    if (!read_since(*j, order)) return unreadable("since_ms");
    if (!read_limit(*j, order)) return unreadable("limit");
    if (!read_authorities(*j, order)) return unreadable("authorities");
    if (!read_budget(*j, order)) return unreadable("budget_usd");
    const auto profile = text_member(*j, "profile");
    if (profile != "full" && profile != "test") return unreadable("profile");
    order.profile = *profile;
    const auto* refresh = member(*j, "refresh_legacy");
    if (!refresh || !refresh->is_boolean()) return unreadable("refresh_legacy");
    order.refresh_legacy = refresh->get<bool>();
    order.adopted_batch = text_member(*j, "adopted_batch").value_or("");
    return order;
}

} // namespace enrichd

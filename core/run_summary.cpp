// SPDX-License-Identifier: Apache-2.0
#include "core/run_summary.hpp"

#include "core/json_edge.hpp"

#include <algorithm>

namespace enrichd {

namespace {

using json = nlohmann::json;

// Each count with its name, for writing and reading alike.
constexpr struct {
    const char* name;
    std::int64_t row_counts::*field;
} row_fields[] = {
    {"seen", &row_counts::seen},
    {"selected", &row_counts::selected},
    {"done", &row_counts::done},
    {"legacy", &row_counts::legacy},
    {"kept", &row_counts::kept},
    {"no_text", &row_counts::no_text},
    {"too_short", &row_counts::too_short},
    {"in_flight", &row_counts::in_flight},
    {"quarantined", &row_counts::quarantined},
    {"identical", &row_counts::identical},
};

constexpr struct {
    const char* name;
    std::uint64_t file_totals::*field;
} total_fields[] = {
    {"requests", &file_totals::requests},
    {"bytes", &file_totals::bytes},
    {"embedding_inputs", &file_totals::embedding_inputs},
    {"reply_bytes", &file_totals::reply_bytes},
    {"input_tokens", &file_totals::input_tokens},
    {"output_cap", &file_totals::output_cap},
};

// What no run comes near, so that what is added up does not overflow whatever the ledger's column holds.
constexpr std::int64_t largest_count = 1'000'000'000'000'000'000;

std::int64_t count(const json& j, std::string_view key) {
    return std::clamp<std::int64_t>(integer_member(j, key).value_or(0), 0, largest_count);
}

std::int64_t sum(std::int64_t a, std::int64_t b) {
    return std::min(a + b, largest_count); // both are at most that
}

std::string text(const json& j, std::string_view key) {
    return text_member(j, key).value_or("");
}

// What was written as an array; anything else reads as an empty one.
const json& list(const json& j, std::string_view key) {
    static const json nothing = json::array();
    const auto* found = member(j, key);
    return found && found->is_array() ? *found : nothing;
}

json to_object(const kind_summary& k) {
    json rows = json::object();
    for (const auto& f : row_fields)
        rows[f.name] = k.rows.*f.field;
    json totals = {{"bound_pd", k.totals.bound.picodollars}};
    for (const auto& f : total_fields)
        totals[f.name] = k.totals.*f.field;
    // A list, not an object by name: names that are no UTF-8 may become equal when they are written.
    json authorities = json::array();
    for (const auto& [name, a] : k.authorities)
        authorities.push_back({{"authority", name},
                               {"rows", a.rows},
                               {"requests", a.requests},
                               {"input_tokens", a.input_tokens},
                               {"bound_pd", a.bound.picodollars}});
    return {{"kind", name(k.kind)},
            {"model", k.model},
            {"version", k.version},
            {"rows", rows},
            {"totals", totals},
            {"files", k.files},
            {"replaced_texts", k.replaced_texts},
            {"in_flight_jobs", k.in_flight_jobs},
            {"authorities", authorities},
            {"warnings", k.warnings}};
}

void read_authorities(const json& j, kind_summary& k) {
    for (const auto& entry : list(j, "authorities")) {
        auto& a = k.authorities[text(entry, "authority")];
        a.rows = sum(a.rows, count(entry, "rows"));
        a.requests = sum(a.requests, count(entry, "requests"));
        a.input_tokens = sum(a.input_tokens, count(entry, "input_tokens"));
        a.bound = {sum(a.bound.picodollars, count(entry, "bound_pd"))};
    }
}

kind_summary read_kind(const json& j) {
    kind_summary k;
    k.kind = parse_kind(text(j, "kind")).value_or(kind::summaries);
    k.model = text(j, "model");
    k.version = text(j, "version");
    if (const auto* rows = member(j, "rows"))
        for (const auto& f : row_fields)
            k.rows.*f.field = count(*rows, f.name);
    if (const auto* totals = member(j, "totals")) {
        for (const auto& f : total_fields)
            k.totals.*f.field = static_cast<std::uint64_t>(count(*totals, f.name));
        k.totals.bound = money{count(*totals, "bound_pd")};
    }
    k.files = count(j, "files");
    k.replaced_texts = count(j, "replaced_texts");
    for (const auto& id : list(j, "in_flight_jobs"))
        if (id.is_number_integer()) k.in_flight_jobs.insert(id.get<std::int64_t>());
    read_authorities(j, k);
    for (const auto& warning : list(j, "warnings"))
        if (warning.is_string()) k.warnings.push_back(warning.get<std::string>());
    return k;
}

} // namespace

money run_summary::bound() const {
    money sum;
    for (const auto& k : kinds)
        sum += k.totals.bound;
    return sum;
}

std::map<kind, money> run_summary::bounds() const {
    std::map<kind, money> all;
    for (const auto& k : kinds)
        all[k.kind] += k.totals.bound;
    return all;
}

std::uint64_t run_summary::requests() const {
    std::uint64_t sum = 0;
    for (const auto& k : kinds)
        sum += k.totals.requests;
    return sum;
}

std::string to_json(const run_summary& s) {
    json kinds = json::array();
    for (const auto& k : s.kinds)
        kinds.push_back(to_object(k));
    const json j = {{"kinds", kinds}, {"would_fit", s.would_fit ? json(*s.would_fit) : json(nullptr)}};
    return j.dump(-1, ' ', false, json::error_handler_t::replace);
}

run_summary read_summary(std::string_view text) {
    run_summary s;
    const auto j = parse_json(text);
    if (!j) return s;
    for (const auto& k : list(*j, "kinds"))
        s.kinds.push_back(read_kind(k));
    if (member(*j, "would_fit")) s.would_fit = count(*j, "would_fit");
    return s;
}

} // namespace enrichd

// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/killer/plan.hpp"

#include <fmt/format.h>

#include <cctype>
#include <random>
#include <set>
#include <string_view>

namespace enrichd::killer {

namespace {

using nlohmann::json;

// One to three events out of the first ones, so that each fault hits somebody and none hits for ever.
json some(chance& c, int among) {
    std::set<std::int64_t> numbers;
    for (auto n = c.number(1, 3); n > 0; --n)
        numbers.insert(c.number(1, among));
    return numbers;
}

constexpr std::string_view signs_of_key = R"(/@"%&+\)"; // a header holds no space at a word's end
constexpr std::string_view signs_of_password = R"(/@"%&+\ )";

std::vector<std::string> parts_of_secret(const char* beginning, std::size_t n, std::uint64_t seed) {
    std::mt19937_64 numbers(seed * 0x9e3779b97f4a7c15U + static_cast<unsigned char>(beginning[1]));
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < n; ++i)
        parts.push_back(fmt::format("{}{:010x}", beginning, numbers() >> 24));
    return parts;
}

std::string joined(const std::vector<std::string>& parts, std::string_view signs) {
    auto all = parts.front();
    for (std::size_t i = 0; i < signs.size(); ++i)
        all += signs[i] + parts[i + 1];
    return all;
}

// By what a careless server may have it from: the header, a URL, or a request that it shows as JSON.
std::string as_told(const std::string& key, std::uint64_t seed) {
    if (seed % 3 == 1) return percent_encoded(key);
    return seed % 3 == 2 ? json(key).dump() : key;
}

void draw_calls(chance& c, round_plan& p, json& rules) {
    if (c.one_in(2))
        rules.push_back({{"on", "create"}, {"nth", some(c, 6)}, {"do", "drop"}, {"when", "after"}});
    if (c.one_in(2))
        rules.push_back({{"on", "create"}, {"nth", some(c, 6)}, {"do", "drop"}, {"when", "before"}});
    if (c.one_in(3))
        rules.push_back(
            {{"on", "create"}, {"nth", some(c, 6)}, {"do", "cut"}, {"after_bytes", c.number(0, 900)}});
    if (c.one_in(3)) {
        const auto nth = some(c, 6);
        // A daemon that is killed meanwhile leaves a batch that is made later; one that a lost ledger was to
        // know.
        p.creates_late = p.fate == ledger_fate::kept;
        if (p.creates_late)
            rules.push_back({{"on", "create"}, {"nth", nth}, {"do", "delay"}, {"seconds", 0.3}});
    }
    if (c.one_in(2))
        rules.push_back({{"on", "upload"}, {"nth", some(c, 6)}, {"do", "status"}, {"status", 503}});
    if (c.one_in(3))
        rules.push_back({{"on", "upload"}, {"nth", some(c, 6)}, {"do", "drop"}, {"when", "after"}});
    if (c.one_in(2))
        rules.push_back({{"on", "get"}, {"probability", 0.2}, {"do", "status"}, {"status", 500}});
    if (c.one_in(2))
        rules.push_back({{"on", "list"}, {"nth", some(c, 5)}, {"do", "status"}, {"status", 502}});
    if (c.one_in(2))
        rules.push_back(
            {{"on", "content"}, {"nth", some(c, 6)}, {"do", "cut"}, {"after_bytes", c.number(0, 9000)}});
    if (c.one_in(4)) rules.push_back({{"on", "content"}, {"nth", some(c, 6)}, {"do", "no_range"}});
    // A careless provider repeats what it was sent.
    if (c.one_in(3)) {
        const auto complaint = fmt::format("Incorrect API key provided: {}. Look at your account.",
                                           as_told(p.api_key(), p.seed));
        rules.push_back({{"on", c.one_in(2) ? "get" : "content"},
                         {"nth", some(c, 8)},
                         {"do", "status"},
                         {"status", 401},
                         {"body", {{"error", {{"message", complaint}, {"code", "invalid_api_key"}}}}}});
    }
}

void draw_batches(chance& c, round_plan& p, json& rules) {
    if (c.one_in(2)) { // which batches' replies a kill will lose, nobody knows
        rules.push_back({{"on", "batch"}, {"every", 1}, {"do", "list_lag"}, {"calls", c.number(1, 2)}});
        p.hides_batches = p.creates_late; // looks are over before what comes late has shown
    }
    if (c.one_in(3))
        rules.push_back({{"on", "batch"}, {"nth", some(c, 6)}, {"do", "expire"}, {"fraction", c.real()}});
    if (c.one_in(5))
        rules.push_back({{"on", "batch"}, {"nth", some(c, 6)}, {"do", "cancel"}, {"fraction", c.real()}});
    if (c.one_in(5)) rules.push_back({{"on", "batch"}, {"nth", some(c, 6)}, {"do", "fail"}});
    if (c.one_in(4)) rules.push_back({{"on", "batch"}, {"nth", some(c, 6)}, {"do", "reorder"}});
    // All looks and one more, and its answer is lost. A ledger that is lost too would know of none of that.
    if (c.one_in(8) && p.fate == ledger_fate::kept) {
        const auto nth = some(c, 6);
        rules.push_back({{"on", "batch"}, {"nth", nth}, {"do", "list_lag"}, {"calls", 4}});
        rules.push_back({{"on", "create"}, {"nth", nth}, {"do", "drop"}, {"when", "after"}});
        p.hides_batches = true;
    }
}

void draw_lines(chance& c, round_plan& p, json& rules) {
    if (c.one_in(2)) return;
    for (const auto* what : {"missing", "garbled", "duplicate", "unknown_id", "status"})
        if (c.one_in(2)) {
            rules.push_back({{"on", "line"}, {"batch", some(c, 8)}, {"nth", some(c, 6)}, {"do", what}});
            p.keeps_results = true; // they show whose answers were lost
        }
}

// Dice of its own: what else happens is the same with or without it.
void draw_fate(round_plan& p) {
    chance c(p.seed * 2 + 0x10ad);
    if (!c.one_in(2)) return;
    p.fate = c.one_in(2) ? ledger_fate::lost : ledger_fate::restored;
    p.lost_at = static_cast<int>(c.number(2, p.deeds - 1));
    p.copied_at = static_cast<int>(c.number(0, p.lost_at - 1));
    p.loses_spool = c.one_in(2);
}

// What a gateway answers while it is restarted: to calls that a lost ledger is made anew from, above all.
void draw_gateway(chance& c, json& rules) {
    for (const auto* call : {"list", "get", "content", "get_file"})
        if (c.one_in(3))
            rules.push_back(
                {{"on", call}, {"nth", some(c, 12)}, {"do", "status"}, {"status", c.one_in(2) ? 404 : 500}});
}

} // namespace

std::vector<std::string> round_plan::api_key_parts() const {
    return parts_of_secret("ck", signs_of_key.size() + 1, seed);
}

std::vector<std::string> round_plan::password_parts() const {
    return parts_of_secret("cw", signs_of_password.size() + 1, seed);
}

std::string round_plan::api_key() const {
    return "sk-" + joined(api_key_parts(), signs_of_key);
}

std::string round_plan::password_text() const {
    return joined(password_parts(), signs_of_password);
}

std::string percent_encoded(const std::string& text) {
    std::string out;
    for (const char c : text) {
        const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-';
        out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

round_plan draw_plan(std::uint64_t seed) {
    chance c(seed * 2 + 0x6b11);
    round_plan p;
    p.seed = seed;
    p.postgres = !c.one_in(3);
    p.rows = static_cast<int>(c.number(20, 60));
    p.deeds = static_cast<int>(c.number(8, 20));
    p.batch_seconds = fmt::format("{:.1f}", c.one_in(3) ? 0.0 : c.real() * 2);
    p.max_requests = static_cast<int>(c.number(4, 25));
    p.merge_rows = static_cast<int>(c.number(1, 12));
    p.key_in_file = c.one_in(2);
    p.url_in_environment = c.one_in(2);
    p.password = c.one_in(2) ? password_place::word : password_place::user;
    p.keeps_results = c.one_in(2);
    if (seed % 3 == 0) p.password = password_place::environment;
    draw_fate(p);
    auto rules = json::array();
    draw_calls(c, p, rules);
    draw_batches(c, p, rules);
    draw_lines(c, p, rules);
    if (p.fate != ledger_fate::kept) draw_gateway(c, rules);
    p.scenario = {{"seed", seed % 1'000'000}, {"rules", rules}};
    return p;
}

std::string to_string(const round_plan& p) {
    const auto* fate = p.fate == ledger_fate::lost       ? ", ledger lost"
                       : p.fate == ledger_fate::restored ? ", ledger restored"
                                                         : "";
    return fmt::format("{}, {} rows, {} rules{}{}{}", p.postgres ? "PostgreSQL" : "SQLite", p.rows,
                       p.scenario["rules"].size(), p.hides_batches ? ", batches hidden" : "", fate,
                       *fate && p.loses_spool ? " with the spool" : "");
}

} // namespace enrichd::killer

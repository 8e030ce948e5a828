// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/scenario.hpp"

#include "core/json_edge.hpp"
#include "daemon/sandbox/scenario_fields.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace enrichd::sandbox {

namespace {

using nlohmann::json;

const std::vector<std::string> any_call_words = {"status", "drop", "cut", "delay", "slow"};
const std::vector<std::string> call_words = {"status", "drop",     "cut",       "delay",
                                             "slow",   "no_range", "other_file"};
const std::vector<std::string> batch_words = {"fail",         "expire",           "cancel",
                                              "never_finish", "seconds",          "list_lag",
                                              "reorder",      "null_output_file", "empty_error_file_id"};
const std::vector<std::string> line_words = {"missing", "duplicate",        "garbled", "unknown_id",
                                             "status",  "refusal",          "length",  "content_filter",
                                             "empty",   "wrong_dimensions", "nulls"};
const std::vector<std::string> endpoint_words = {"/v1/embeddings", "/v1/chat/completions"};

// What an upload may be followed by: every word that "on" knows.
std::vector<std::string> on_words() {
    std::vector<std::string> words;
    for (auto o : all_operations)
        words.emplace_back(name(o));
    words.insert(words.end(), {"batch", "line"});
    return words;
}

occurrence read_occurrence(scenario_fields& f) {
    occurrence o;
    o.nth = f.counts("nth");
    o.every = f.count("every", 1, 0);
    o.probability = f.number("probability", 0, 1, 1);
    o.times = f.count("times", 1, 0);
    return o;
}

std::string read_endpoint(scenario_fields& f) {
    const auto index = f.word("endpoint", endpoint_words, false);
    return index ? endpoint_words[*index] : std::string();
}

void read_call(scenario_fields& f, operation on, scenario& out) {
    call_rule rule;
    rule.on = on;
    rule.when = read_occurrence(f);
    const auto what = f.word("do", on == operation::content ? call_words : any_call_words);
    if (!what) return;
    rule.what = static_cast<call_action>(*what);
    if (rule.what == call_action::status || rule.what == call_action::drop)
        rule.after_effect = f.word("when", {"before", "after"}, false) == std::size_t{1};
    if (rule.what == call_action::status) {
        rule.status = static_cast<int>(f.count("status", 400, 500, 599));
        rule.body = f.raw("body");
        if (f.has("retry_after")) rule.retry_after = f.number("retry_after", 0, 86'400, 1);
    }
    if (rule.what == call_action::cut) rule.bytes = f.count("after_bytes", 0, 0);
    if (rule.what == call_action::slow) rule.bytes = f.count("bytes_per_second", 1, 1000);
    if (rule.what == call_action::delay) rule.seconds = f.number("seconds", 0, 86'400, 1);
    f.finish();
    out.calls.push_back(std::move(rule));
}

void read_batch(scenario_fields& f, scenario& out) {
    batch_rule rule;
    rule.when = read_occurrence(f);
    rule.endpoint = read_endpoint(f);
    const auto what = f.word("do", batch_words);
    if (!what) return;
    rule.what = static_cast<batch_action>(*what);
    switch (rule.what) {
    case batch_action::fail:
        rule.code = f.text("code", "invalid_request");
        rule.message = f.text("message");
        break;
    case batch_action::expire:
    case batch_action::cancel: rule.fraction = f.number("fraction", 0, 1, 0.5); break;
    case batch_action::never_finish: rule.fraction = f.number("fraction", 0, 1, 0); break;
    case batch_action::seconds: rule.seconds = f.number("seconds", 0, 86'400, 0); break;
    case batch_action::list_lag:
        rule.seconds = f.number("seconds", 0, 86'400, 0);
        rule.calls = f.count("calls", 1, 0);
        if (rule.seconds == 0 && rule.calls == 0) f.mistake("do", "list_lag wants \"seconds\" or \"calls\"");
        break;
    case batch_action::reorder:
    case batch_action::null_output_file:
    case batch_action::empty_error_file_id: break;
    }
    f.finish();
    out.batches.push_back(std::move(rule));
}

void read_line(scenario_fields& f, scenario& out) {
    line_rule rule;
    rule.when = read_occurrence(f);
    rule.endpoint = read_endpoint(f);
    rule.batches = f.counts("batch");
    rule.custom_id = f.text("custom_id");
    rule.contains = f.text("contains");
    const auto what = f.word("do", line_words);
    if (!what) return;
    rule.what = static_cast<line_action>(*what);
    if (rule.what == line_action::status) {
        // 0 is a real one: lines that say they completed, with status_code 0.
        rule.status = static_cast<int>(f.count("status", 0, 500, 599));
        if (rule.status == 200) f.mistake("status", "expected a failure's status, got 200");
        rule.code = f.text("code");
        rule.message = f.text("message");
    }
    f.finish();
    out.lines.push_back(std::move(rule));
}

void read_rules(const json& rules, scenario& out, std::vector<std::string>& mistakes) {
    if (!rules.is_array()) {
        mistakes.push_back(fmt::format("rules: expected a list of objects, got {}", quoted(rules)));
        return;
    }
    const auto words = on_words();
    for (std::size_t i = 0; i < rules.size(); ++i) {
        const auto place = fmt::format("rules[{}]", i);
        if (!rules[i].is_object()) {
            mistakes.push_back(fmt::format("{}: expected an object, got {}", place, quoted(rules[i])));
            continue;
        }
        scenario_fields f(rules[i], place, mistakes);
        const auto on = f.word("on", words);
        if (!on) continue;
        if (*on < std::size(all_operations))
            read_call(f, all_operations[*on], out);
        else if (words[*on] == "batch")
            read_batch(f, out);
        else
            read_line(f, out);
    }
}

void read_quotas(const json& quotas, scenario& out, std::vector<std::string>& mistakes) {
    if (!quotas.is_object()) {
        mistakes.push_back(
            fmt::format("quotas: expected an object of model: tokens, got {}", quoted(quotas)));
        return;
    }
    scenario_fields f(quotas, "quotas", mistakes);
    for (const auto& [model, tokens] : quotas.items())
        out.quotas[model] = f.count(model, 1, 0);
}

// Says where a text stops being JSON, without an exception.
class position_finder : public nlohmann::json_sax<json> {
public:
    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t) override { return true; }
    bool number_unsigned(number_unsigned_t) override { return true; }
    bool number_float(number_float_t, const string_t&) override { return true; }
    bool string(string_t&) override { return true; }
    bool binary(binary_t&) override { return true; }
    bool start_object(std::size_t) override { return true; }
    bool key(string_t&) override { return true; }
    bool end_object() override { return true; }
    bool start_array(std::size_t) override { return true; }
    bool end_array() override { return true; }
    bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
        at = position;
        return false;
    }
    std::size_t at = 0; ///< counted from 1
};

error no_json(std::string_view text, std::string_view file_name) {
    position_finder finder;
    json::sax_parse(text, &finder);
    const auto before = text.substr(0, finder.at > 0 ? finder.at - 1 : 0);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const auto column =
        before.size() - (before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1) + 1;
    return {errc::invalid_input,
            fmt::format("{}:{}:{}: is no JSON here; check the commas, quotes and brackets before "
                        "it",
                        file_name, line, column)};
}

} // namespace

std::string_view name(operation o) {
    switch (o) {
    case operation::upload: return "upload";
    case operation::list_files: return "list_files";
    case operation::get_file: return "get_file";
    case operation::delete_file: return "delete_file";
    case operation::content: return "content";
    case operation::create: return "create";
    case operation::get: return "get";
    case operation::list: return "list";
    case operation::cancel: return "cancel";
    case operation::models: return "models";
    case operation::embeddings: return "embeddings";
    case operation::chat: return "chat";
    }
    return "";
}

result<scenario> parse_scenario(std::string_view text, std::string_view file_name) {
    const auto parsed = parse_json(text);
    if (!parsed && json::accept(text))
        return error{errc::invalid_input, fmt::format("{}: is nested deeper than any scenario", file_name)};
    if (!parsed) return no_json(text, file_name);
    const auto& root = *parsed;
    if (!root.is_object())
        return error{errc::invalid_input,
                     fmt::format("{}: expected an object, got {}", file_name, quoted(root))};
    scenario out;
    std::vector<std::string> mistakes;
    scenario_fields f(root, "", mistakes);
    out.seed = f.count("seed", 0, 0);
    (void)f.raw("rules");
    (void)f.raw("quotas");
    (void)f.text("about"); // a remark for people
    if (f.has("rules")) read_rules(root["rules"], out, mistakes);
    if (f.has("quotas")) read_quotas(root["quotas"], out, mistakes);
    f.finish();
    if (mistakes.empty()) return out;
    std::string detail;
    for (const auto& m : mistakes)
        detail += fmt::format("{}{}: {}", detail.empty() ? "" : "\n", file_name, m);
    return error{errc::invalid_input, std::move(detail)};
}

} // namespace enrichd::sandbox

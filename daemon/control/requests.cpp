// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/requests.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>

#include "core/iso_time.hpp"
#include "core/json_edge.hpp"
#include "core/suggest.hpp"

namespace enrichd::control {

namespace {

constexpr int deepest = 8;

/// Takes fields out of an object one by one; what is left over at the end is unknown.
class body_reader {
public:
    explicit body_reader(std::string_view body) {
        if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) body = "{}";
        // Not deeper than any body of ours: what shows a value in a complaint goes as deep as the value does.
        body_ = parse_json(body, deepest).value_or(json());
        if (!body_.is_object()) complaints_.push_back("body: expected a JSON object, got something else");
    }

    /// The field, or null if it is missing; null in the body counts as missing.
    const json* find(const std::string& name) {
        known_.push_back(name);
        if (!body_.is_object()) return nullptr;
        const auto at = body_.find(name);
        return at == body_.end() || at->is_null() ? nullptr : &*at;
    }

    /// What `read` makes of the text; complains if it makes nothing.
    template <class Read>
    auto text(const std::string& name, std::string_view expected, Read read)
        -> decltype(read(std::string_view())) {
        const json* field = find(name);
        if (!field) return std::nullopt;
        const auto* s = field->get_ptr<const std::string*>();
        auto value = s ? read(std::string_view(*s)) : std::nullopt;
        if (!value) complain(name, expected, field);
        return value;
    }

    std::vector<std::string> texts(const std::string& name) {
        std::vector<std::string> out;
        const json* field = find(name);
        if (!field) return out;
        if (!field->is_array()) complain(name, "an array of texts", field);
        for (const auto& element : field->is_array() ? *field : json::array()) {
            if (const auto* s = element.get_ptr<const std::string*>())
                out.push_back(*s);
            else
                complain(name, "an array of texts", &element);
        }
        return out;
    }

    /// Absent is false.
    bool flag(const std::string& name) {
        const json* field = find(name);
        if (field && !field->is_boolean()) complain(name, "true or false", field);
        return field && field->is_boolean() && field->get<bool>();
    }

    void complain(const std::string& name, std::string_view expected, const json* got) {
        const auto shown = got ? got->dump(-1, ' ', false, json::error_handler_t::replace) : "nothing";
        complaints_.push_back(
            fmt::format("{}: expected {}, got {}", name, expected, safe_excerpt(shown, 80)));
    }

    result<void> finish() {
        if (body_.is_object())
            for (const auto& [name, value] : body_.items())
                if (std::find(known_.begin(), known_.end(), name) == known_.end())
                    complaints_.push_back(
                        fmt::format("{}: unknown{}", safe_excerpt(name, 80), did_you_mean(name, known_)));
        if (complaints_.empty()) return {};
        return error{errc::invalid_input, fmt::format("{}", fmt::join(complaints_, "; "))};
    }

private:
    json body_;
    std::vector<std::string> known_;
    std::vector<std::string> complaints_;
};

std::optional<std::string> one_of(std::string_view word, std::initializer_list<std::string_view> words) {
    if (std::find(words.begin(), words.end(), word) == words.end()) return std::nullopt;
    return std::string(word);
}

std::optional<std::string> sha256_hex(std::string_view s) {
    if (s.size() != 64 || s.find_first_not_of("0123456789abcdef") != std::string_view::npos)
        return std::nullopt;
    return std::string(s);
}

std::optional<std::string> not_empty(std::string_view s) {
    return s.empty() ? std::nullopt : std::optional<std::string>(s);
}

void read_kinds(body_reader& in, run_order& order) {
    for (const auto& word : in.texts("kinds")) {
        const auto k = parse_kind(word);
        const json shown = word;
        if (!k)
            in.complain("kinds", "summaries or embeddings", &shown);
        else if (std::find(order.kinds.begin(), order.kinds.end(), *k) == order.kinds.end())
            order.kinds.push_back(*k);
    }
}

run_order read_order_fields(body_reader& in) {
    run_order order;
    read_kinds(in, order);
    order.since_ms =
        in.text("since", "a date such as \"2025-07-01\", or an ISO time with its offset", parse_iso_time);
    if (const auto* limit = in.find("limit")) {
        if (limit->is_number_unsigned() && *limit > 0 && *limit <= INT64_MAX)
            order.limit = limit->get<std::uint64_t>();
        else
            in.complain("limit", "a whole number of at least 1", limit);
    }
    order.authorities = in.texts("authorities");
    order.budget = in.text("budget_usd", "a text such as \"1.50\"", parse_dollars);
    const auto profile = in.text("profile", "\"test\" or \"full\"", [](auto w) {
        return one_of(w, {"test", "full"});
    });
    order.profile = profile.value_or("full");
    order.refresh_legacy = in.text("refresh", "\"none\" or \"legacy\"", [](auto w) {
        return one_of(w, {"none", "legacy"});
    }) == "legacy";
    return order;
}

} // namespace

result<run_order> read_order(std::string_view body) {
    body_reader in(body);
    auto order = read_order_fields(in);
    // Embeddings first: they are cheap and quick, and a mistake shows sooner.
    if (order.kinds.empty()) order.kinds = {kind::embeddings, kind::summaries};
    if (auto r = in.finish(); !r) return r.error();
    return order;
}

result<run_order> read_build_order(std::string_view body) {
    body_reader in(body);
    auto order = read_order_fields(in);
    if (order.kinds.size() != 1) in.complain("kinds", "exactly one kind", in.find("kinds"));
    if (auto r = in.finish(); !r) return r.error();
    return order;
}

result<submission_order> read_submission(std::string_view body) {
    body_reader in(body);
    const auto k = in.text("kind", "\"summaries\" or \"embeddings\"", parse_kind);
    const auto sha256 = in.text("sha256", "64 hexadecimal digits in lower case", sha256_hex);
    const auto budget = in.text("budget_usd", "a text such as \"1.50\"", parse_dollars);
    if (auto r = in.finish(); !r) return r.error();
    if (!k || !sha256) return error{errc::invalid_input, "body: expected kind and sha256"};
    return submission_order{*k, *sha256, budget};
}

result<std::optional<enrichd::kind>> read_merge(std::string_view body) {
    body_reader in(body);
    auto k = in.text("kind", "\"summaries\" or \"embeddings\"", parse_kind);
    if (auto r = in.finish(); !r) return r.error();
    return k;
}

result<cancel_order> read_cancel(std::string_view body) {
    body_reader in(body);
    const auto id = in.text("id", "the id of a job, a batch or a run", not_empty);
    const bool abandon = in.flag("abandon");
    if (auto r = in.finish(); !r) return r.error();
    if (!id) return error{errc::invalid_input, "id: expected the id of a job, a batch or a run, got nothing"};
    return cancel_order{*id, abandon};
}

result<resolve_order> read_resolve(std::string_view body) {
    body_reader in(body);
    resolve_order order;
    order.adopt = in.text("adopt", "the provider's id of a batch", not_empty);
    const bool again = in.flag("resubmit");
    if (auto r = in.finish(); !r) return r.error();
    if (order.adopt.has_value() == again)
        return error{errc::invalid_input, "body: expected either adopt, or resubmit: true"};
    return order;
}

result<release_order> read_release(std::string_view body) {
    body_reader in(body);
    release_order order;
    order.keys = in.texts("keys");
    order.all = in.flag("all");
    if (auto r = in.finish(); !r) return r.error();
    if (order.keys.empty() != order.all)
        return error{errc::invalid_input, "body: expected either keys, or all: true"};
    return order;
}

result<adoption_order> read_adoption(std::string_view body) {
    body_reader in(body);
    const auto id = in.text("batch_id", "the provider's id of a batch", not_empty);
    const bool leave = in.flag("leave");
    if (auto r = in.finish(); !r) return r.error();
    if (!id)
        return error{errc::invalid_input, "batch_id: expected the provider's id of a batch, got nothing"};
    return adoption_order{*id, leave};
}

result<void> read_nothing(std::string_view body) {
    return body_reader(body).finish();
}

} // namespace enrichd::control

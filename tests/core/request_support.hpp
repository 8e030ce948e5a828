// Recipes, rows and counters as the tests of requests use them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <utility>

#include "core/batch_request.hpp"
#include "core/tokenizer.hpp"
#include "tests/support/catch.hpp"

namespace enrichd::test {

inline model known_model(std::string_view name, kind k) {
    return model_catalogue::built_in().find(name, k).value();
}

inline recipe summaries(const summary_settings& s = {}) {
    return make_summary_recipe(s, known_model(s.model, kind::summaries));
}

inline recipe embeddings(const embedding_settings& s = {}) {
    return make_embedding_recipe(s, known_model(s.model, kind::embeddings), std::nullopt).value();
}

inline source_row row_of(std::optional<std::string> text, std::string title = {}) {
    source_row row;
    row.key = "1";
    row.title = std::move(title);
    row.text = std::move(text);
    row.why = need::value;
    return row;
}

/// Builds with a counter of the recipe's own encoding.
inline row_requests build(const source_row& row, const recipe& r) {
    token_counter counter(parse_encoding(r.model.tokenizer).value());
    return build_requests(row, r, counter);
}

inline nlohmann::json parsed(const request_line& line) {
    REQUIRE(line.json.find('\n') == line.json.size() - 1);
    auto json = nlohmann::json::parse(line.json, nullptr, false);
    REQUIRE(json.is_object());
    return json;
}

/// The one line that the row makes.
inline request_line only_line(const row_requests& requests) {
    CAPTURE(requests.skip_reason);
    REQUIRE(requests.lines.size() == 1);
    return requests.lines.front();
}

} // namespace enrichd::test

// JSON at the edge: what is taken is what nlohmann takes, but for depth; what is shown of it is one safe
// line.
// SPDX-License-Identifier: Apache-2.0
#include "core/json_edge.hpp"

#include <cmath>

#include "tests/fuzz/fuzz.hpp"

using namespace enrichd;

namespace {

int depth_of(const nlohmann::json& j) { // of at most 64 levels
    int deepest = 0;
    if (j.is_structured())
        for (const auto& element : j)
            deepest = std::max(deepest, depth_of(element));
    return deepest + (j.is_structured() ? 1 : 0);
}

void check_members(const nlohmann::json& j) {
    for (const auto* key : {"a", "id", ""}) {
        const auto* m = member(j, key);
        fuzz::require(!m || !m->is_null(), "null is no member");
        const auto text = text_member(j, key);
        fuzz::require(!text || (m->is_string() && !text->empty()), "a text is a string with something in it");
        const auto number = integer_member(j, key);
        if (number && m->is_number_float())
            fuzz::require(m->get<double>() == static_cast<double>(*number), "a number is not changed");
    }
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    const auto shallow = parse_json(text, 8);
    const auto parsed = parse_json(text);
    if (parsed) {
        fuzz::require(*parsed == nlohmann::json::parse(text, nullptr, false), "the value is nlohmann's");
        const auto depth = depth_of(*parsed);
        fuzz::require(depth <= 64, "no deeper than allowed");
        fuzz::require(shallow.has_value() == (depth <= 8), "the limit is the depth");
        check_members(*parsed);
    } else if (nlohmann::json::accept(text) && text.find('\0') == std::string_view::npos) {
        fuzz::require(std::count_if(text.begin(), text.end(), [](char c) { return c == '[' || c == '{'; }) >
                          64,
                      "only depth is a reason to refuse JSON");
    }

    const auto shown = safe_excerpt(text, 50);
    fuzz::require(fuzz::is_presentable(shown), "an excerpt can be shown");
    fuzz::require(shown.size() <= 50 * 8 + 3, "an excerpt is short");
    fuzz::require(safe_excerpt(shown, 1000) == shown, "what is safe stays as it is");
    return 0;
}

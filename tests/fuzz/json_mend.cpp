// Mended JSON: every reader takes it, and what needed no mending keeps its value.
// SPDX-License-Identifier: Apache-2.0
#include "core/json_mend.hpp"

#include <nlohmann/json.hpp>
#include <simdjson.h>

#include "tests/fuzz/fuzz.hpp"

using namespace enrichd;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    const auto mended = mend_json(text);
    if (const auto strict = parse_json(text)) {
        fuzz::require(mended.has_value(), "what is JSON stays JSON");
        fuzz::require(nlohmann::json::parse(*mended, nullptr, false) == *strict, "of the same value");
    }
    if (!mended) return 0;
    fuzz::require(is_valid_utf8(*mended), "mended JSON is UTF-8");
    fuzz::require(nlohmann::json::accept(*mended), "nlohmann takes it");
    fuzz::require(mend_json(*mended) == mended, "mending twice changes nothing more");
    simdjson::dom::parser parser;
    fuzz::require(!parser.parse(*mended).error(), "simdjson takes it");
    return 0;
}

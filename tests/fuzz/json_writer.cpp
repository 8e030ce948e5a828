// Any text as a JSON string: others read the same text out of it.
// SPDX-License-Identifier: Apache-2.0
#include "core/json_writer.hpp"

#include <nlohmann/json.hpp>
#include <simdjson.h>

#include "tests/fuzz/fuzz.hpp"

using namespace enrichd;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = replace_invalid_utf8(fuzz::text_of(data, size)).text;
    std::string json = "before";
    append_json_string(json, text);
    fuzz::require(json.starts_with("before\""), "it is appended");
    json.erase(0, 6);
    fuzz::require(json.find('\n') == std::string::npos, "a string is one line");
    fuzz::require(nlohmann::json::parse(json, nullptr, false) == nlohmann::json(text), "nlohmann reads it");
    simdjson::dom::parser parser;
    std::string_view read;
    fuzz::require(!parser.parse(json).get_string().get(read) && read == text, "simdjson reads it");
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/batch_lines.hpp"

#include "core/json_edge.hpp"

#include <fmt/format.h>

namespace enrichd::sandbox {

namespace {

using nlohmann::json;

validation_error missing(const char* field) {
    return {"missing_required_parameter", fmt::format("Missing required parameter: '{}'.", field), field, {}};
}

std::string json_string(std::string_view text) {
    return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

} // namespace

std::optional<validation_error> read_request_line(std::string_view line, request_line& out) {
    auto parsed = parse_json(line).value_or(json());
    if (!parsed.is_object())
        return validation_error{"invalid_json_line", "This line is not parseable as valid JSON.", {}, {}};
    for (const char* field : {"custom_id", "method", "url"}) {
        const auto at = parsed.find(field);
        if (at == parsed.end() || !at->is_string() || at->get_ref<const std::string&>().empty())
            return missing(field);
    }
    const auto body = parsed.find("body");
    if (body == parsed.end() || !body->is_object()) return missing("body");
    if (parsed["method"] != "POST")
        return validation_error{"invalid_method", "The only supported method is 'POST'.", "method", {}};
    out.custom_id = parsed["custom_id"].get<std::string>();
    out.url = parsed["url"].get<std::string>();
    out.body = std::move(*body);
    return std::nullopt;
}

line_reader::line_reader(const std::filesystem::path& file, std::int64_t offset)
    : in_(file, std::ios::binary), offset_(offset) {
    in_.seekg(offset);
}

bool line_reader::next(std::string& line) {
    if (!std::getline(in_, line)) return false;
    offset_ += static_cast<std::int64_t>(line.size()) + (in_.eof() ? 0 : 1);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    return !line.empty() || in_.peek() != std::char_traits<char>::eof();
}

std::string answer_line(std::uint64_t id, std::string_view custom_id, int status, std::string_view body) {
    return fmt::format(
        "{{\"id\":\"batch_req_{}\",\"custom_id\":{},\"response\":{{\"status_code\":{},\"request_id\":"
        "\"{}\",\"body\":{}}},\"error\":null}}\n",
        hex_id(id), json_string(custom_id), status, hex_id(id ^ 0x5A5A), body);
}

std::string error_line(std::uint64_t id, std::string_view custom_id, std::string_view code,
                       std::string_view message) {
    return fmt::format("{{\"id\":\"batch_req_{}\",\"custom_id\":{},\"response\":null,\"error\":{{\"code\":{},"
                       "\"message\":{}}}}}\n",
                       hex_id(id), json_string(custom_id), json_string(code), json_string(message));
}

} // namespace enrichd::sandbox

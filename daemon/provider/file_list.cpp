// SPDX-License-Identifier: Apache-2.0
#include "daemon/provider/file_list.hpp"

#include "core/json_edge.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace enrichd::provider {

namespace {

error unreadable(std::string_view what, std::string_view sent) {
    return {errc::provider_invalid, fmt::format("{}: {}", what, safe_excerpt(sent))};
}

std::optional<remote_file> read_file(const nlohmann::json& o) {
    const auto id = text_member(o, "id");
    if (!id) return std::nullopt;
    return remote_file{
        *id, text_member(o, "filename").value_or(""),
        static_cast<std::uint64_t>(std::max<std::int64_t>(0, integer_member(o, "bytes").value_or(0))),
        time_member(o, "created_at").value_or(0)};
}

} // namespace

result<remote_file> parse_file(std::string_view text) {
    const auto parsed = parse_json(text);
    auto file = parsed ? read_file(*parsed) : std::nullopt;
    if (!file) return unreadable("file object: no JSON with an 'id'", text);
    return std::move(*file);
}

result<file_page> parse_file_page(std::string_view text) {
    const auto parsed = parse_json(text);
    const auto* entries = parsed ? member(*parsed, "data") : nullptr;
    if (!entries || !entries->is_array()) return unreadable("list of files: 'data' is no array", text);
    file_page page;
    for (const auto& entry : *entries)
        if (auto file = read_file(entry)) page.files.push_back(std::move(*file));
    if (const auto* more = member(*parsed, "has_more"); more && more->is_boolean())
        page.has_more = more->get<bool>();
    return page;
}

} // namespace enrichd::provider

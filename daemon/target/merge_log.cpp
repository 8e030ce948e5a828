// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/merge_log.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace enrichd::target {

namespace {

using nlohmann::json;

bool is_run(const json& run) {
    return run.is_array() && run.size() == 3 && run[0].is_number_unsigned() && run[1].is_string() &&
           run[2].is_string();
}

} // namespace

std::string pack_outcomes(const std::vector<merged_row>& rows) {
    json runs = json::array();
    for (std::size_t i = 0; i < rows.size();) {
        std::size_t end = i + 1;
        while (end < rows.size() && rows[end].how == rows[i].how && rows[end].reason == rows[i].reason)
            ++end;
        runs.push_back({end - i, name(rows[i].how), rows[i].reason});
        i = end;
    }
    // A reason may quote the database's message, whatever its encoding.
    return runs.dump(-1, ' ', false, json::error_handler_t::replace);
}

result<std::vector<merged_row>> unpack_outcomes(std::string_view packed, std::size_t expected) {
    error broken{errc::internal, "enrichd_merge_log: the outcomes of this slice cannot be read"};
    const json runs = json::parse(packed, nullptr, false);
    if (!runs.is_array()) return broken;
    std::vector<merged_row> rows;
    for (const json& run : runs) {
        if (!is_run(run)) return broken;
        const auto how = parse_outcome(run[1].get_ref<const std::string&>());
        const auto count = run[0].get<std::size_t>();
        if (!how || count > expected - rows.size()) return broken;
        rows.insert(rows.end(), count, {*how, run[2].get_ref<const std::string&>()});
    }
    if (rows.size() != expected)
        return error{errc::internal,
                     fmt::format("enrichd_merge_log: this slice was merged with {} rows, and comes "
                                 "again with {}",
                                 rows.size(), expected)};
    return rows;
}

} // namespace enrichd::target

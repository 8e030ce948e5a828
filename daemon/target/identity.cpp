// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/identity.hpp"

#include <fmt/format.h>

#include <utility>

namespace enrichd::target {

namespace {

std::pair<std::string_view, std::string_view> split_identity(std::string_view identity) {
    const auto slash = identity.rfind('/');
    if (slash == std::string_view::npos) return {identity, {}};
    return {identity.substr(0, slash), identity.substr(slash + 1)};
}

} // namespace

std::string make_identity(std::string_view database, std::string_view table) {
    return fmt::format("{}/{}", database, table);
}

std::string how_to_return(std::string_view was, std::string_view now) {
    const auto [database, table] = split_identity(was);
    const auto [other, other_table] = split_identity(now);
    if (database == other) return fmt::format("set [target] table = '{}' again", table);
    if (table != other_table) return fmt::format("set [database] url and [target] table = '{}' again", table);
    return fmt::format("set [database] url again; or, if it is the same database under another address, set "
                       "[database] name = '{}'",
                       database);
}

} // namespace enrichd::target

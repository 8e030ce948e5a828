// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/open.hpp"

#include "daemon/target/postgres_target.hpp"
#include "daemon/target/sqlite_target.hpp"

#include <string_view>

namespace enrichd::target {

std::unique_ptr<database> open_target(boost::asio::any_io_executor pool, const config& c) {
    constexpr std::string_view sqlite = "sqlite:";
    const std::string_view url = c.database_url;
    if (url.empty())
        return std::make_unique<sqlite_target>(std::move(pool), c.state_directory + "/target.db", c);
    if (url.starts_with(sqlite))
        return std::make_unique<sqlite_target>(std::move(pool), std::string(url.substr(sqlite.size())), c);
    if (url.starts_with("postgresql://") || url.starts_with("postgres://")) {
        auto settings = postgres_settings_from(c);
        if (!settings) throw fatal_error(settings.error());
        return std::make_unique<postgres_target>(std::move(pool), std::move(*settings));
    }
    throw fatal_error(errc::invalid_input, "[database] url: expected postgresql://... or sqlite:PATH");
}

} // namespace enrichd::target

// SPDX-License-Identifier: Apache-2.0
#include "daemon/check_settings.hpp"

#include "daemon/provider/live_client.hpp"
#include "daemon/target/open.hpp"
#include "daemon/target/postgres_url.hpp"

#include <boost/asio/io_context.hpp>
#include <fmt/format.h>

#include <charconv>
#include <functional>
#include <string_view>

namespace enrichd {

namespace {

bool is_postgresql(std::string_view url) {
    return url.starts_with("postgresql://") || url.starts_with("postgres://");
}

bool is_port(std::string_view text) {
    int port = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), port);
    return ec == std::errc() && end == text.data() + text.size() && port >= 1 && port <= 65535;
}

// libpq takes any word for a port until it connects. What stands in a port's place is not repeated: it may be
// the end of a password. A URL that cannot be read at all was told by open_target().
void check_ports(std::string_view key, const std::string& text, std::vector<std::string>& problems) {
    const auto url = is_postgresql(text) ? target::parse_postgres_url(text) : target::postgres_url{};
    if (!url) return;
    for (const auto& host : url->hosts)
        if (!host.port.empty() && !is_port(host.port))
            problems.push_back(fmt::format("{}: expected a port from 1 to 65535; a '/', ':' or '@' within a "
                                           "password is written %2F, %3A or %40",
                                           key));
}

// PostgreSQL takes a table's name as SQL writes it. SQLite takes it as it is.
bool is_sql_name(std::string_view name) {
    const auto is_plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               c == '$' || static_cast<unsigned char>(c) >= 0x80;
    };
    for (;;) {
        std::size_t end = 0;
        if (name.starts_with('"')) {
            end = name.find('"', 1);
            while (end != std::string_view::npos && name.substr(end + 1).starts_with('"'))
                end = name.find('"', end + 2);
            if (end == std::string_view::npos || end == 1) return false;
            ++end;
        } else {
            while (end < name.size() && is_plain(name[end]))
                ++end;
            if (end == 0 || (name[0] >= '0' && name[0] <= '9') || name[0] == '$') return false;
        }
        if (end == name.size()) return true;
        if (name[end] != '.') return false;
        name.remove_prefix(end + 1);
    }
}

// What the daemon makes at its start, made and thrown away.
void try_out(const std::function<void()>& make, std::vector<std::string>& problems) {
    try {
        make();
    } catch (const fatal_error& e) {
        problems.emplace_back(e.what());
    }
}

} // namespace

std::vector<std::string> problems_of(const loaded_settings& s) {
    std::vector<std::string> problems;
    const auto& c = s.config;
    boost::asio::io_context nothing_runs;
    const auto provider = [&] {
        provider::settings p;
        p.base_url = c.provider.base_url;
        p.api_key = s.api_key;
        if (!c.provider.ca_file.empty()) p.ca_file = c.provider.ca_file;
        provider::live_client(nothing_runs.get_executor(), std::move(p));
    };
    try_out(provider, problems);
    try_out([&] { target::open_target(nothing_runs.get_executor(), c); }, problems);
    check_ports("database.url", c.database_url, problems);
    check_ports("source.url", c.source.url, problems);
    if (!c.source.url.empty() && !is_postgresql(c.database_url))
        problems.emplace_back("source.url: rows are read from another database for a PostgreSQL target only; "
                              "remove it, or set [database] url = 'postgresql://...'");
    if (is_postgresql(c.database_url) && !is_sql_name(c.target.table))
        problems.push_back(
            fmt::format("target.table: expected a name as SQL writes it, quoted where it holds blanks or "
                        "capitals ('\"my table\"', 'app.\"My Events\"'), got {}",
                        c.target.table));
    if (const auto m = s.models.find(c.summaries.model, kind::summaries); !m)
        problems.push_back("summaries.model: " + m.error().detail);
    if (const auto m = s.models.find(c.embeddings.model, kind::embeddings); !m)
        problems.push_back("embeddings.model: " + m.error().detail);
    return problems;
}

} // namespace enrichd

// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/postgres_url.hpp"

#include "core/json_edge.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <memory>

namespace enrichd::target {

namespace {

std::vector<std::string> split_list(std::string_view list) {
    std::vector<std::string> out;
    while (true) {
        const auto comma = list.find(',');
        out.emplace_back(list.substr(0, comma));
        if (comma == std::string_view::npos) return out;
        list.remove_prefix(comma + 1);
    }
}

/// libpq's lists of hosts, addresses and ports, side by side; one port stands for all.
std::vector<postgres_host> pair_up(const std::string& names, const std::string& addresses,
                                   const std::string& ports) {
    const auto name = split_list(names);
    const auto address = split_list(addresses);
    const auto port = split_list(ports);
    std::vector<postgres_host> hosts;
    for (std::size_t i = 0; i < std::max(name.size(), address.size()); ++i)
        hosts.push_back({i < name.size() ? name[i] : "", i < address.size() ? address[i] : "",
                         port.size() == 1  ? port[0]
                         : i < port.size() ? port[i]
                                           : ""});
    return hosts;
}

} // namespace

std::string postgres_url::parameter(std::string_view name) const {
    for (const auto& [key, value] : parameters)
        if (key == name) return value;
    return "";
}

std::string postgres_url::place() const {
    std::string out;
    for (const auto& h : hosts) {
        const auto& name = h.name.empty() ? h.address : h.name;
        out += fmt::format("{}{}", out.empty() ? "" : ",", name.empty() ? "localhost" : safe_excerpt(name));
        if (!h.port.empty() && h.port != "5432") out += ":" + safe_excerpt(h.port);
    }
    const auto database = parameter("dbname");
    return out + "/" + safe_excerpt(database.empty() ? parameter("user") : database);
}

result<postgres_url> parse_postgres_url(const std::string& url) {
    char* complaint = nullptr;
    const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(
        PQconninfoParse(url.c_str(), &complaint), PQconninfoFree);
    PQfreemem(complaint); // it may repeat the URL
    if (!options)
        return error{errc::invalid_input,
                     "the PostgreSQL URL cannot be read: expected "
                     "postgresql://user:password@host:port/database?sslmode=require, with "
                     "special characters percent-encoded"};
    postgres_url out;
    std::string names, addresses, ports;
    for (const auto* o = options.get(); o->keyword; ++o) {
        if (!o->val) continue;
        const std::string_view word = o->keyword;
        if (word == "host")
            names = o->val;
        else if (word == "hostaddr")
            addresses = o->val;
        else if (word == "port")
            ports = o->val;
        else
            out.parameters.emplace_back(word, o->val);
    }
    out.hosts = pair_up(names, addresses, ports);
    return out;
}

} // namespace enrichd::target

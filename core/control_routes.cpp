// SPDX-License-Identifier: Apache-2.0
#include "core/control_routes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <optional>

namespace enrichd {

namespace {

constexpr std::string_view placeholder = "{id}";

constexpr route routes_in_order[] = {
    {route_id::version, "GET", "/v1/version", access::look},
    {route_id::status, "GET", "/v1/status", access::look},
    {route_id::jobs, "GET", "/v1/jobs", access::look},
    {route_id::job, "GET", "/v1/jobs/{id}", access::look},
    {route_id::job_events, "GET", "/v1/jobs/{id}/events", access::look},
    {route_id::request_file, "GET", "/v1/jobs/{id}/request-file", access::operate},
    {route_id::run, "GET", "/v1/runs/{id}", access::look},
    {route_id::run_events, "GET", "/v1/runs/{id}/events", access::look},
    {route_id::report, "GET", "/v1/report", access::operate},
    {route_id::budget, "GET", "/v1/budget", access::look},
    {route_id::bookings, "GET", "/v1/bookings", access::operate},
    {route_id::quarantine, "GET", "/v1/quarantine", access::operate},
    {route_id::ledger, "GET", "/v1/ledger", access::operate},
    {route_id::verification, "GET", "/v1/ledger/verification", access::operate},
    {route_id::adoptable, "GET", "/v1/adoptions", access::operate},
    {route_id::migration_plan, "GET", "/v1/migration", access::operate},
    {route_id::plan, "POST", "/v1/plan", access::operate},
    {route_id::start_run, "POST", "/v1/runs", access::operate},
    {route_id::build, "POST", "/v1/builds", access::operate},
    {route_id::submit, "POST", "/v1/submissions", access::operate},
    {route_id::poll, "POST", "/v1/jobs/{id}/poll", access::operate},
    {route_id::merge, "POST", "/v1/jobs/{id}/merge", access::operate},
    {route_id::cancel, "POST", "/v1/cancel", access::operate},
    {route_id::discard, "POST", "/v1/jobs/{id}/discard", access::operate},
    {route_id::retry, "POST", "/v1/jobs/{id}/retry", access::operate},
    {route_id::resolve, "POST", "/v1/jobs/{id}/resolve", access::operate},
    {route_id::pause, "POST", "/v1/pause", access::operate},
    {route_id::resume, "POST", "/v1/resume", access::operate},
    {route_id::release, "POST", "/v1/quarantine/release", access::operate},
    {route_id::adopt, "POST", "/v1/adoptions", access::operate},
    {route_id::migrate, "POST", "/v1/migration", access::operate},
};

// What stands at {id}; empty for a path without one. An id never is empty and never holds a slash.
std::optional<std::string> match_path(std::string_view pattern, std::string_view path) {
    const auto at = pattern.find(placeholder);
    if (at == std::string_view::npos) return path == pattern ? std::optional(std::string()) : std::nullopt;
    const auto before = pattern.substr(0, at), after = pattern.substr(at + placeholder.size());
    if (path.size() <= before.size() + after.size() || !path.starts_with(before) || !path.ends_with(after))
        return std::nullopt;
    const auto id = path.substr(at, path.size() - before.size() - after.size());
    if (id.find('/') != std::string_view::npos) return std::nullopt;
    return std::string(id);
}

bool is_unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~").find(c) != std::string_view::npos;
}

} // namespace

std::span<const route> routes() {
    return routes_in_order;
}

const route& find_route(route_id id) {
    const auto found = std::find_if(std::begin(routes_in_order), std::end(routes_in_order),
                                    [&](const route& r) { return r.id == id; });
    assert(found != std::end(routes_in_order));
    return *found;
}

std::variant<matched_route, no_route> match_route(std::string_view method, std::string_view path) {
    auto miss = no_route::path;
    for (const auto& r : routes_in_order) {
        auto id = match_path(r.path, path);
        if (id && r.method == method) return matched_route{&r, std::move(*id)};
        if (id) miss = no_route::method;
    }
    return miss;
}

std::string methods_of(std::string_view path) {
    std::string out;
    for (const auto& r : routes_in_order)
        if (match_path(r.path, path)) out += fmt::format("{}{}", out.empty() ? "" : ", ", r.method);
    return out;
}

std::span<const std::string_view> parameters_of(route_id id) {
    static constexpr std::string_view of_jobs[] = {"run", "all"}, of_report[] = {"format", "run"},
                                      of_bookings[] = {"after"};
    if (id == route_id::jobs) return of_jobs;
    if (id == route_id::report) return of_report;
    if (id == route_id::bookings) return of_bookings;
    return {};
}

std::string percent_encode(std::string_view text) {
    std::string out;
    for (char c : text)
        out += is_unreserved(c) ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    return out;
}

std::string target_of(route_id id, std::string_view segment) {
    std::string path(find_route(id).path);
    if (const auto at = path.find(placeholder); at != std::string::npos)
        path.replace(at, placeholder.size(), percent_encode(segment));
    return path;
}

} // namespace enrichd

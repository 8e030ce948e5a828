// The tables of calls, commands, flags and errors, and the documentation that must say the same.
// SPDX-License-Identifier: Apache-2.0
#include "core/control.hpp"
#include "core/control_errors.hpp"

#include "tests/support/catch.hpp"

#include <fmt/format.h>

#include <fstream>
#include <set>
#include <sstream>

using namespace enrichd;

namespace {

std::string document(const std::string& name) {
    std::stringstream text;
    text << std::ifstream(ENRICHD_SOURCE_DIR "/docs/" + name).rdbuf();
    REQUIRE_FALSE(text.str().empty());
    return text.str();
}

std::string id_in(std::string_view method, std::string_view path) {
    const auto m = match_route(method, path);
    REQUIRE(std::holds_alternative<matched_route>(m));
    return std::get<matched_route>(m).id;
}

no_route miss(std::string_view method, std::string_view path) {
    const auto m = match_route(method, path);
    REQUIRE(std::holds_alternative<no_route>(m));
    return std::get<no_route>(m);
}

} // namespace

TEST_CASE("each call has one place in the table, and its own method and path", "[core][control]") {
    std::set<route_id> ids;
    std::set<std::string> places;
    for (const auto& r : routes()) {
        CAPTURE(r.path);
        CHECK(ids.insert(r.id).second);
        CHECK(places.insert(fmt::format("{} {}", r.method, r.path)).second);
        CHECK(r.path.starts_with("/v1/"));
    }
}

TEST_CASE("what changes something needs an operator", "[core][control]") {
    for (const auto& r : routes()) {
        CAPTURE(r.path);
        if (r.method != "GET") CHECK(r.needs == access::operate);
    }
    CHECK(find_route(route_id::request_file).needs == access::operate); // texts of rows
    CHECK(find_route(route_id::report).needs == access::operate);
    CHECK(find_route(route_id::status).needs == access::look);
    CHECK(find_route(route_id::job_events).needs == access::look);
}

TEST_CASE("a path is matched with what stands in it", "[core][control]") {
    CHECK(id_in("GET", "/v1/jobs/7") == "7");
    CHECK(id_in("GET", "/v1/jobs/batch_abc/events") == "batch_abc");
    CHECK(id_in("POST", "/v1/jobs/7/merge") == "7");
    CHECK(id_in("GET", "/v1/status") == "");
    CHECK(miss("GET", "/v1/jobs/") == no_route::path);
    CHECK(miss("GET", "/v1/jobs//events") == no_route::path);
    CHECK(miss("GET", "/v1/jobs/7/x/events") == no_route::path);
    CHECK(miss("GET", "/v1/nothing") == no_route::path);
    CHECK(miss("GET", "/") == no_route::path);
    CHECK(miss("GET", "/v1/jobs/7/merge") == no_route::method);
    CHECK(miss("DELETE", "/v1/jobs") == no_route::method);
    CHECK(miss("get", "/v1/jobs") == no_route::method);
}

TEST_CASE("an id is encoded into a path so that it comes out of it again", "[core][control]") {
    CHECK(target_of(route_id::job, "batch_1-a.b~c") == "/v1/jobs/batch_1-a.b~c");
    CHECK(target_of(route_id::job, "a/b?c d%\xC3\xA9") == "/v1/jobs/a%2Fb%3Fc%20d%25%C3%A9");
    CHECK(target_of(route_id::status) == "/v1/status");
}

TEST_CASE("every error has a word that reads back, a status and an exit code", "[core][control]") {
    std::set<std::string_view> words;
    for (int i = 0; i <= static_cast<int>(errc::internal); ++i) {
        const auto code = static_cast<errc>(i);
        CAPTURE(name(code));
        CHECK(words.insert(name(code)).second);
        CHECK(parse_errc(name(code)) == code);
        CHECK(http_status(code) >= 400);
        CHECK(exit_code_of(code) != exit_code::ok);
    }
    CHECK_FALSE(parse_errc("no such word"));
}

TEST_CASE("exit codes are the documented numbers", "[core][control]") {
    CHECK(exit_code_of(errc::invalid_input) == exit_code{2});
    CHECK(exit_code_of(errc::not_permitted) == exit_code{5});
    CHECK(exit_code_of(errc::not_found) == exit_code{6});
    CHECK(exit_code_of(errc::state_conflict) == exit_code{7});
    CHECK(exit_code_of(errc::over_budget) == exit_code{8});
    CHECK(exit_code_of(errc::provider_busy) == exit_code{10});
    CHECK(exit_code_of(errc::target_blocked) == exit_code{11});
    CHECK(static_cast<int>(exit_code::unreachable) == 4);
    CHECK(static_cast<int>(exit_code::wait_timed_out) == 9);
    CHECK(static_cast<int>(exit_code::interrupted) == 130);
}

TEST_CASE("docs/control-protocol.md describes every call with its rights", "[core][control][docs]") {
    const auto text = document("control-protocol.md");
    for (const auto& r : routes()) {
        const auto call = fmt::format("`{} {}", r.method, r.path);
        CAPTURE(call);
        auto at = text.find(call + "`");
        if (at == std::string::npos) at = text.find(call + "?");
        REQUIRE(at != std::string::npos);
        // Its heading says (look) right behind it, or does not.
        bool look = false, heading = false;
        for (; at != std::string::npos; at = text.find(call, at + 1)) {
            const auto behind = text[at + call.size()];
            const auto line = text.rfind('\n', at);
            if ((behind != '`' && behind != '?') || text.substr(line + 1, 3) != "###") continue;
            heading = true;
            const auto end = text.find('`', at + 1);
            look = look || text.compare(end + 1, 7, " (look)") == 0;
        }
        CHECK(heading);
        CHECK(look == (r.needs == access::look));
    }
}

TEST_CASE("docs/control-protocol.md lists every error as the program maps it", "[core][control][docs]") {
    std::stringstream lines(document("control-protocol.md"));
    std::string line;
    for (int i = 0; i <= static_cast<int>(errc::internal); ++i) {
        const auto code = static_cast<errc>(i);
        CAPTURE(name(code));
        bool found = false;
        lines.clear();
        lines.seekg(0);
        while (std::getline(lines, line))
            if (line.starts_with("| `") && line.find(fmt::format("`{}`", name(code))) != std::string::npos)
                found = found ||
                        line.find(fmt::format("| {} | {} |", http_status(code),
                                              static_cast<int>(exit_code_of(code)))) != std::string::npos;
        CHECK(found);
    }
}

TEST_CASE("each command has one name, one example that begins with it, and flags that exist",
          "[core][control]") {
    std::set<std::string_view> names;
    for (const auto& c : commands()) {
        CAPTURE(c.name);
        CHECK(names.insert(c.name).second);
        CHECK(c.example.starts_with(fmt::format("enrichctl {}", c.name)));
        CHECK_FALSE(c.summary.empty());
        std::set<flag_id> own;
        for (auto f : c.flags) {
            CHECK(own.insert(f).second);
            CHECK(find_flag(f).name.starts_with("--"));
        }
        for (auto f : c.required)
            CHECK(own.contains(f));
    }
}

TEST_CASE("the guide's commands have the guide's flags", "[core][control]") {
    const auto has = [](command_id id, std::initializer_list<flag_id> wanted) {
        const auto& own = find_command(id).flags;
        return std::all_of(wanted.begin(), wanted.end(),
                           [&](flag_id f) { return std::find(own.begin(), own.end(), f) != own.end(); });
    };
    using f = flag_id;
    CHECK(has(command_id::build, {f::kind, f::since, f::limit, f::out, f::budget}));
    CHECK(has(command_id::submit, {f::kind, f::input}));
    CHECK(has(command_id::poll, {f::batch_id}));
    CHECK(has(command_id::merge, {f::kind, f::batch_id}));
    CHECK(has(command_id::status, {f::batch_id}));
    CHECK(has(command_id::cancel, {f::batch_id}));
    CHECK(has(command_id::run, {f::mode, f::automatic}));
}

TEST_CASE("values of flags are checked before anybody is asked", "[core][control]") {
    const auto good = [](flag_id id, const char* v) { return !complaint_about(id, v); };
    CHECK(good(flag_id::kind, "summaries"));
    CHECK(good(flag_id::kind, "summaries,embeddings"));
    CHECK_FALSE(good(flag_id::kind, "summary"));
    CHECK_FALSE(good(flag_id::kind, ""));
    CHECK(good(flag_id::since, "2025-07-01"));
    CHECK_FALSE(good(flag_id::since, "2025-02-29"));
    CHECK_FALSE(good(flag_id::since, "yesterday"));
    CHECK(good(flag_id::limit, "20000"));
    for (const char* bad : {"0", "-1", "1.5", "", "x", "99999999999999999999"})
        CHECK_FALSE(good(flag_id::limit, bad));
    CHECK(good(flag_id::budget, "1.0"));
    CHECK_FALSE(good(flag_id::budget, "$1"));
    CHECK_FALSE(good(flag_id::profile, "half"));
    CHECK(good(flag_id::mode, "enrich"));
    CHECK_FALSE(good(flag_id::mode, "ingest"));
    CHECK(*complaint_about(flag_id::limit, "many") == "expected a whole number of at least 1, got \"many\"");
}

TEST_CASE("durations carry their unit", "[core][control]") {
    CHECK(parse_duration("90") == 90);
    CHECK(parse_duration("90s") == 90);
    CHECK(parse_duration("1.5m") == 90);
    CHECK(parse_duration("26h") == 26 * 3600);
    CHECK(parse_duration("2d") == 2 * 86400);
    CHECK(parse_duration("50ms") == 0.05);
    for (const char* bad : {"", "s", "-1", "1w", "1 h", "nan", "inf", "1e9", "400d"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_duration(bad));
    }
}

TEST_CASE("lists are split at commas", "[core][control]") {
    CHECK(split_list("a, b ,,c") == std::vector<std::string>{"a", "b", "c"});
    CHECK(split_list("one") == std::vector<std::string>{"one"});
    CHECK(split_list(" , ").empty());
}

// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/session.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <utility>

#include "core/version.hpp"
#include "daemon/ctl/files.hpp"
#include "daemon/ctl/text.hpp"

namespace enrichd::ctl {

namespace {

std::string unreachable_hint() {
    return "start it: systemctl start enrichd, or enrichd; or name its socket: --socket PATH";
}

// The system's word at the end of "GET ...: cannot connect to ...: connect: No such file or directory".
std::string reason_of(const error& e) {
    const auto colon = e.detail.rfind(": ");
    return colon == std::string::npos ? e.detail : e.detail.substr(colon + 2);
}

// The code of an error object for what this program found by itself.
std::string_view word_of(exit_code code) {
    switch (code) {
    case exit_code::usage: return name(errc::invalid_input);
    case exit_code::not_permitted: return name(errc::not_permitted);
    case exit_code::no_such_job: return name(errc::not_found);
    case exit_code::state_conflict: return name(errc::state_conflict);
    case exit_code::over_budget: return name(errc::over_budget);
    case exit_code::provider: return name(errc::provider_rejected);
    case exit_code::database: return name(errc::target_blocked);
    case exit_code::rows_failed: return "rows_failed";
    case exit_code::interrupted: return "interrupted";
    default: return name(errc::io);
    }
}

} // namespace

std::string error_line(std::string_view word, const std::string& message, const std::string& hint) {
    const control::json body = {{"error", {{"code", word}, {"message", message}, {"hint", hint}}}};
    return body.dump(-1, ' ', false, control::json::error_handler_t::replace) + "\n";
}

void session::print_error(std::string_view word, const std::string& message, const std::string& hint) {
    if (!opt.json || std::exchange(json_printed_, true)) return;
    shown.clear();
    fmt::print("{}", error_line(word, message, hint));
}

awaitable<answer<reply>> session::get(route_id route, std::string id, std::string query) {
    auto r = co_await daemon.get(route, std::move(id), std::move(query));
    co_return judge(std::move(r));
}

awaitable<answer<reply>> session::post(route_id route, std::string id, control::json body) {
    auto r = co_await daemon.post(route, std::move(id), std::move(body));
    co_return judge(std::move(r));
}

awaitable<answer<reply>> session::download(route_id route, std::string id, std::string query,
                                           control::byte_sink sink) {
    auto r = co_await daemon.download(route, std::move(id), std::move(query), std::move(sink));
    co_return judge(std::move(r));
}

answer<reply> session::judge(result<reply> r) {
    if (r) {
        compare_versions(r->version);
        if (r->ok()) return std::move(*r);
        const auto refused = control::read_refusal(*r);
        if (opt.json && r->body.is_object()) print_json(*r);
        return fail(exit_code_of(refused.code), refused.message, refused.hint);
    }
    shown.clear();
    const auto& e = r.error();
    if (e.code == errc::cancelled) return stop{exit_code::interrupted}; // main says what goes on
    if (e.code == errc::unavailable)
        return lost(exit_code::unreachable, "unreachable",
                    fmt::format("no daemon answers at {}: {}", daemon.socket(), reason_of(e)),
                    unreachable_hint());
    if (e.code == errc::timed_out)
        return lost(exit_code::unreachable, "unreachable",
                    fmt::format("the daemon at {} does not answer: {}", daemon.socket(), e.detail),
                    "journalctl -u enrichd");
    return lost(exit_code::failed, "connection_lost",
                fmt::format("the daemon went away before it had answered: {}", e.detail),
                "look before you repeat it: enrichctl status");
}

stop session::lost(exit_code code, const char* word, const std::string& message, const std::string& hint) {
    print_error(word, message, hint);
    return fail(code, message, hint);
}

bool session::print_json(const reply& r) {
    if (!opt.json) return false;
    json_printed_ = true;
    shown.clear();
    fmt::print("{}{}", r.text, r.text.ends_with('\n') ? "" : "\n");
    return true;
}

void session::print(const std::string& text) {
    shown.clear();
    fmt::print("{}", wrap(text, term.columns()));
}

void session::print_raw(const std::string& text) {
    shown.clear();
    fmt::print("{}", text);
}

void session::tell(const std::string& text) {
    if (!is_standard_output(opt.value(flag_id::out))) return print(text);
    shown.clear();
    fmt::print(stderr, "{}", text);
}

stop session::fail(exit_code code, const std::string& message, const std::string& hint) {
    print_error(word_of(code), message, hint);
    shown.clear();
    std::fflush(stdout);
    auto text = fmt::format("enrichctl: {}\n", several_lines(message));
    if (!hint.empty()) text += fmt::format("  hint: {}\n", escape(hint));
    fmt::print(stderr, "{}", term.live ? wrap(text, term.live_columns()) : text);
    return {code};
}

stop session::fail(const control::refusal& why) {
    print_error(name(why.code), why.message, why.hint);
    return fail(exit_code_of(why.code), why.message, why.hint);
}

void session::compare_versions(const std::string& daemon_version) {
    if (versions_compared_ || daemon_version.empty()) return;
    versions_compared_ = true;
    if (daemon_version == program_version()) return;
    shown.note(
        fmt::format("enrichctl {} talks to enrichd {}: restart the daemon after an upgrade, or use its own "
                    "enrichctl",
                    program_version(), escape(daemon_version)));
}

} // namespace enrichd::ctl

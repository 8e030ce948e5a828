// budget: what was spent, is reserved and may still be; and every booking as CSV.
// SPDX-License-Identifier: Apache-2.0
#include "core/iso_time.hpp"
#include "daemon/ctl/files.hpp"
#include "daemon/ctl/table.hpp"
#include "daemon/ctl/text.hpp"
#include "daemon/ctl/verbs.hpp"
#include "daemon/ctl/views.hpp"
#include "daemon/ctl/wire.hpp"

#include <fmt/format.h>

#include <optional>

namespace enrichd::ctl {

namespace {

constexpr const char* text_columns[] = {"run_id", "job_id", "batch_id", "kind", "model"};
constexpr const char* money_columns[] = {"reserved_usd", "spent_usd", "unproven_usd"};
constexpr const char* token_columns[] = {"input_tokens", "cached_tokens", "output_tokens",
                                         "reasoning_tokens"};

// RFC 4180: quoted where a comma, a quote or a line's end is in it.
std::string csv_field(const std::string& text) {
    if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
    std::string quoted = "\"";
    for (const char c : text)
        quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quoted + "\"";
}

std::string csv_heading() {
    std::string line = "id,at";
    for (const auto* name : text_columns)
        line += fmt::format(",{}", name);
    for (const auto* name : money_columns)
        line += fmt::format(",{}", name);
    for (const auto* name : token_columns)
        line += fmt::format(",{}", name);
    return line + "\r\n";
}

std::string csv_line(const json& booking) {
    const fields f(booking);
    auto line = fmt::format("{},{}", f.count("id"), format_iso_time(f.count("at_ms")));
    for (const auto* name : text_columns)
        line += "," + csv_field(f.text(name));
    for (const auto* name : money_columns)
        line += "," + f.text(name);
    for (const auto* name : token_columns)
        line += fmt::format(",{}", f.count(name));
    return line + "\r\n";
}

exit_code cannot_write(session& s, const error& e) {
    return s.fail(exit_code::failed, e.detail, "").code;
}

awaitable<exit_code> write_bookings(session& s) {
    const auto to = s.opt.value(flag_id::out).empty() ? std::string("-") : s.opt.value(flag_id::out);
    auto file = file_writer::open(to);
    if (!file) co_return cannot_write(s, file.error());
    if (const auto w = file->write(csv_heading()); !w) co_return cannot_write(s, w.error());
    std::int64_t after = 0;
    for (bool more = true; more;) {
        auto page = co_await s.get(route_id::bookings, std::string(), fmt::format("?after={}", after));
        if (!page) co_return page.error().code;
        const fields f(page->body);
        for (const auto& booking : f.list("bookings")) {
            after = fields(booking).count("id");
            if (const auto w = file->write(csv_line(booking)); !w) co_return cannot_write(s, w.error());
        }
        more = f.flag("has_more");
    }
    if (const auto done = file->finish(); !done) co_return cannot_write(s, done.error());
    co_return exit_code::ok;
}

} // namespace

awaitable<exit_code> do_budget(session& s) {
    if (s.opt.has(flag_id::csv)) co_return co_await write_bookings(s);
    if (s.opt.has(flag_id::out))
        co_return s.fail(exit_code::usage, "budget: --out needs --csv", "enrichctl budget --csv --out FILE")
            .code;
    auto r = co_await s.get(route_id::budget);
    if (!r) co_return r.error().code;
    if (!s.print_json(*r)) s.print(show_budget(r->body, s.term));
    co_return exit_code::ok;
}

} // namespace enrichd::ctl

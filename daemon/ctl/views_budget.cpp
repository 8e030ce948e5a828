// What was spent, is reserved and may still be, as text.
// SPDX-License-Identifier: Apache-2.0
#include "core/iso_time.hpp"
#include "daemon/ctl/table.hpp"
#include "daemon/ctl/text.hpp"
#include "daemon/ctl/views.hpp"
#include "daemon/ctl/wire.hpp"

#include <fmt/format.h>

namespace enrichd::ctl {

std::string show_budget(const json& reply, const terminal& term) {
    const fields f(reply);
    std::string out = fmt::format("spent     {}\n", dollars(f.text("spent_usd")));
    if (f.text("unproven_usd") != "0")
        out += fmt::format("unproven  {} (may have been billed: no usage was told)\n",
                           dollars(f.text("unproven_usd")));
    out += fmt::format("reserved  {} (at most, by what is under way)\n", dollars(f.text("reserved_usd")));
    out += fmt::format("a run     at most {}, with --profile test {}\n", dollars(f.text("limit_usd")),
                       dollars(f.text("test_limit_usd")));

    table limits({{"LIMIT", 0},
                  {"USD", 0, true},
                  {"SPENT", 0, true},
                  {"UNPROVEN", 3, true},
                  {"RESERVED", 1, true},
                  {"LEFT", 0, true},
                  {"UNTIL", 2}});
    for (const auto& limit : f.list("limits")) {
        const fields l(limit);
        limits.add({{l.text("key")},
                    {dollars(l.text("limit_usd"))},
                    {dollars(l.text("spent_usd"))},
                    {dollars(l.text("unproven_usd"))},
                    {dollars(l.text("reserved_usd"))},
                    {dollars(l.text("left_usd")), l.text("left_usd") == "0" ? color::red : color::none},
                    {format_iso_time(l.count("until_ms"))}});
    }
    out += limits.empty() ? "no limit of a day or month is set: [budget] day_usd, month_usd\n"
                          : "\n" + limits.render(term);

    table days({{"DAY", 0}, {"SPENT", 0, true}, {"INPUT TOKENS", 1, true}, {"OUTPUT TOKENS", 2, true}});
    for (const auto& day : f.list("days")) {
        const fields d(day);
        days.add({{d.text("day")},
                  {dollars(d.text("spent_usd"))},
                  {fmt::format("{}", d.count("input_tokens"))},
                  {fmt::format("{}", d.count("output_tokens"))}});
    }
    if (!days.empty()) out += "\n" + days.render(term);
    if (const auto& next = f.object("forecast"); next.is_object())
        out +=
            fmt::format("\nthis month {} so far; at {} a day, as the last {} cost, it comes to {}\n",
                        dollars(f.text("month_spent_usd")), dollars(fields(next).text("a_day_usd")),
                        counted(fields(next).count("days"), "day"), dollars(fields(next).text("month_usd")));
    return out;
}

} // namespace enrichd::ctl

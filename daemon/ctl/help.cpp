// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/help.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/control_errors.hpp"

namespace enrichd::ctl {

namespace {

constexpr std::string_view introduction =
    R"(enrichctl talks to enrichd, which writes summaries and embeddings onto rows of a database at batch price.

Everything at once:
  enrichctl migrate                     add the columns, once
  enrichctl plan                        what a run would do and cost; sends nothing
  enrichctl run --auto --wait           build, check the budget, submit, poll, merge, report

Step by step:
  enrichctl build --kind summaries --limit 100 --out data/batch/test.jsonl --budget 1.0
  enrichctl submit --kind summaries --input data/batch/test.jsonl
  enrichctl poll --batch-id batch_abc123
  enrichctl merge --kind summaries --batch-id batch_abc123

Looking:
  enrichctl status                      one screen: what is open, what it costs, what is wrong
  enrichctl job 7                       why a job waits, and what comes next

)";

constexpr std::string_view every_command = R"(Flags of every command:
  --socket PATH        the daemon's socket (also ENRICHD_SOCKET)
  --json               print the daemon's reply unchanged
  --no-color           no colours (also NO_COLOR, TERM=dumb)
  --help, --version
)";

std::string exit_codes() {
    std::string out = "Exit codes:\n";
    for (const auto code : all_exit_codes)
        out += fmt::format("  {:<3} {}\n", static_cast<int>(code), meaning(code));
    return out;
}

std::string usage_of(const command& c) {
    auto usage = fmt::format("enrichctl {}", c.name);
    const auto operand = fmt::format("{}{}", c.takes.name, c.takes.several ? "..." : "");
    if (!c.takes.name.empty()) usage += c.takes.required ? " " + operand : " [" + operand + "]";
    for (const auto id : c.required)
        usage += fmt::format(" {} {}", find_flag(id).name, find_flag(id).value);
    return usage;
}

} // namespace

std::string general_help() {
    std::string out(introduction);
    out += "Commands (enrichctl COMMAND --help says more):\n";
    for (const auto& c : commands())
        out += fmt::format("  {:<20} {}\n", c.name, c.summary);
    return out + "\n" + std::string(every_command) + "\n" + exit_codes();
}

std::string group_help(std::string_view group) {
    std::string out;
    for (const auto& c : commands())
        if (c.name.starts_with(group) && c.name.substr(group.size()).starts_with(' '))
            out += fmt::format("{}{}.\n  {}\n", out.empty() ? "" : "\n", c.summary, usage_of(c));
    return out + fmt::format("\nenrichctl {} COMMAND --help says more.\n", group);
}

std::string command_help(const command& c) {
    auto out =
        fmt::format("{}.\n\nExample:\n  {}\n\nUsage:\n  {} [flags]\n", c.summary, c.example, usage_of(c));
    if (!c.takes.name.empty()) out += fmt::format("\n  {:<20} {}\n", c.takes.name, c.takes.meaning);
    if (!c.flags.empty()) out += "\nFlags:\n";
    for (const auto id : c.flags) {
        const auto& f = find_flag(id);
        const bool required = std::find(c.required.begin(), c.required.end(), id) != c.required.end();
        out += fmt::format("  {:<22} {}{}\n",
                           f.value.empty() ? std::string(f.name) : fmt::format("{} {}", f.name, f.value),
                           meaning_of(c, id), required ? " (required)" : "");
    }
    if (needs_operator(c))
        out += "\nFor operators: root, the daemon's own user, members of the group enrichd.\n";
    return out + "\n" + std::string(every_command) + "\n" + exit_codes();
}

} // namespace enrichd::ctl

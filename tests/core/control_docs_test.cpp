// docs/enrichctl.md holds exactly the commands, flags and exit codes that the program has.
// ENRICHD_TEST_ACCEPT=1 rewrites its lists.
// SPDX-License-Identifier: Apache-2.0
#include "core/control.hpp"
#include "core/control_errors.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/golden.hpp"

#include <fmt/format.h>

#include <algorithm>

using namespace enrichd;

namespace {

const std::string begin_of_commands = "<!-- commands: begin -->\n",
                  end_of_commands = "<!-- commands: end -->\n";

std::string escaped(std::string_view text) {
    std::string out;
    for (char c : text)
        out += c == '|' ? std::string("\\|") : std::string(1, c);
    return out;
}

std::string usage_of(const command& c) {
    auto usage = fmt::format("enrichctl {}", c.name);
    const auto operand = fmt::format("{}{}", c.takes.name, c.takes.several ? "..." : "");
    if (!c.takes.name.empty()) usage += c.takes.required ? " " + operand : " [" + operand + "]";
    for (const auto id : c.flags) {
        const auto& f = find_flag(id);
        const auto text = f.value.empty() ? std::string(f.name) : fmt::format("{} {}", f.name, f.value);
        const bool required = std::find(c.required.begin(), c.required.end(), id) != c.required.end();
        usage += required ? " " + text : " [" + text + "]";
    }
    return usage;
}

std::string lists() {
    std::string out = "\n## Commands\n";
    for (const auto& c : commands())
        out += fmt::format("\n### {}\n\n{}.{}\n\n```\n{}\n{}\n```\n", c.name, c.summary,
                           needs_operator(c) ? " For operators." : "", usage_of(c), c.example);
    out += "\n## Flags\n\n| flag | meaning |\n| --- | --- |\n";
    for (const auto& f : flags())
        out += fmt::format("| `{}{}{}` | {} |\n", f.name, f.value.empty() ? "" : " ", escaped(f.value),
                           escaped(f.meaning));
    out += "\n## Exit codes\n\n| code | meaning |\n| --- | --- |\n";
    for (const auto code : all_exit_codes)
        out += fmt::format("| {} | {} |\n", static_cast<int>(code), meaning(code));
    return out + "\n";
}

} // namespace

TEST_CASE("docs/enrichctl.md lists every command, flag and exit code as the program has it",
          "[core][control][docs]") {
    test::check_generated_part("enrichctl.md", begin_of_commands, end_of_commands, lists());
}

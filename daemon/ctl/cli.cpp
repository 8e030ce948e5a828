// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/cli.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/suggest.hpp"
#include "core/version.hpp"
#include "daemon/ctl/help.hpp"

namespace enrichd::ctl {

namespace {

/// What CLI11 fills while it parses.
struct parsing {
    options out;
    std::map<command_id, std::map<flag_id, std::vector<std::string>>> values;
    std::map<command_id, std::map<flag_id, bool>> switches;
    std::map<command_id, std::vector<std::string>> operands;
    std::map<command_id, CLI::App*> apps;
    bool version = false;
};

// These may be given more than once, and then hold every value. Any other flag says one thing: of two
// budgets or two batches none is the one that was meant.
bool is_list(flag_id f) {
    return f == flag_id::kind || f == flag_id::authorities;
}

void add_command(CLI::App& parent, const command& c, const std::string& name, parsing& p) {
    auto* app = parent.add_subcommand(name, std::string(c.summary));
    p.apps[c.id] = app;
    p.values.try_emplace(c.id);
    p.operands.try_emplace(c.id);
    app->fallthrough(); // the flags of every command may stand behind it
    for (const auto id : c.flags) {
        const auto& f = find_flag(id);
        if (f.value.empty()) {
            app->add_flag(std::string(f.name), p.switches[c.id][id]);
            continue;
        }
        auto* option = app->add_option(std::string(f.name), p.values[c.id][id])->expected(1);
        option->allow_extra_args(false);                              // what follows its value is not its own
        option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll); // repeated ones: see complaint_about()
        option->check([id](const std::string& v) { return complaint_about(id, v).value_or(""); });
        option->required(std::find(c.required.begin(), c.required.end(), id) != c.required.end());
    }
    if (c.takes.name.empty()) return;
    auto* operand = app->add_option(std::string(c.takes.name), p.operands[c.id]);
    operand->required(c.takes.required);
    operand->expected(c.takes.required ? 1 : 0, c.takes.several ? 100'000 : 1);
}

void add_commands(CLI::App& app, parsing& p) {
    std::map<std::string, CLI::App*> groups; // "quarantine" of "quarantine list"
    for (const auto& c : commands()) {
        const std::string name(c.name);
        const auto blank = name.find(' ');
        if (blank == std::string::npos) {
            add_command(app, c, name, p);
            continue;
        }
        auto*& group = groups[name.substr(0, blank)];
        if (!group) {
            group = app.add_subcommand(name.substr(0, blank));
            group->require_subcommand(1);
            group->fallthrough();
        }
        add_command(*group, c, name.substr(blank + 1), p);
    }
}

const command* chosen(const parsing& p) {
    for (const auto& [id, app] : p.apps)
        if (app->parsed()) return &find_command(id);
    return nullptr;
}

command_line usage_error(const std::string& about, std::string_view hint_command) {
    return {std::nullopt, exit_code::usage, about, fmt::format("enrichctl {}--help", hint_command)};
}

command_line text(std::string what) {
    return {std::nullopt, exit_code::ok, std::move(what), {}};
}

// An argument that nobody wanted: a mistyped command or flag, or a surplus.
std::string complaint_about_extra(const std::string& word, const command* c) {
    std::vector<std::string> known;
    if (word.starts_with("-")) {
        for (const auto& f : flags())
            if (!c || std::find(c->flags.begin(), c->flags.end(), f.id) != c->flags.end())
                known.emplace_back(f.name);
        known.insert(known.end(), {"--socket", "--json", "--no-color", "--help"});
        return fmt::format("unknown flag {}{}", word, did_you_mean(word, known));
    }
    if (c) return fmt::format("{}: one argument too many: {}", c->name, word);
    for (const auto& other : commands())
        known.emplace_back(other.name);
    return fmt::format("unknown command {}{}", word, did_you_mean(word, known));
}

command_line explain(const CLI::ParseError& e, CLI::App& app, const parsing& p) {
    const auto* c = chosen(p);
    const auto hint_command = c ? fmt::format("{} ", c->name) : std::string();
    const auto extra = app.remaining(true);
    if (dynamic_cast<const CLI::ExtrasError*>(&e) && !extra.empty())
        return usage_error(complaint_about_extra(extra.front(), c), hint_command);
    std::string about = e.what();
    if (const auto* group = app.get_subcommand_ptr("quarantine").get(); !c && group->parsed())
        about =
            extra.empty() ? "quarantine: expected list or release" : complaint_about_extra(extra.front(), c);
    return usage_error(c ? fmt::format("{}: {}", c->name, about) : about, hint_command);
}

// What the parts of a command line, each of them right, say together.
std::optional<std::string> complaint_about(const command& c, const parsing& p) {
    for (const auto& [id, given] : p.values.at(c.id))
        if (given.size() > 1 && !is_list(id))
            return fmt::format("{}: {} was given more than once: {}", c.name, find_flag(id).name,
                               fmt::join(given, ", "));
    const auto& operands = p.operands.at(c.id);
    const auto batch = p.values.at(c.id).find(flag_id::batch_id);
    if (batch != p.values.at(c.id).end() && !batch->second.empty() && !operands.empty())
        return fmt::format("{}: either --batch-id {} or {}, not both", c.name, batch->second.front(),
                           operands.front());
    return std::nullopt;
}

options finish(const command& c, parsing& p) {
    auto out = std::move(p.out);
    out.command = c.id;
    for (const auto& [id, given] : p.values[c.id])
        if (!given.empty()) out.values[id] = is_list(id) ? CLI::detail::join(given, ",") : given.back();
    for (const auto& [id, on] : p.switches[c.id])
        if (on) out.switches[id] = true;
    out.operands = p.operands[c.id];
    return out;
}

} // namespace

command_line parse_command_line(int argc, const char* const* argv) {
    parsing p;
    CLI::App app;
    app.name("enrichctl");
    app.add_option("--socket", p.out.socket);
    app.add_flag("--json", p.out.json);
    app.add_flag("--no-color", p.out.no_color);
    app.add_flag("--version", p.version);
    add_commands(app, p);
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        if (const auto* c = chosen(p)) return text(command_help(*c));
        const bool of_group = app.get_subcommand_ptr("quarantine")->parsed();
        return text(of_group ? group_help("quarantine") : general_help());
    } catch (const CLI::ParseError& e) {
        return explain(e, app, p);
    }
    if (p.version) return text(fmt::format("enrichctl {}\n", program_version()));
    const auto* c = chosen(p);
    if (!c) return text(general_help());
    if (const auto wrong = complaint_about(*c, p)) return usage_error(*wrong, fmt::format("{} ", c->name));
    return {finish(*c, p), exit_code::ok, {}, {}};
}

} // namespace enrichd::ctl

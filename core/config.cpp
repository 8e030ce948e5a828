// SPDX-License-Identifier: Apache-2.0
#include "core/config.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <algorithm>
#include <optional>

#include "core/config_keys.hpp"
#include "core/env_file.hpp"
#include "core/json_edge.hpp"
#include "core/overloaded.hpp"
#include "core/suggest.hpp"

namespace enrichd {

namespace {

// What was written, for the "got ..." of a message.
std::string shown(const config_value& v) {
    return std::visit(
        overloaded{
            [](const std::string& s) { return fmt::format("\"{}\"", safe_excerpt(s, 60)); },
            [](const written& w) { return fmt::format("\"{}\"", safe_excerpt(w.text, 60)); },
            [](std::int64_t i) { return fmt::format("{}", i); },
            [](double d) { return fmt::format("{}", d); },
            [](bool b) { return fmt::format("{}", b); },
            [](const std::vector<double>& l) { return fmt::format("[{}]", fmt::join(l, ", ")); },
            [](const other_type& t) { return t.name; },
        },
        v);
}

config_value read_array(const toml::array& a) {
    std::vector<double> numbers;
    for (const auto& element : a) {
        const auto n = element.value<double>(); // takes integers too
        if (!n || !element.is_number()) return other_type{"a list of other things"};
        numbers.push_back(*n);
    }
    return numbers;
}

config_value read_node(const toml::node& n) {
    if (const auto* s = n.as_string()) return s->get();
    if (const auto* i = n.as_integer()) return i->get();
    if (const auto* d = n.as_floating_point()) return d->get();
    if (const auto* b = n.as_boolean()) return b->get();
    if (const auto* a = n.as_array()) return read_array(*a);
    return other_type{n.is_table() ? "a section" : "a date or time"};
}

class config_reader {
public:
    void read_toml(const config_text& file);
    void read_env_file(const config_text& file);
    void read_environment(const std::map<std::string, std::string, std::less<>>& environment);
    result<config> finish(const surroundings& around);

private:
    void read_section(const std::string& file, const std::string& section, const toml::table& keys);
    void set(const config_key& key, const config_value& v, const std::string& place,
             const std::string& shown_name);
    void unknown(const std::string& place, const std::string& name, const std::vector<std::string>& known);
    void check_together();

    config config_;
    std::map<std::string, std::string> set_at_; // name of key -> place, of those that were given
    std::vector<std::string> errors_;
};

void config_reader::set(const config_key& key, const config_value& v, const std::string& place,
                        const std::string& shown_name) {
    set_at_[key.name] = fmt::format("{}: {}", place, shown_name);
    if (!key.set(config_, v))
        errors_.push_back(
            fmt::format("{}: {}: expected {}, got {}", place, shown_name, key.expected,
                        key.secret ? "something else (not shown, it may hold a secret)" : shown(v)));
}

void config_reader::unknown(const std::string& place, const std::string& name,
                            const std::vector<std::string>& known) {
    errors_.push_back(fmt::format("{}: {}: expected a known key, got this one{}", place, safe_excerpt(name),
                                  did_you_mean(name, known)));
}

void config_reader::read_toml(const config_text& file) {
    toml::table root;
    try {
        root = toml::parse(file.text, file.name);
    } catch (const toml::parse_error& e) {
        errors_.push_back(fmt::format("{}:{}: syntax: expected TOML, got an error in column {}: {}",
                                      file.name, e.source().begin.line, e.source().begin.column,
                                      safe_excerpt(e.description())));
        return;
    }
    std::vector<std::string> sections;
    for (const auto& key : config_keys())
        sections.push_back(key.name.substr(0, key.name.find('.')));
    for (const auto& [name, node] : root) {
        const std::string section(name.str());
        const auto place = fmt::format("{}:{}", file.name, name.source().begin.line);
        if (std::find(sections.begin(), sections.end(), section) == sections.end())
            unknown(place, section, sections);
        else if (const auto* keys = node.as_table())
            read_section(file.name, section, *keys);
        else
            errors_.push_back(fmt::format("{}: {}: expected a section [{}], got {}", place, section, section,
                                          shown(read_node(node))));
    }
}

void config_reader::read_section(const std::string& file, const std::string& section,
                                 const toml::table& keys) {
    std::vector<std::string> known;
    for (const auto& key : config_keys())
        if (key.in_file && key.name.starts_with(section + ".")) known.push_back(key.name);
    for (const auto& [key_name, node] : keys) {
        const auto name = fmt::format("{}.{}", section, key_name.str());
        const auto place = fmt::format("{}:{}", file, key_name.source().begin.line);
        const auto key = std::find_if(config_keys().begin(), config_keys().end(),
                                      [&](const config_key& k) { return k.name == name; });
        if (key == config_keys().end())
            unknown(place, name, known);
        else if (!key->in_file)
            errors_.push_back(fmt::format("{}: {}: expected no secret in this file, got one; name a file in "
                                          "provider.api_key_file, or set {}",
                                          place, name, key->environment.front()));
        else
            set(*key, read_node(node), place, name);
    }
}

void config_reader::read_env_file(const config_text& file) {
    const auto parsed = parse_env_file(file.text);
    for (const auto& e : parsed.errors)
        errors_.push_back(fmt::format("{}:{}", file.name, e));
    for (const auto& key : config_keys()) {
        for (const auto& variable : key.environment) {
            // The last line of a name counts, as in a shell that reads the file.
            const auto entry = std::find_if(parsed.entries.rbegin(), parsed.entries.rend(),
                                            [&](const env_entry& e) { return e.key == variable; });
            if (entry == parsed.entries.rend() || entry->value.empty()) continue;
            set(key, written{entry->value}, fmt::format("{}:{}", file.name, entry->line), variable);
            break;
        }
    }
}

void config_reader::read_environment(const std::map<std::string, std::string, std::less<>>& environment) {
    for (const auto& key : config_keys()) {
        for (const auto& variable : key.environment) {
            const auto entry = environment.find(variable);
            if (entry == environment.end() || entry->second.empty()) continue;
            set(key, written{entry->second}, "environment", variable);
            break;
        }
    }
}

// What two keys say together.
void config_reader::check_together() {
    auto& poll = config_.poll;
    if (poll.max_seconds >= poll.first_seconds) return;
    const auto given = set_at_.find("poll.max_seconds");
    if (given == set_at_.end())
        poll.max_seconds = poll.first_seconds; // only the shortest was asked for
    else
        errors_.push_back(fmt::format("{}: expected at least poll.first_seconds, {}, got {}", given->second,
                                      poll.first_seconds, poll.max_seconds));
}

result<config> config_reader::finish(const surroundings& around) {
    check_together();
    while (config_.provider.base_url.ends_with('/'))
        config_.provider.base_url.pop_back();
    if (const auto credentials = around.environment.find("CREDENTIALS_DIRECTORY");
        credentials != around.environment.end())
        config_.provider.credentials_directory = credentials->second;
    if (config_.state_directory.empty()) config_.state_directory = default_state_directory(around);
    if (config_.control_socket.empty())
        config_.control_socket = default_socket(around, config_.state_directory);
    if (config_.state_directory.empty())
        errors_.push_back("environment: HOME: expected a path, got none; set it, or [state] directory");

    if (!errors_.empty()) return error{errc::invalid_input, fmt::format("{}", fmt::join(errors_, "\n"))};
    return std::move(config_);
}

} // namespace

result<config> read_config(const std::optional<config_text>& toml, const std::optional<config_text>& env_file,
                           const surroundings& around) {
    config_reader reader;
    if (toml) reader.read_toml(*toml);
    if (env_file) reader.read_env_file(*env_file);
    reader.read_environment(around.environment);
    return reader.finish(around);
}

} // namespace enrichd

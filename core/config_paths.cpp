// Where files are when nobody says otherwise: systemd's folders, the system's for root, the XDG ones for a
// user.
// SPDX-License-Identifier: Apache-2.0
#include "core/config.hpp"

namespace enrichd {

namespace {

std::string variable(const surroundings& around, std::string_view name) {
    const auto found = around.environment.find(name);
    return found == around.environment.end() ? std::string() : found->second;
}

// systemd separates several folders by colons; ours is the first.
// https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#RuntimeDirectory=
std::string systemd_directory(const surroundings& around, std::string_view name) {
    const auto list = variable(around, name);
    return list.substr(0, list.find(':'));
}

// An XDG base directory must be absolute; others are to be ignored.
// https://specifications.freedesktop.org/basedir-spec/latest/
std::string xdg_directory(const surroundings& around, std::string_view name, std::string_view below_home) {
    auto given = variable(around, name);
    if (given.starts_with('/')) return given;
    const auto home = variable(around, "HOME");
    return below_home.empty() || home.empty() ? std::string() : home + std::string(below_home);
}

std::string with_folder(const std::string& base, std::string_view rest) {
    return base.empty() ? base : base + std::string(rest);
}

} // namespace

std::string default_config_path(const surroundings& around) {
    const auto given = systemd_directory(around, "CONFIGURATION_DIRECTORY");
    if (!given.empty()) return given + "/enrichd.toml";
    if (around.root) return "/etc/enrichd/enrichd.toml";
    return with_folder(xdg_directory(around, "XDG_CONFIG_HOME", "/.config"), "/enrichd/enrichd.toml");
}

std::string default_state_directory(const surroundings& around) {
    auto given = systemd_directory(around, "STATE_DIRECTORY");
    if (!given.empty()) return given;
    if (around.root) return "/var/lib/enrichd";
    return with_folder(xdg_directory(around, "XDG_STATE_HOME", "/.local/state"), "/enrichd");
}

std::string default_socket(const surroundings& around, const std::string& state_directory) {
    const auto given = systemd_directory(around, "RUNTIME_DIRECTORY");
    if (!given.empty()) return given + "/enrichd.sock";
    if (around.root) return "/run/enrichd/enrichd.sock";
    const auto runtime = xdg_directory(around, "XDG_RUNTIME_DIR", "");
    return with_folder(runtime.empty() ? state_directory : runtime, "/enrichd.sock");
}

std::vector<std::string> client_sockets(const surroundings& around) {
    if (auto given = variable(around, "ENRICHD_SOCKET"); !given.empty()) return {given};
    std::vector<std::string> paths;
    if (!around.root) {
        paths = {with_folder(xdg_directory(around, "XDG_RUNTIME_DIR", ""), "/enrichd.sock"),
                 with_folder(default_state_directory(around), "/enrichd.sock")};
        std::erase(paths, std::string());
    }
    paths.push_back("/run/enrichd/enrichd.sock");
    return paths;
}

} // namespace enrichd

// enrichd: reads its command line and configuration, then serves.
// SPDX-License-Identifier: Apache-2.0
#include "core/version.hpp"
#include "daemon/check_settings.hpp"
#include "daemon/instance.hpp"
#include "daemon/log.hpp"
#include "daemon/settings.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <sysexits.h>

namespace {

struct arguments {
    enrichd::config_sources sources;
    bool check_only = false;
};

// Absent: the command line asked for an exit (help, version, a mistake) with `code`.
std::optional<arguments> read_arguments(int argc, char** argv, int& code) {
    CLI::App app(
        "enrichd: enriches database rows with summaries and embeddings, at batch price.\n\n"
        "Runs in the foreground until SIGTERM; SIGHUP reads the configuration again. It is operated with\n"
        "enrichctl. Every setting is described in docs/configuration.md.");
    arguments a;
    app.add_option("--config", a.sources.config_file,
                   "configuration file (default: /etc/enrichd/enrichd.toml as root, else\n"
                   "~/.config/enrichd/enrichd.toml, if there is one)");
    app.add_option("--env-file", a.sources.env_file, "a file of NAME=VALUE lines, such as app/.env");
    app.add_flag("--check-config", a.check_only, "read the configuration, say what is wrong, and end");
    app.set_version_flag("--version", "enrichd " + std::string(enrichd::program_version()));
    app.get_formatter()->column_width(28);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        code = app.exit(e) == 0 ? EX_OK : EX_USAGE;
        return std::nullopt;
    }
    return a;
}

enrichd::log::level level_of(const std::string& word) {
    using enrichd::log::level;
    if (word == "debug") return level::debug;
    if (word == "warning") return level::warning;
    if (word == "notice") return level::notice;
    if (word == "error") return level::error;
    return level::info;
}

int check(const enrichd::loaded_settings& settings) {
    const auto problems = enrichd::problems_of(settings);
    for (const auto& problem : problems)
        fmt::print(stderr, "{}\n", problem);
    if (!problems.empty()) return EX_CONFIG;
    fmt::print("the configuration is good: {}\n",
               settings.config_file.empty() ? "defaults and environment" : settings.config_file);
    return EX_OK;
}

} // namespace

int main(int argc, char** argv) {
    try {
        int code = EX_OK;
        const auto arguments = read_arguments(argc, argv, code);
        if (!arguments) return code;
        auto settings = enrichd::load_settings(arguments->sources);
        if (!settings) {
            fmt::print(stderr, "{}\n", settings.error().detail);
            return EX_CONFIG;
        }
        if (arguments->check_only) return check(*settings);
        enrichd::log::open(level_of(settings->config.log_level));
        enrichd::instance daemon(arguments->sources, std::move(*settings));
        daemon.run();
        return EX_OK;
    } catch (const enrichd::fatal_error& e) {
        enrichd::log::write(enrichd::log::level::critical, e.what());
        return e.what_error().code == enrichd::errc::invalid_input ? EX_CONFIG : EXIT_FAILURE;
    } catch (const std::exception& e) {
        enrichd::log::write(enrichd::log::level::critical, e.what());
        return EXIT_FAILURE;
    }
}

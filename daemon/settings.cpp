// SPDX-License-Identifier: Apache-2.0
#include "daemon/settings.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>
#include <unistd.h>
#include <utility>

extern char** environ;

namespace enrichd {

namespace {

result<std::string> read_file(const std::string& path, std::string_view what) {
    std::error_code ec;
    if (std::filesystem::is_directory(path, ec))
        return error{errc::io, fmt::format("{}: cannot read {}: it is a folder, not a file", path, what)};
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    if (file) text << file.rdbuf();
    if (!file || file.bad())
        return error{errc::io, fmt::format("{}: cannot read {}: {}", path, what, std::strerror(errno))};
    return text.str();
}

surroundings look_around() {
    surroundings around;
    for (char** entry = environ; *entry; ++entry) {
        const std::string_view pair(*entry);
        const auto equals = pair.find('=');
        if (equals != std::string_view::npos)
            around.environment.emplace(pair.substr(0, equals), pair.substr(equals + 1));
    }
    around.root = geteuid() == 0;
    return around;
}

std::string trimmed(std::string text) {
    text.erase(text.find_last_not_of(" \t\r\n") + 1);
    text.erase(0, text.find_first_not_of(" \t\r\n"));
    return text;
}

// A file that is named in the configuration counts first, then systemd's credential, then the environment.
result<std::string> find_api_key(const provider_config& p) {
    auto path = p.api_key_file;
    if (path.empty() && !p.credentials_directory.empty()) {
        const auto credential = std::filesystem::path(p.credentials_directory) / "openai-api-key";
        std::error_code ec;
        if (std::filesystem::exists(credential, ec)) path = credential.string();
    }
    if (path.empty()) return p.api_key;
    auto text = read_file(path, "the provider's key ([provider] api_key_file)");
    if (!text) return text.error();
    auto key = trimmed(std::move(*text));
    if (key.empty()) return error{errc::invalid_input, fmt::format("{}: the key file is empty", path)};
    return key;
}

} // namespace

result<loaded_settings> load_settings(const config_sources& from) {
    const auto around = look_around();
    loaded_settings s;
    std::optional<config_text> file;
    std::optional<config_text> env;
    s.config_file = from.config_file.value_or(default_config_path(around));
    std::error_code ec;
    if (from.config_file || std::filesystem::exists(s.config_file, ec)) {
        auto text = read_file(s.config_file, "the configuration");
        if (!text) return text.error();
        file = {s.config_file, std::move(*text)};
    } else {
        s.config_file.clear();
    }
    if (from.env_file) {
        auto text = read_file(*from.env_file, "the environment file");
        if (!text) return text.error();
        env = {*from.env_file, std::move(*text)};
    }
    auto read = read_config(file, env, around);
    if (!read) return read.error();
    s.config = std::move(*read);

    s.models = model_catalogue::built_in();
    if (!s.config.models_file.empty()) {
        const auto text = read_file(s.config.models_file, "the models ([models] file)");
        if (!text) return text.error();
        if (const auto laid = s.models.overlay(*text, s.config.models_file); !laid) return laid.error();
    }
    auto key = find_api_key(s.config.provider);
    if (!key) return key.error();
    s.api_key = std::move(*key);
    return s;
}

} // namespace enrichd

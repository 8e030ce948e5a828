// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/killer/canaries.hpp"

#include "tests/support/temp_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

namespace enrichd::killer {

namespace fs = std::filesystem;

namespace {

void add(std::vector<leak>& to, std::vector<leak> more) {
    std::move(more.begin(), more.end(), std::back_inserter(to));
}

} // namespace

std::vector<canary> planted_by(const round_plan& p) {
    std::vector<canary> all;
    for (const auto& part : p.api_key_parts())
        all.push_back({"the API key", part});
    for (const auto& part : p.password_parts())
        all.push_back({"the database's password", part});
    return all;
}

std::vector<leak> canaries::in_text(std::string_view bytes, const std::string& where) const {
    std::vector<leak> all;
    for (const auto& c : planted_)
        if (const auto at = bytes.find(c.text); at != bytes.npos) all.push_back({c.what, where, at});
    return all;
}

std::vector<leak> canaries::in_folder(const fs::path& folder, const std::vector<fs::path>& planted_in) const {
    std::vector<leak> all;
    std::error_code gone; // files come and go under a running daemon
    for (fs::recursive_directory_iterator at(folder, gone), end; at != end; at.increment(gone)) {
        // A symbolic link's target has a place of its own.
        if (!at->is_regular_file(gone) || at->is_symlink(gone)) continue;
        if (std::find(planted_in.begin(), planted_in.end(), at->path()) != planted_in.end()) continue;
        add(all, in_text(at->path().filename().string(), "the name of " + at->path().string()));
        add(all, in_text(test::read_file(at->path()), at->path().string()));
    }
    return all;
}

std::vector<leak> canaries::in_process(std::int64_t pid, const std::vector<std::string>& given) const {
    const auto of = fmt::format("/proc/{}/", pid);
    auto all = in_text(test::read_file(of + "cmdline"), of + "cmdline");
    std::istringstream variables(test::read_file(of + "environ"));
    for (std::string pair; std::getline(variables, pair, '\0');) {
        const auto name = pair.substr(0, pair.find('='));
        if (std::find(given.begin(), given.end(), name) == given.end())
            add(all, in_text(pair, fmt::format("{}environ, {}", of, name)));
    }
    return all;
}

} // namespace enrichd::killer

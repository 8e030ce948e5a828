// The setup of a sandbox in a folder of its own, and its JSON as text.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/support/sandbox_thread.hpp"

#include <string>

namespace enrichd::test {

struct sandbox_fixture {
    temporary_folder folder;
    sandbox_setup setup{folder.path, "{}", 0, 86'400, "", 7};

    /// The setup, from now on with these rules of a scenario: JSON objects, with commas between.
    sandbox_setup with(const std::string& rules) {
        setup.scenario = "{\"seed\": 3, \"rules\": [" + rules + "]}";
        return setup;
    }
};

/// A string as it is, anything else as JSON.
inline std::string text(const nlohmann::json& j) {
    return j.is_string() ? j.get<std::string>() : j.dump();
}

} // namespace enrichd::test

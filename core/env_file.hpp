// Files of KEY=VALUE lines, as shells, docker and python-dotenv read them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace enrichd {

struct env_entry {
    std::string key;
    std::string value;
    int line = 0; ///< counted from 1; of a value over several lines the first
};

struct env_file {
    std::vector<env_entry> entries;  ///< in the order of the file; a later one of the same key counts
    std::vector<std::string> errors; ///< "line: expected ..., got ..."; never a value, which may be a secret
};

/// Reads `KEY=VALUE`, `export KEY=VALUE`, 'single' quotes (as they are), "double" quotes (\n, \t, \", \\,
/// \$), both over several lines, and comments: whole lines, or after a space behind a value. A name without
/// `=` sets nothing. Variables inside values are not expanded.
env_file parse_env_file(std::string_view text);

} // namespace enrichd

// Planted secrets, and the search for them in everything that enrichd writes, says or shows.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/faults/killer/plan.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace enrichd::killer {

struct canary {
    std::string what; ///< "API key"
    std::string text; ///< what no output may hold: the part that no quoting and no escaping changes
};

/// The secrets of a round, each of their parts by itself: a message that is cut, or a URL that is taken apart
/// at the wrong sign, shows no more than one.
std::vector<canary> planted_by(const round_plan& p);

struct leak {
    std::string what;
    std::string where; ///< a file, or a file of /proc
    std::size_t offset = 0;
};

class canaries {
public:
    explicit canaries(std::vector<canary> planted) : planted_(std::move(planted)) {}

    /// In these bytes.
    std::vector<leak> in_text(std::string_view bytes, const std::string& where) const;
    /// In every regular file below a folder but `planted_in`, the files that a user put them into.
    std::vector<leak> in_folder(const std::filesystem::path& folder,
                                const std::vector<std::filesystem::path>& planted_in) const;
    /// In what the system shows of a process: its arguments, and those variables that are not of `given`.
    std::vector<leak> in_process(std::int64_t pid, const std::vector<std::string>& given) const;

    const std::vector<canary>& planted() const { return planted_; }

private:
    std::vector<canary> planted_;
};

} // namespace enrichd::killer

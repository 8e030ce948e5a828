// What a round is made of: everything that its seed decides before it begins.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/faults/sim/scenario.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace enrichd::killer {

using faults::chance;

enum class ledger_fate {
    kept,
    lost,    ///< a new one has to be made of what the provider lists
    restored ///< from a copy that was made some deeds before
};

enum class password_place {
    user,       ///< "postgresql://user:password@..."
    word,       ///< "?password="
    environment ///< PGPASSWORD
};

struct round_plan {
    std::uint64_t seed = 0;
    bool postgres = true;
    int rows = 30;
    int deeds = 12; ///< kills, faults and commands, one after another
    ledger_fate fate = ledger_fate::kept;
    int copied_at = 0;        ///< before this deed, where it is restored
    int lost_at = 0;          ///< before this one
    bool loses_spool = false; ///< with the ledger; else it alone is gone
    nlohmann::json scenario;
    std::string batch_seconds;
    int max_requests = 10;
    int merge_rows = 5;
    bool key_in_file = false;        ///< else in the daemon's environment
    bool url_in_environment = false; ///< else in the configuration file
    password_place password = password_place::user;
    bool keeps_results = false; ///< output files stay at the provider
    bool creates_late = false;  ///< a batch may be made some moments after the call
    bool hides_batches = false; ///< longer than all looks through the list: a second batch may be made

    /// The secrets of this round: of parts that no quoting and no escaping changes, and between them each
    /// sign that some do, and at which a secret may be cut in two.
    std::string api_key() const;
    std::string password_text() const;
    std::vector<std::string> api_key_parts() const;
    std::vector<std::string> password_parts() const;
};

round_plan draw_plan(std::uint64_t seed);

/// As in URLs.
std::string percent_encoded(const std::string& text);

/// One line for people.
std::string to_string(const round_plan& p);

} // namespace enrichd::killer

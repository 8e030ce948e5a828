// What keeps a configuration from working, found without starting anything.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/settings.hpp"

#include <string>
#include <vector>

namespace enrichd {

/// What the daemon would refuse at its start (a certificate or URL that cannot be read), and what it would
/// only stumble over later: an unknown model, a port that is none, a query or name that is not SQL. One
/// problem a text; connects to nothing.
std::vector<std::string> problems_of(const loaded_settings& s);

} // namespace enrichd

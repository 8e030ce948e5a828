// Who may operate the daemon, decided from what the kernel says of a peer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/http/server.hpp"

#include <functional>

namespace enrichd::control {

/// True if this peer may operate; everybody else may look.
using peer_policy = std::function<bool(const http::peer_credentials&)>;

/// root, the daemon's own user, and processes that are in the group (as their own or a supplementary one).
/// The group is looked up now; where there is none of that name, the first two are all.
peer_policy operators(const char* group_name = "enrichd");

} // namespace enrichd::control

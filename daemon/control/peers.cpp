// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/peers.hpp"

#include <algorithm>
#include <grp.h>
#include <optional>
#include <unistd.h>
#include <vector>

namespace enrichd::control {

namespace {

std::optional<gid_t> find_group(const char* name) {
    std::vector<char> text(1024);
    group found = {};
    group* result = nullptr;
    // A group with many members needs more room than anybody can tell beforehand.
    while (getgrnam_r(name, &found, text.data(), text.size(), &result) == ERANGE && text.size() < 1u << 20)
        text.resize(text.size() * 2);
    if (!result) return std::nullopt;
    return found.gr_gid;
}

} // namespace

peer_policy operators(const char* group_name) {
    return [own = geteuid(), group = find_group(group_name)](const http::peer_credentials& peer) {
        if (peer.uid == 0 || peer.uid == own) return true;
        if (!group) return false;
        return peer.gid == *group ||
               std::find(peer.groups.begin(), peer.groups.end(), *group) != peer.groups.end();
    };
}

} // namespace enrichd::control

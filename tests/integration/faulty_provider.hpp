// A deployment whose provider misbehaves by rule, enriched to its end.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/support/catch.hpp"
#include "tests/support/deployment.hpp"

#include <string>
#include <utility>

namespace enrichd::test {

/// A scenario of the sandbox.
inline nlohmann::json rules(nlohmann::json list) {
    return {{"seed", 7}, {"rules", std::move(list)}};
}

/// The main job as a user starts it; its end.
inline finished enrich(deployment& d) {
    d.start_daemon();
    REQUIRE(d.ctl({"migrate"}).code == 0);
    return d.ctl({"run", "--auto", "--wait"});
}

/// How many rows with enough text have no embedding.
inline std::string unenriched(const deployment& d) {
    return d.query(
        "SELECT COUNT(*) FROM events AS e WHERE embedding IS NULL AND (SELECT SUM(LENGTH(clean_text)) "
        "FROM documents AS x WHERE x.event_id = e.event_id) >= 100");
}

} // namespace enrichd::test

// Scenarios of the sandbox: every rule within its bounds, or every mistake named.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/scenario.hpp"

#include <algorithm>

#include "tests/fuzz/fuzz.hpp"

using namespace enrichd;

namespace {

void check(const sandbox::occurrence& o) {
    fuzz::require(std::find(o.nth.begin(), o.nth.end(), 0U) == o.nth.end(), "events are counted from 1");
    fuzz::require(o.probability >= 0 && o.probability <= 1, "a probability is one");
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto s = sandbox::parse_scenario(fuzz::text_of(data, size), "s.json");
    if (!s) {
        fuzz::require(s.error().code == errc::invalid_input, "a wrong scenario is invalid input");
        fuzz::require(s.error().detail.starts_with("s.json"), "mistakes name the file");
        fuzz::require(fuzz::is_presentable(s.error().detail, "\n"), "and can be shown");
        return 0;
    }
    for (const auto& [model, tokens] : s->quotas)
        fuzz::require(tokens >= 1, "a quota has room for something");
    for (const auto& r : s->calls) {
        check(r.when);
        fuzz::require(r.status >= 400 && r.status <= 599, "a refusal has its status");
        fuzz::require(r.seconds >= 0 && r.seconds <= 86'400, "a delay is at most a day");
        fuzz::require(r.body.empty() || parse_json(r.body, 1 << 20), "a body is JSON");
    }
    for (const auto& r : s->batches) {
        check(r.when);
        fuzz::require(r.fraction >= 0 && r.fraction <= 1, "a fraction is one");
        fuzz::require(r.seconds >= 0 && r.seconds <= 86'400, "a batch takes at most a day");
    }
    for (const auto& r : s->lines) {
        check(r.when);
        fuzz::require(r.status != 200 && r.status <= 599, "a failure has its status");
    }
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "daemon/purchase_gate.hpp"

#include <fmt/format.h>

#include <limits>
#include <map>

namespace enrichd {

namespace {

constexpr auto not_looked = "the provider's list was not looked through since the start for batches that the "
                            "ledger does not know; it is, as soon as provider and database answer, and no "
                            "job has to end an earlier try first";

error why_not_looked(const chore_row& look) {
    error why{errc::unavailable, not_looked};
    if (!look.reason.empty()) why.detail += fmt::format("; the last try: {}", look.reason);
    return why;
}

std::optional<error> why_unknown(ledger& l) {
    if (!l.unknown().any()) return std::nullopt;
    return error{errc::unknown_batches, tell_unknown(l.installation(), l.unknown().list())};
}

} // namespace

std::string tell_unknown(const std::string& installation, const std::vector<unknown_row>& batches) {
    std::map<std::string, std::size_t> others;
    for (const auto& b : batches)
        if (b.installation != installation) ++others[b.installation];
    std::string by;
    for (const auto& [other, n] : others)
        by += fmt::format("; installation {} made {} of them", other, n);
    const bool one = batches.size() == 1;
    return fmt::format(
        "{} at the provider {} not in the ledger (a restored or lost ledger, or a second "
        "installation{}): `enrichctl adopt --all` takes {} in, `enrichctl adopt BATCH --leave` lets "
        "{} go; nothing is bought before",
        one ? "1 batch" : fmt::format("{} batches", batches.size()), one ? "is" : "are", by,
        one ? "it" : "them", one ? "it" : "one");
}

std::optional<error> why_not_build(ledger& l) {
    if (auto why = why_unknown(l)) return why;
    const auto look = l.chores().find(chore::find_unknown);
    if (look && look->failures == 0) return why_not_looked(*look);
    return std::nullopt;
}

std::optional<error> why_not_send(ledger& l) {
    if (auto why = why_unknown(l)) return why;
    if (const auto look = l.chores().find(chore::find_unknown)) return why_not_looked(*look);
    return std::nullopt;
}

bool is_held_at_gate(const waiting& w) {
    return w.cause == errc::unknown_batches ||
           (w.cause == errc::unavailable && w.reason.starts_with(not_looked));
}

// What waits still tells the reason of now: there are fewer batches in its way.
void release_held(ledger& l, std::int64_t now_ms) {
    const auto next = [now_ms](const std::optional<error>& why) {
        return why ? waiting{std::nullopt, 0, why->detail, why->code} : waiting{now_ms, 0, ""};
    };
    const auto build = next(why_not_build(l)), send = next(why_not_send(l));
    for (const auto& run : l.runs().list_open())
        if (is_held_at_gate(run.waiting) && run.waiting.reason != build.reason)
            l.runs().postpone(run.id, build, now_ms);
    for (const auto& job : l.jobs().list(true, std::numeric_limits<std::int64_t>::max()))
        if (is_held_at_gate(job.waiting) && job.waiting.reason != send.reason)
            l.jobs().postpone(job, send, now_ms);
}

} // namespace enrichd

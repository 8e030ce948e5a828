// SPDX-License-Identifier: Apache-2.0
#include "core/control.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>

namespace enrichd {

namespace {

using a_flag = flag_id;

constexpr flag flag_table[] = {
    {a_flag::mode, "--mode", "enrich", "what to do; enrich is all there is"},
    {a_flag::automatic, "--auto", "", "go through to the end without asking"},
    {a_flag::kind, "--kind", "KIND", "summaries or embeddings; run and plan take both if it is left out"},
    {a_flag::since, "--since", "DATE",
     "rows dated then or later: YYYY-MM-DD (UTC), or an ISO time with its offset"},
    {a_flag::limit, "--limit", "N", "at most N rows of each kind, newest first"},
    {a_flag::budget, "--budget", "USD", "spend less than the profile allows"},
    {a_flag::profile, "--profile", "test|full",
     "whose limit counts: ENRICH_MAX_USD_TEST or ENRICH_MAX_USD_FULL (default)"},
    {a_flag::authorities, "--authorities", "A,B", "rows of these authorities only"},
    {a_flag::refresh, "--refresh", "legacy", "also rows that the original module enriched"},
    {a_flag::wait, "--wait", "", "stay until it has ended, and show progress"},
    {a_flag::no_wait, "--no-wait", "", "do not stay: return as soon as the daemon knows"},
    {a_flag::timeout, "--timeout", "TIME", "wait no longer than this (90, 90s, 5m, 26h), then exit 9"},
    {a_flag::out, "--out", "FILE",
     "write a copy here (- is standard output); folders are made, further files are FILE with .002 before "
     "the ending"},
    {a_flag::input, "--input", "FILE", "a request file that `build --out` wrote"},
    {a_flag::batch_id, "--batch-id", "ID", "the provider's batch id, or the id of one of our jobs"},
    {a_flag::run, "--run", "RUN", "of this run"},
    {a_flag::all, "--all", "", "everything, not only what is open"},
    {a_flag::plan, "--plan", "", "show what would be done, and do nothing"},
    {a_flag::encoding, "--encoding", "NAME", "cl100k_base or o200k_base (default)"},
    {a_flag::model, "--model", "NAME", "the encoding of this model"},
    {a_flag::jsonl, "--jsonl", "", "each line is a JSON string; print one number for each"},
    {a_flag::abandon, "--abandon", "",
     "give the batch up, should the provider not end it or have lost it: nothing more of it is fetched or "
     "merged"},
    {a_flag::adopt, "--adopt", "BATCH",
     "this batch of the provider's is the one: it is looked at first, and taken if it fits"},
    {a_flag::resubmit, "--resubmit", "",
     "no batch was made: send it again, under the same submission. Should one show up after all, it is "
     "cancelled, and what it did is paid for"},
    {a_flag::leave, "--leave", "",
     "let it go instead, for ever: nothing waits for it, and what it holds may be bought again"},
    {a_flag::csv, "--csv", "", "every booking, as CSV, instead of the sums"},
};

} // namespace

std::span<const flag> flags() {
    return flag_table;
}

const flag& find_flag(flag_id id) {
    const auto found =
        std::find_if(std::begin(flag_table), std::end(flag_table), [&](const flag& x) { return x.id == id; });
    assert(found != std::end(flag_table));
    return *found;
}

} // namespace enrichd

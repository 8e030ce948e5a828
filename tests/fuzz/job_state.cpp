// The two columns that hold a job's state: its name, and its fields as JSON.
// SPDX-License-Identifier: Apache-2.0
#include "state/job_row.hpp"

#include <algorithm>
#include <string>

#include "tests/fuzz/fuzz.hpp"

using namespace enrichd;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto rest = fuzz::text_of(data, size);
    const auto word = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    const auto state = read_state(word, rest);
    if (!state) {
        fuzz::require(state.error().code == errc::internal, "a ledger that is not ours is said to be so");
        fuzz::require(fuzz::is_presentable(state.error().detail), "in words that can be shown");
        return 0;
    }
    fuzz::require(job::name(*state) == word, "a state has the name that it was read by");
    const auto written = state_fields(*state);
    const auto again = read_state(word, written);
    fuzz::require(again.has_value() && state_fields(*again) == written, "what is read is what was written");
    for (const auto cancel :
         {job::cancel_reason::none, job::cancel_reason::user, job::cancel_reason::abandon})
        (void)job::next_effect(*state, {job::goal::merged, cancel});
    return 0;
}

// Dates and times: what is shown of a time is read as the same second.
// SPDX-License-Identifier: Apache-2.0
#include "core/iso_time.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace enrichd;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto text = fuzz::text_of(data, size);
    constexpr std::int64_t day = 86'400'000;
    constexpr std::int64_t year_0 = -62'167'219'200'000, year_10000 = 253'402'300'800'000;
    if (const auto ms = parse_iso_time(text)) {
        fuzz::require(*ms > year_0 - day - 1 && *ms < year_10000 + day, "a year has four digits");
        if (*ms >= year_0 && *ms < year_10000) {
            const auto shown = format_iso_time(*ms);
            const auto again = parse_iso_time(shown);
            fuzz::require(again && *again <= *ms && *ms - *again < 1000, "the same second, written anew");
            fuzz::require(format_iso_time(*again) == shown, "and shown the same");
        }
    }
    // A time from a ledger that somebody wrote into.
    const auto any = static_cast<std::int64_t>(fuzz::take_word(text));
    fuzz::require(!format_iso_time(any).empty(), "any number can be shown");
    return 0;
}

// What the flags of enrichctl take.
// SPDX-License-Identifier: Apache-2.0
#include "core/control.hpp"

#include <string>

#include "core/iso_time.hpp"
#include "core/money.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace enrichd;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(fuzz::text_of(data, size));
    for (const auto& f : flags()) {
        const auto complaint = complaint_about(f.id, text);
        if (complaint)
            fuzz::require(complaint->starts_with("expected "), "a complaint says what is expected");
    }
    fuzz::require(complaint_about(flag_id::budget, text).has_value() != parse_dollars(text).has_value(),
                  "flag and parser agree about money");
    fuzz::require(complaint_about(flag_id::since, text).has_value() != parse_iso_time(text).has_value(),
                  "and about times");

    if (const auto seconds = parse_duration(text))
        fuzz::require(*seconds >= 0 && *seconds <= 366.0 * 86400, "a duration is at most a year");
    for (const auto& part : split_list(text)) {
        fuzz::require(!part.empty() && part.find(',') == std::string::npos, "parts of a list are not empty");
        fuzz::require(part.find_first_not_of(" \t") == 0 && part.find_last_not_of(" \t") == part.size() - 1,
                      "no blanks around them");
        fuzz::require(split_list(part) == std::vector{part}, "and each is a list of itself");
    }
    return 0;
}

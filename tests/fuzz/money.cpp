// Dollars: what is printed is read as the same amount.
// SPDX-License-Identifier: Apache-2.0
#include "core/money.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace enrichd;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto text = fuzz::text_of(data, size);
    if (const auto m = parse_dollars(text)) {
        fuzz::require(m->picodollars >= 0, "what is read is not negative");
        fuzz::require(parse_dollars(exact_dollars(*m)) == m, "the exact form is the same amount");
    }
    const money any{static_cast<std::int64_t>(fuzz::take_word(text))};
    const auto exact = exact_dollars(any);
    fuzz::require(exact.starts_with('-') == (any.picodollars < 0), "a debt has its sign");
    if (any.picodollars >= 0 && any.picodollars < 1'000'000 * picodollars_per_dollar)
        fuzz::require(parse_dollars(exact) == any, "what can be given can be read");
    const auto shown = display_dollars(any);
    fuzz::require(shown.find('$') != std::string::npos && shown.size() <= 24, "any amount can be shown");
    return 0;
}

// How long a server asks us to wait, whatever it writes: at most a day, and seconds are seconds.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/provider/retry_after.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include "tests/fuzz/fuzz.hpp"

using namespace enrichd;

namespace {

constexpr std::int64_t day_ms = 86'400'000;

void check(std::string_view name, std::string_view value, int unit) {
    const std::chrono::system_clock::time_point now{std::chrono::seconds(1'763'812'800)};
    http::response answer;
    answer.headers.push_back({std::string(name), std::string(value)});
    const auto wait = provider::retry_after(answer, now);
    if (wait) fuzz::require(wait->count() >= 0 && wait->count() <= day_ms, "a wait is at most a day");

    std::uint32_t whole = 0;
    const auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), whole);
    if (ec == std::errc{} && end == value.data() + value.size())
        fuzz::require(wait && wait->count() == std::min<std::int64_t>(std::int64_t{whole} * unit, day_ms),
                      "a whole number is understood");
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto value = fuzz::text_of(data, size);
    check("Retry-After", value, 1000);
    check("retry-after-ms", value, 1);
    return 0;
}

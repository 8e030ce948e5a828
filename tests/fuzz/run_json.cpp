// The JSON columns of a run: what was read is written as JSON that reads the same.
// SPDX-License-Identifier: Apache-2.0
#include "core/run_order.hpp"
#include "core/run_summary.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace enrichd;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    const auto order = read_order(text);
    if (order) {
        const auto written = to_json(*order);
        const auto again = read_order(written);
        fuzz::require(again.has_value() && to_json(*again) == written, "an order is read as it was written");
        fuzz::require(order->profile == "full" || order->profile == "test", "a profile is known");
        fuzz::require(!order->budget || order->budget->picodollars >= 0, "a budget is no debt");
    } else {
        fuzz::require(order.error().code == errc::internal && fuzz::is_presentable(order.error().detail),
                      "what is not an order says so");
    }
    const auto summary = read_summary(text);
    const auto written = to_json(summary);
    fuzz::require(to_json(read_summary(written)) == written, "a summary is read as it was written");
    return 0;
}

// Bodies of requests at the control socket.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/requests.hpp"

#include <cstdint>

#include "tests/fuzz/fuzz.hpp"

using namespace enrichd;

namespace {

template <class T>
bool check(const result<T>& r) {
    if (r) return true;
    fuzz::require(r.error().code == errc::invalid_input, "a wrong body is invalid input");
    fuzz::require(fuzz::is_presentable(r.error().detail), "complaints can be shown");
    return false;
}

void check_order(const result<run_order>& order) {
    if (!check(order)) return;
    fuzz::require(!order->kinds.empty() && order->kinds.size() <= 2, "each kind once");
    fuzz::require(!order->limit || (*order->limit >= 1 && *order->limit <= INT64_MAX), "a limit is a count");
    const auto written = to_json(*order);
    const auto kept = read_order(written);
    fuzz::require(kept.has_value() && to_json(*kept) == written, "the ledger keeps an order as it is");
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto body = fuzz::text_of(data, size);
    check_order(control::read_order(body));
    check_order(control::read_build_order(body));
    if (const auto s = control::read_submission(body); check(s))
        fuzz::require(s->sha256.size() == 64 && (!s->budget || s->budget->picodollars >= 0),
                      "a file is named");
    check(control::read_merge(body));
    if (const auto c = control::read_cancel(body); check(c))
        fuzz::require(!c->id.empty(), "something is named");
    if (const auto r = control::read_release(body); check(r))
        fuzz::require(r->keys.empty() == r->all, "keys, or all");
    check(control::read_nothing(body));
    return 0;
}

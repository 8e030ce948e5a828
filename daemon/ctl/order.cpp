// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/order.hpp"

#include <cstdint>
#include <cstdlib>

namespace enrichd::ctl {

json order_of(const options& opt) {
    json order = json::object();
    if (opt.has(flag_id::kind)) order["kinds"] = split_list(opt.value(flag_id::kind));
    if (opt.has(flag_id::since)) order["since"] = opt.value(flag_id::since);
    if (opt.has(flag_id::limit))
        order["limit"] = std::strtoll(opt.value(flag_id::limit).c_str(), nullptr, 10);
    if (opt.has(flag_id::authorities)) order["authorities"] = split_list(opt.value(flag_id::authorities));
    if (opt.has(flag_id::budget)) order["budget_usd"] = opt.value(flag_id::budget);
    if (opt.has(flag_id::profile)) order["profile"] = opt.value(flag_id::profile);
    if (opt.has(flag_id::refresh)) order["refresh"] = opt.value(flag_id::refresh);
    return order;
}

} // namespace enrichd::ctl

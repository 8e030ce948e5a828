// The flags that say what a run, build or plan takes, as the JSON that the daemon reads.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/ctl/options.hpp"
#include "daemon/ctl/wire.hpp"

namespace enrichd::ctl {

json order_of(const options& opt);

} // namespace enrichd::ctl

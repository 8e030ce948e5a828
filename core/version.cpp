// SPDX-License-Identifier: Apache-2.0
#include "core/version.hpp"

namespace enrichd {

std::string_view program_version() {
    return ENRICHD_VERSION;
}

} // namespace enrichd

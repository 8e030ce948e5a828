// The provider's file objects, read from its replies.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"
#include "daemon/provider/provider.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace enrichd::provider {

/// The reply to an upload. Errors: provider_invalid if there is no id in it.
result<remote_file> parse_file(std::string_view json);

struct file_page {
    std::vector<remote_file> files;
    std::optional<bool> has_more; ///< absent where the server does not say
};

/// One page of GET /files; entries without an id are left out. Errors: provider_invalid.
result<file_page> parse_file_page(std::string_view json);

} // namespace enrichd::provider

// The body of an upload: multipart/form-data (RFC 7578) around a file that is streamed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/http/message.hpp"

#include <string>
#include <vector>

namespace enrichd::provider {

struct multipart {
    std::string content_type; ///< with the boundary
    std::vector<http::body_part> body;
};

/// The fields `purpose` (batch), then `file`, then the wish to keep it for 30 days from its creation, the
/// longest that the API grants. `boundary` must not occur in the file: use random_boundary().
multipart make_upload(http::file_part file, const std::string& filename, const std::string& boundary);

/// 128 random bits in hex after a few words.
std::string random_boundary();

} // namespace enrichd::provider

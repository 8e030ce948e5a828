// An error as the API words it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <utility>

namespace enrichd::sandbox {

struct api_error {
    api_error() = default;
    api_error(int http_status, std::string text, std::optional<std::string> parameter = {},
              std::optional<std::string> error_code = {}, std::string kind = "invalid_request_error")
        : status(http_status),
          message(std::move(text)),
          param(std::move(parameter)),
          code(std::move(error_code)),
          type(std::move(kind)) {}

    int status = 400;
    std::string message;
    std::optional<std::string> param;
    std::optional<std::string> code;
    std::string type = "invalid_request_error";
};

/// {"error": {"message", "type", "param", "code"}}
std::string body_of(const api_error& e);

} // namespace enrichd::sandbox

// The lines of a batch's files: requests in, answers and errors out.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/sandbox/records.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

namespace enrichd::sandbox {

/// One line of an input file, read as far as it can be.
struct request_line {
    nlohmann::json body;
    std::string custom_id;
    std::string url;
};

/// Errors as the API reports them: invalid_json_line, missing_required_parameter, invalid_method.
std::optional<validation_error> read_request_line(std::string_view line, request_line& out);

/// Reads a file line by line from an offset, one line in memory at a time. The last line needs no newline; an
/// empty one at the very end is none.
class line_reader {
public:
    line_reader(const std::filesystem::path& file, std::int64_t offset);
    /// False at the end.
    bool next(std::string& line);
    /// Of the byte behind the last line that was given.
    std::int64_t offset() const { return offset_; }

private:
    std::ifstream in_;
    std::int64_t offset_;
};

/// {"id", "custom_id", "response": {"status_code", "request_id", "body"}, "error": null}, with its newline.
std::string answer_line(std::uint64_t id, std::string_view custom_id, int status, std::string_view body);

/// {"id", "custom_id", "response": null, "error": {"code", "message"}}, with its newline.
std::string error_line(std::uint64_t id, std::string_view custom_id, std::string_view code,
                       std::string_view message);

} // namespace enrichd::sandbox

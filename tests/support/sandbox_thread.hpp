// A sandbox in a thread of its own, and calls to it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/sandbox/scenario.hpp"
#include "daemon/sandbox/timeline.hpp"
#include "tests/support/raw_http.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace enrichd::test {

/// A folder that goes away with it.
class temporary_folder {
public:
    temporary_folder();
    ~temporary_folder();
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;
    const std::filesystem::path path;
};

struct sandbox_setup {
    std::filesystem::path data;
    std::string scenario = "{}"; ///< JSON
    double batch_seconds = 0;
    double window_seconds = 86'400;
    std::string api_key;
    std::uint64_t seed = 7;
};

class sandbox_thread {
public:
    explicit sandbox_thread(const sandbox_setup& setup);
    ~sandbox_thread(); ///< stops at once, as far as that is clean
    sandbox_thread(const sandbox_thread&) = delete;
    sandbox_thread& operator=(const sandbox_thread&) = delete;

    std::uint16_t port() const { return port_; }

    /// One call on a connection of its own; status 0 where it was cut.
    raw_reply call(std::string_view method, std::string_view target, std::string_view body = "",
                   std::string_view fields = "");
    /// The same, the reply read as JSON.
    nlohmann::json json(std::string_view method, std::string_view target, std::string_view body = "");

    raw_reply upload_reply(std::string_view content, std::string_view filename = "requests.jsonl",
                           std::string_view purpose = "batch");
    /// The id of an uploaded request file.
    std::string upload(std::string_view content);
    nlohmann::json create(const std::string& file_id, std::string_view endpoint = "/v1/chat/completions");
    /// Asks until the batch has ended, or has `status`.
    nlohmann::json wait(const std::string& batch_id, std::string_view status = "");
    /// Upload, create, wait.
    nlohmann::json run(std::string_view content, std::string_view endpoint = "/v1/chat/completions");
    /// The lines of a file; none for null.
    std::vector<std::string> lines(const nlohmann::json& file_id);
    nlohmann::json truth() { return json("GET", "/sandbox/truth"); }

private:
    struct parts;
    std::unique_ptr<parts> parts_;
    std::uint16_t port_ = 0;
};

/// Request lines with custom_ids "id-1" ...
std::string chat_lines(int count, std::string_view model = "gpt-4o-mini");
std::string embedding_lines(int count, std::string_view model = "text-embedding-3-small");

} // namespace enrichd::test

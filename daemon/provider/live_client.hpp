// The provider over HTTP: the Files and Batches API as OpenAI documents it.
// SPDX-License-Identifier: Apache-2.0
// https://platform.openai.com/docs/api-reference/batch and .../files
#pragma once

#include "daemon/http/client.hpp"
#include "daemon/provider/provider.hpp"
#include "daemon/provider/verdict.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace enrichd::provider {

struct settings {
    std::string base_url;                    ///< see http::parse_base_url
    std::string api_key;                     ///< empty: no Authorization header is sent
    std::optional<std::string> ca_file = {}; ///< PEM, besides the system's authorities
    std::string user_agent = "enrichd";

    http::deadlines call = {.total = std::chrono::minutes(5)};
    /// The provider may think long over a large file before it answers.
    http::deadlines upload = {.header = std::chrono::minutes(10), .total = std::chrono::hours(2)};
    http::deadlines download = {.total = std::chrono::hours(6), .min_bytes_per_second = 1024};

    int tries = 4;                                   ///< of a plain read, the first one included
    std::chrono::milliseconds first_retry_wait{500}; ///< doubles each time, minus up to a quarter by chance
    std::chrono::milliseconds longest_retry_wait{8'000};
    /// A server that asks for a longer wait than this is not waited for here: its error is returned at once.
    std::chrono::milliseconds longest_retry_after{60'000};
    std::optional<std::uint64_t> jitter_seed = {}; ///< absent: by chance
};

/// Implements client. Used on one thread, any number of calls at a time; must outlive them. The API key
/// appears in no error, also where the server repeats it.
class live_client final : public client {
public:
    /// `pool` reads and writes the files. Throws fatal_error if base_url, api_key or ca_file cannot be used.
    live_client(boost::asio::any_io_executor pool, settings s);

    awaitable<result<remote_file>> upload(std::filesystem::path file, std::string filename) override;
    awaitable<result<std::vector<remote_file>>> find_files(std::string filename,
                                                           std::uint64_t bytes) override;
    awaitable<result<std::vector<remote_file>>> list_files(std::string prefix) override;
    awaitable<result<batch_object>> create_batch(batch_order order) override;
    awaitable<result<batch_object>> get_batch(std::string id) override;
    awaitable<result<batch_object>> cancel_batch(std::string id) override;
    awaitable<result<batch_list>> list_batches(std::string after) override;
    awaitable<result<std::uint64_t>> download(std::string file_id, std::filesystem::path to,
                                              download_limits limits) override;
    awaitable<result<void>> delete_file(std::string id) override;

private:
    struct download_state;

    http::request make_request(std::string method, std::string target) const;
    result<http::response> checked(result<http::response> answer, const http::request& r,
                                   call_kind kind) const;
    std::optional<std::chrono::milliseconds> wait_before_retry(const result<http::response>& answer,
                                                               int failures);

    awaitable<result<http::response>> send(const http::request& r);
    awaitable<result<http::response>> repeat(const http::request& r);
    awaitable<result<http::response>> read(std::string target);
    awaitable<result<batch_object>> change_batch(const http::request& r, call_kind kind);
    static awaitable<bool> slept(std::chrono::milliseconds wait); ///< false: cancelled
    static std::string encoded(std::string_view text);

    // A download: live_download.cpp
    awaitable<result<http::response>> fetch(http::request r, download_state& into);
    awaitable<result<void>> meet(download_state& into, const http::response& answer);
    awaitable<result<void>> store(download_state& into, std::span<const char> piece);

    boost::asio::any_io_executor pool_;
    settings settings_;
    http::client http_;
    std::mt19937_64 chance_;
};

} // namespace enrichd::provider

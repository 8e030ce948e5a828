// The sandbox's API: routes, keys, faults, and what each call does.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/http/server.hpp"
#include "daemon/sandbox/api_error.hpp"
#include "daemon/sandbox/batch_runner.hpp"
#include "daemon/sandbox/fault_desk.hpp"
#include "daemon/sandbox/store.hpp"
#include "daemon/sandbox/workshop.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace enrichd::sandbox {

/// What goes back: JSON, or a file's bytes.
struct reply {
    int status = 200;
    std::string body;
    std::filesystem::path file;        ///< sent in place of the body
    std::optional<std::uint64_t> from; ///< of the file: only what follows that many bytes
    http::field_list fields;

    reply() = default;
    reply(int http_status, std::string text) : status(http_status), body(std::move(text)) {}
    reply(const api_error& e) : status(e.status), body(body_of(e)) {}
};

struct service_options {
    std::filesystem::path data;
    timing clock;
    scenario faults;
    std::optional<std::uint64_t> seed; ///< of ids and dice; absent: a random one, kept with the data
    std::string api_key;               ///< empty: any, or none
};

/// Belongs to the loop's thread.
class service {
public:
    /// Opens the data folder; throws where that cannot be.
    service(boost::asio::any_io_executor executor, service_options options);

    /// Goes on with the batches of the last time.
    void start() { runner_.resume(); }
    /// Lets batches end their step in hand. Afterwards: join().
    void stop() { runner_.stop(); }
    void join() { pool_.join(); }

    /// The http server's handler.
    boost::asio::awaitable<void> handle(http::server_request& in, http::response_writer& out);

    std::uint64_t seed() const { return seed_; }

private:
    struct route {
        operation op{};
        std::string id;
    };
    static std::optional<route> find_route(const http::server_request& in);
    boost::asio::awaitable<void> serve_call(route r, http::server_request& in, http::response_writer& out);
    boost::asio::awaitable<reply> perform(const route& r, http::server_request& in, const call_fault& fault);
    boost::asio::awaitable<void> send(reply r, http::response_writer& out);
    std::optional<api_error> check_key(const http::server_request& in) const;

    // Files
    boost::asio::awaitable<reply> upload(http::server_request& in);
    reply list_files(const http::server_request& in);
    reply get_file(const std::string& id);
    reply delete_file(const std::string& id);
    reply content(const http::server_request& in, const std::string& id, const call_fault& fault);

    // Batches
    boost::asio::awaitable<reply> create_batch(http::server_request& in);
    reply get_batch(const std::string& id);
    reply list_batches(const http::server_request& in);
    reply cancel_batch(const std::string& id);

    // Models, and calls without a batch
    reply models(const std::string& id);
    boost::asio::awaitable<reply> direct(http::server_request& in, std::string endpoint);

    // For tests: what happened, and other weather
    boost::asio::awaitable<void> send_truth(http::server_request& in, http::response_writer& out);
    boost::asio::awaitable<reply> swap_scenario(http::server_request& in);

    service_options options_;
    store store_;
    std::uint64_t seed_;
    std::unique_ptr<fault_desk> desk_;
    workshop pool_;
    batch_runner runner_;
    std::uint64_t uploads_ = 0; ///< names of files in the making
    std::uint64_t requests_ = 0;
};

/// limit, after and order of a list call. Errors: as the API words them.
boost::system::result<page_order, api_error> read_page(const http::server_request& in, std::size_t most);

} // namespace enrichd::sandbox

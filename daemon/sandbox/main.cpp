// enrich-sandbox: a local stand-in for a provider of the Batch API.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/http/server.hpp"
#include "daemon/log.hpp"
#include "daemon/sandbox/sandbox_options.hpp"
#include "daemon/sandbox/service.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <functional>
#include <sysexits.h>

namespace asio = boost::asio;

namespace enrichd::sandbox {

namespace {

// What was read by nobody is dropped up to this, so that a client in the middle of an upload reads the
// refusal.
constexpr std::uint64_t drain_limit = 1'000'000'000;
constexpr std::chrono::seconds grace{5};

void rethrow(const std::exception_ptr& failure) {
    if (failure) std::rethrow_exception(failure);
}

void write_ready_file(const std::string& path, const std::string& url) {
    // Whoever waits for it must not see half of it.
    const auto draft = path + ".new";
    std::FILE* file = std::fopen(draft.c_str(), "w");
    if (!file) throw fatal_error(errc::io, fmt::format("{}: cannot be written", draft));
    std::fprintf(file, "%s\n", url.c_str());
    std::fclose(file);
    std::filesystem::rename(draft, path);
}

void announce(const sandbox_options& options, std::uint16_t port, std::uint64_t seed) {
    const auto host =
        options.address.find(':') == std::string::npos ? options.address : "[" + options.address + "]";
    const auto url = fmt::format("http://{}:{}", host, port);
    fmt::print("listening on {}\n", url);
    std::fflush(stdout);
    log::info(fmt::format("enrich-sandbox: base URL {}/v1, data in {}, seed {}, a batch takes {:g} s", url,
                          options.service.data.native(), seed, options.service.clock.batch_seconds));
    if (!options.ready_file.empty()) write_ready_file(options.ready_file, url);
}

// Takes a temporary data folder away, after everything that uses it.
struct folder_end {
    std::filesystem::path folder; ///< empty: it stays
    ~folder_end() {
        std::error_code ignored;
        if (!folder.empty()) std::filesystem::remove_all(folder, ignored);
    }
};

int run(const sandbox_options& options) {
    const folder_end end{options.temporary ? options.service.data : std::filesystem::path()};
    asio::io_context context{1};
    service api(context.get_executor(), options.service);
    http::server_options limits;
    limits.drain_limit = drain_limit;
    http::server server(context.get_executor(), limits, std::bind_front(&service::handle, &api));
    const auto port = server.listen_tcp(options.address, options.port).value();

    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&](const boost::system::error_code& ec, int) {
        if (ec) return;
        server.stop(grace);
        api.stop();
    });
    asio::co_spawn(context, server.serve(), rethrow);
    api.start();
    announce(options, port, api.seed());
    context.run();
    api.join();
    return 0;
}

} // namespace

} // namespace enrichd::sandbox

int main(int argc, char** argv) {
    using namespace enrichd;
    log::open(log::level::info);
    try {
        const auto options = sandbox::read_command_line(argc, argv);
        if (options.exit_code) return *options.exit_code;
        return sandbox::run(options);
    } catch (const fatal_error& e) {
        fmt::print(stderr, "enrich-sandbox: {}\n", e.what());
        return e.what_error().code == errc::invalid_input ? EX_USAGE : 1;
    } catch (const std::exception& e) {
        fmt::print(stderr, "enrich-sandbox: {}\n", e.what());
        return 1;
    }
}

// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_daemon.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <future>
#include <stdexcept>
#include <thread>

namespace enrichd::test {

struct fake_daemon::running {
    boost::asio::io_context io{1};
    fake_operations ops{io.get_executor()};
    control::server server;
    std::thread thread;

    running(const control::peer_policy& may_operate, control::handler_options options)
        : server(io.get_executor(), ops, may_operate, options) {}
};

fake_daemon::fake_daemon(std::filesystem::path socket, control::peer_policy may_operate,
                         control::handler_options options)
    : socket_(std::move(socket)), may_operate_(std::move(may_operate)), options_(options) {
    if (!may_operate_) may_operate_ = [](const http::peer_credentials&) { return true; };
    start();
}

fake_daemon::~fake_daemon() {
    stop();
}

void fake_daemon::start() {
    running_ = std::make_unique<running>(may_operate_, options_);
    running_->ops.replies = replies_;
    running_->ops.errors = errors_;
    running_->ops.calls = calls_;
    running_->ops.request_path = request_path_;
    if (auto r = running_->server.listen(socket_); !r) throw std::runtime_error(r.error().detail);
    boost::asio::co_spawn(running_->io, running_->server.serve(), [](std::exception_ptr e) {
        if (e) std::rethrow_exception(e); // ends the test program, loudly
    });
    running_->thread = std::thread([this] { running_->io.run(); });
}

void fake_daemon::stop() {
    if (!running_) return;
    with([this](fake_operations& ops) {
        ops.shut_down();
        running_->server.stop(std::chrono::seconds(2));
    });
    running_->thread.join();
    replies_ = std::move(running_->ops.replies);
    errors_ = std::move(running_->ops.errors);
    calls_ = std::move(running_->ops.calls);
    request_path_ = std::move(running_->ops.request_path);
    running_.reset();
}

void fake_daemon::with(std::function<void(fake_operations&)> f) {
    if (!running_) {
        boost::asio::io_context nobody;
        fake_operations ops(nobody.get_executor());
        ops.replies = std::move(replies_);
        f(ops);
        replies_ = std::move(ops.replies);
        return;
    }
    std::promise<void> done;
    boost::asio::post(running_->io, [&] {
        f(running_->ops);
        done.set_value();
    });
    done.get_future().get();
}

bool fake_daemon::wait_for_call(const std::string& call, int times) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < give_up) {
        long seen = 0;
        with([&](fake_operations& ops) { seen = std::count(ops.calls.begin(), ops.calls.end(), call); });
        if (seen >= times) return true;
        std::this_thread::yield();
    }
    return false;
}

} // namespace enrichd::test

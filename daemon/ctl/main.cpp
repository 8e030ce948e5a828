// enrichctl: the client.
// SPDX-License-Identifier: Apache-2.0
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string_view>
#include <unistd.h>
#include <utility>

#include "core/config.hpp"
#include "daemon/ctl/cli.hpp"
#include "daemon/ctl/find_socket.hpp"
#include "daemon/ctl/text.hpp"
#include "daemon/ctl/verbs.hpp"

namespace {

using namespace enrichd;
using namespace enrichd::ctl;

/// Runs the command; the first Ctrl-C cancels it, a second one ends the program at once.
class program {
public:
    explicit program(const options& opt)
        : daemon_(find_socket(opt.socket)),
          session_(opt, look_at_terminal(opt.no_color), daemon_),
          signals_(io_, SIGINT) {}

    exit_code run() {
        listen();
        // What the command throws, and what it returns, both end here.
        auto ended = [this](std::exception_ptr e, exit_code code) {
            signals_.cancel();
            thrown_ = std::move(e);
            code_ = code;
        };
        boost::asio::co_spawn(io_, run_command(session_),
                              boost::asio::bind_cancellation_slot(cancel_.slot(), std::move(ended)));
        io_.run();
        session_.shown.clear();
        if (interrupted_) return say_interrupted();
        if (thrown_) std::rethrow_exception(thrown_);
        return code_;
    }

private:
    void listen() {
        signals_.async_wait([this](const boost::system::error_code& ec, int) {
            if (ec) return;
            if (interrupted_) _exit(static_cast<int>(exit_code::interrupted));
            interrupted_ = true;
            listen();
            cancel_.emit(boost::asio::cancellation_type::terminal);
        });
    }

    exit_code say_interrupted() {
        fmt::print(stderr, "\nenrichctl: interrupted\n");
        if (!session_.goes_on.empty()) fmt::print(stderr, "  {}\n", session_.goes_on);
        return exit_code::interrupted;
    }

    boost::asio::io_context io_{1};
    control::client daemon_;
    session session_;
    boost::asio::signal_set signals_;
    boost::asio::cancellation_signal cancel_;
    bool interrupted_ = false;
    exit_code code_ = exit_code::failed;
    std::exception_ptr thrown_;
};

// Asked of the words themselves: the command line may be one that cannot be read.
bool wants_json(int argc, char** argv) {
    return std::any_of(argv, argv + argc,
                       [](const char* word) { return std::string_view(word) == "--json"; });
}

exit_code complain(const command_line& line, bool as_json) {
    if (as_json) fmt::print("{}", error_line(name(errc::invalid_input), line.text, line.hint));
    fmt::print(stderr, "enrichctl: {}\n  hint: {}\n", escape(line.text), line.hint);
    return line.code;
}

exit_code run(int argc, char** argv) {
    const auto line = parse_command_line(argc, argv);
    if (line.code != exit_code::ok) return complain(line, wants_json(argc, argv));
    if (!line.go) {
        fmt::print("{}", line.text);
        return exit_code::ok;
    }
    if (line.go->command == command_id::tokens) return count_tokens(*line.go);
    return program(*line.go).run();
}

} // namespace

int main(int argc, char** argv) {
    try {
        auto code = run(argc, argv);
        if (std::fflush(stdout) != 0 && code == exit_code::ok) {
            std::perror("enrichctl: standard output");
            code = exit_code::failed;
        }
        return static_cast<int>(code);
    } catch (const std::exception& e) {
        fmt::print(stderr, "enrichctl: {}\n", e.what());
        return static_cast<int>(exit_code::failed);
    }
}

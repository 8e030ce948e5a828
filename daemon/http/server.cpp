// SPDX-License-Identifier: Apache-2.0
#include "daemon/http/server.hpp"

#include "daemon/http/listen_socket.hpp"
#include "daemon/http/server_connection.hpp"
#include "daemon/log.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <list>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace asio = boost::asio;

namespace enrichd::http {

namespace {

// A connection in flight, and the way to end its handler.
struct session {
    session(server_connection::socket_type socket, const server_options& options)
        : connection(std::move(socket), options) {}

    server_connection connection;
    asio::cancellation_signal cancel;
};

struct socket_file {
    std::filesystem::path path;
    dev_t device = 0;
    ino_t inode = 0;
};

} // namespace

class server::impl : public std::enable_shared_from_this<server::impl> {
public:
    impl(asio::any_io_executor executor, server_options options, request_handler handler)
        : options_(options),
          handler_(std::move(handler)),
          executor_(std::move(executor)),
          changed_(executor_) {
        changed_.expires_at(asio::steady_timer::time_point::max());
    }
    ~impl() { remove_files(); }

    result<std::uint16_t> listen_tcp(const std::string& address, std::uint16_t port);
    result<void> listen_unix(const std::filesystem::path& path, mode_t mode);
    asio::awaitable<void> serve();
    void stop(std::chrono::milliseconds grace);
    std::size_t connections() const { return sessions_.size(); }

private:
    using protocol = asio::generic::stream_protocol;
    using acceptor_type = asio::basic_socket_acceptor<protocol>;

    void add_acceptor(const listening_socket& socket);
    asio::awaitable<void> accept_loop(acceptor_type& acceptor);
    asio::awaitable<void> change();
    void start(protocol::socket socket);
    static asio::awaitable<void> talk(std::shared_ptr<impl> self, session& s);
    static asio::awaitable<void> answer(impl& self, session& s, server_request request);
    static asio::awaitable<void> cut_after_grace(std::shared_ptr<impl> self, std::chrono::milliseconds grace);
    void remove_files();

    server_options options_;
    request_handler handler_;
    asio::any_io_executor executor_;
    asio::steady_timer changed_; ///< never expires; cancelled when a session or an accept loop ends
    std::list<acceptor_type> acceptors_;
    std::list<session> sessions_;
    std::vector<socket_file> files_;
    std::size_t accepting_ = 0;
    bool stopping_ = false;
};

void server::impl::add_acceptor(const listening_socket& socket) {
    acceptors_.emplace_back(executor_, protocol(socket.family, 0), socket.descriptor);
}

result<std::uint16_t> server::impl::listen_tcp(const std::string& address, std::uint16_t port) {
    auto socket = open_tcp(address, port);
    if (!socket) return socket.error();
    add_acceptor(*socket);
    return socket->port;
}

result<void> server::impl::listen_unix(const std::filesystem::path& path, mode_t mode) {
    auto socket = open_unix(path, mode);
    if (!socket) return socket.error();
    add_acceptor(*socket);
    struct stat about = {};
    if (::lstat(path.c_str(), &about) == 0) files_.push_back({path, about.st_dev, about.st_ino});
    return {};
}

void server::impl::remove_files() {
    for (const auto& file : files_) {
        struct stat there = {};
        // Somebody else's socket may stand there by now.
        if (::lstat(file.path.c_str(), &there) == 0 && there.st_dev == file.device &&
            there.st_ino == file.inode)
            ::unlink(file.path.c_str());
    }
    files_.clear();
}

// Waits until something ended.
asio::awaitable<void> server::impl::change() {
    boost::system::error_code ignored;
    co_await changed_.async_wait(redirect_error(asio::use_awaitable, ignored));
}

asio::awaitable<void> server::impl::serve() {
    const auto self = shared_from_this();
    for (auto& acceptor : acceptors_) {
        ++accepting_;
        asio::co_spawn(executor_, accept_loop(acceptor), [self](const std::exception_ptr& failure) {
            --self->accepting_;
            self->changed_.cancel();
            // Accepting fails only where the process is out of its wits; the loop of the program hears of it.
            if (failure) std::rethrow_exception(failure);
        });
    }
    while (accepting_ > 0 || !sessions_.empty())
        co_await change();
    remove_files();
}

asio::awaitable<void> server::impl::accept_loop(acceptor_type& acceptor) {
    asio::steady_timer pause(executor_);
    while (!stopping_) {
        if (sessions_.size() >= options_.max_connections) {
            co_await change();
            continue;
        }
        boost::system::error_code ec;
        auto socket = co_await acceptor.async_accept(redirect_error(asio::use_awaitable, ec));
        if (stopping_) co_return;
        if (!ec) {
            start(std::move(socket));
        } else if (ec != asio::error::connection_aborted) {
            // Out of descriptors, most likely: what is open must end first.
            log::warning(fmt::format("accept: {}", ec.message()));
            pause.expires_after(std::chrono::milliseconds(100));
            co_await pause.async_wait(redirect_error(asio::use_awaitable, ec));
        }
    }
}

void server::impl::start(protocol::socket socket) {
    // Small replies to small requests must not wait for each other's acknowledgements (Nagle); a Unix socket
    // does not know the option, and needs none.
    const int on = 1;
    ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto& s = sessions_.emplace_back(std::move(socket), options_);
    const auto self = shared_from_this();
    auto ended = [self, &s](const std::exception_ptr& failure) {
        try {
            if (failure) std::rethrow_exception(failure);
        } catch (const std::exception& e) { // harms this connection only
            if (!self->stopping_) log::error(fmt::format("connection: {}", e.what()));
        }
        self->sessions_.remove_if([&s](const session& other) { return &other == &s; });
        self->changed_.cancel();
    };
    asio::co_spawn(executor_, talk(self, s), asio::bind_cancellation_slot(s.cancel.slot(), std::move(ended)));
}

asio::awaitable<void> server::impl::talk(std::shared_ptr<impl> self, session& s) {
    do {
        auto request = co_await s.connection.read_head();
        if (!request) break;
        if (self->stopping_) s.connection.close_after_reply();
        co_await answer(*self, s, std::move(*request));
    } while (co_await s.connection.end_exchange() && !self->stopping_);
    s.connection.close();
}

asio::awaitable<void> server::impl::answer(impl& self, session& s, server_request request) {
    response_writer out(s.connection);
    std::string failure = "the handler gave no reply";
    try {
        co_await self.handler_(request, out);
    } catch (const std::exception& e) { // harms this request only
        failure = e.what();
    }
    if (s.connection.finished()) co_return;
    if (s.connection.started() || out.peer_gone()) {
        s.connection.cut();
        co_return;
    }
    log::error(fmt::format("{} {}: {}", request.method, request.path, failure));
    (void)co_await out.reply(500, "text/plain", "internal error\n");
}

asio::awaitable<void> server::impl::cut_after_grace(std::shared_ptr<impl> self,
                                                    std::chrono::milliseconds grace) {
    const auto end = std::chrono::steady_clock::now() + grace;
    asio::steady_timer timer(self->executor_, end);
    while (!self->sessions_.empty() && std::chrono::steady_clock::now() < end) {
        // Ends early with the last session: look ten times a second rather than hold the program for a grace.
        timer.expires_after(std::min<asio::steady_timer::duration>(std::chrono::milliseconds(100), grace));
        co_await timer.async_wait(asio::use_awaitable);
    }
    for (auto& s : self->sessions_) {
        s.connection.close();
        s.cancel.emit(asio::cancellation_type::terminal);
    }
}

void server::impl::stop(std::chrono::milliseconds grace) {
    if (std::exchange(stopping_, true)) return;
    for (auto& acceptor : acceptors_) {
        boost::system::error_code ignored;
        acceptor.close(ignored);
    }
    for (auto& s : sessions_) {
        if (s.connection.idle())
            s.connection.close();
        else
            s.connection.close_after_reply();
    }
    changed_.cancel();
    asio::co_spawn(executor_, cut_after_grace(shared_from_this(), grace),
                   [](const std::exception_ptr& failure) {
                       if (failure) std::rethrow_exception(failure); // a timer does not fail
                   });
}

server::server(asio::any_io_executor executor, server_options options, request_handler handler)
    : impl_(std::make_shared<impl>(std::move(executor), options, std::move(handler))) {}
server::~server() = default;

result<std::uint16_t> server::listen_tcp(const std::string& address, std::uint16_t port) {
    return impl_->listen_tcp(address, port);
}
result<void> server::listen_unix(const std::filesystem::path& path, mode_t mode) {
    return impl_->listen_unix(path, mode);
}
asio::awaitable<void> server::serve() {
    return impl_->serve();
}
void server::stop(std::chrono::milliseconds grace) {
    impl_->stop(grace);
}
std::size_t server::connections() const {
    return impl_->connections();
}

} // namespace enrichd::http

// A name server that does not answer. getaddrinfo() is ours here: it keeps one name waiting, and leaves all
// others to the system's.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/resolve.hpp"

#include "tests/support/await.hpp"
#include "tests/support/catch.hpp"

#include <dlfcn.h>
#include <netdb.h>

#include <condition_variable>
#include <cstring>
#include <mutex>

using namespace enrichd;
using namespace std::chrono_literals;
using enrichd::tests::await;

namespace {

// A name server whose answer is held back until it is let go of.
struct silent_server {
    std::mutex m;
    std::condition_variable changed;
    bool silent = false;

    void be(bool quiet) {
        const std::lock_guard hold(m);
        silent = quiet;
        changed.notify_all();
    }
    int answer() {
        std::unique_lock hold(m);
        changed.wait(hold, [&] { return !silent; });
        return EAI_AGAIN;
    }
};

silent_server the_server;

} // namespace

extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints, addrinfo** found) {
    if (node && std::strcmp(node, "silent.test") == 0) return the_server.answer();
    using function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
    static const auto next = reinterpret_cast<function>(dlsym(RTLD_NEXT, "getaddrinfo"));
    return next(node, service, hints, found);
}

TEST_CASE("a name server that does not answer is given up in time", "[resolve]") {
    the_server.be(true);
    boost::asio::io_context loop;
    const auto found = await(loop, resolve("silent.test", "", 1ms));
    // Still silent: with a resolve() that waits for getaddrinfo() this line is never reached.
    REQUIRE(found.has_error());
    CHECK(found.error().code == errc::timed_out);
    the_server.be(false);
}

TEST_CASE("an answer that comes in time is told", "[resolve]") {
    the_server.be(false);
    boost::asio::io_context loop;
    const auto refused = await(loop, resolve("silent.test", "80", std::nullopt));
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == errc::io);
    const auto numeric = await(loop, resolve("127.0.0.1", "80", 10s));
    REQUIRE(numeric.has_value());
    REQUIRE(numeric->size() == 1);
    CHECK(numeric->front().port() == 80);
    CHECK(await(loop, resolve("127.0.0.1", "", 10s)).value().front().port() == 0);
}

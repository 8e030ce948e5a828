// One run of enrichctl: its options, its terminal, the daemon it talks to, and how it ends.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/control_errors.hpp"
#include "daemon/control/client.hpp"
#include "daemon/ctl/options.hpp"
#include "daemon/ctl/progress.hpp"
#include "daemon/ctl/terminal.hpp"

#include <functional>
#include <string>

namespace enrichd::ctl {

using control::awaitable;
using control::reply;

/// What ends a command early. Already told to the user; only the number is left.
struct stop {
    exit_code code;
};

/// The reply, or how the command ends without one.
template <class T>
using answer = boost::system::result<T, stop>;

class session {
public:
    session(const options& o, terminal t, control::client& d)
        : opt(o), term(t), daemon(d), shown(term, o.json) {}

    const options& opt;
    terminal term;
    control::client& daemon;
    progress shown;

    /// What goes on in the daemon whatever happens to this client; said when Ctrl-C ends it.
    std::string goes_on;

    /// A call and its good reply. Everything else is told here: refusals and a daemon that does not answer.
    awaitable<answer<reply>> get(route_id route, std::string id = {}, std::string query = {});
    awaitable<answer<reply>> post(route_id route, std::string id = {},
                                  control::json body = control::json::object());
    awaitable<answer<reply>> download(route_id route, std::string id, std::string query,
                                      control::byte_sink sink);

    /// Follows a job or run until `done`, over restarts of the daemon, for at most --timeout. Gives the last
    /// line.
    awaitable<answer<reply>> follow(route_id route, std::string id,
                                    std::function<bool(const control::json&)> done);

    /// With --json the reply as it came; true if that was all there is to print.
    bool print_json(const reply& r);

    /// To standard output, within the width of a terminal.
    void print(const std::string& text);
    /// To standard output, as it is: what another program is to read.
    void print_raw(const std::string& text);
    /// Beside the results: to standard output, or to standard error where a file goes to standard output.
    void tell(const std::string& text);

    /// "enrichctl: MESSAGE", and the hint below it if there is one. With --json an error object goes to
    /// standard output too, unless a reply stands there already.
    stop fail(exit_code code, const std::string& message, const std::string& hint = {});
    /// An error object that stands in a run or job.
    stop fail(const control::refusal& why);

private:
    answer<reply> judge(result<reply> r);
    awaitable<result<reply>> follow_over_restarts(route_id route, std::string id,
                                                  std::function<bool(const control::json&)> done);
    /// Tells why there is no reply, as JSON too where that was asked for.
    stop lost(exit_code code, const char* word, const std::string& message, const std::string& hint);
    void compare_versions(const std::string& daemon_version);
    void print_error(std::string_view word, const std::string& message, const std::string& hint);

    bool versions_compared_ = false;
    bool json_printed_ = false;
};

/// An error object as a line of JSON.
std::string error_line(std::string_view word, const std::string& message, const std::string& hint);

/// By boost::system::result, for a value that is not there: a bug.
[[noreturn]] inline void throw_exception_from_error(const stop&, const boost::source_location&) {
    throw fatal_error(errc::internal, "a command went on after it had ended");
}

} // namespace enrichd::ctl

// SPDX-License-Identifier: Apache-2.0
#include "tests/support/deployment.hpp"

#include "state/sqlite.hpp"

#include <fmt/format.h>

#include <csignal>
#include <cstring>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace enrichd::test {

namespace {

constexpr int start_timeout_ms = 60'000; // of a program on a busy machine

std::string program(const std::string& name) {
    return std::string(ENRICHD_PROGRAMS) + "/" + name;
}

// Where systemd listens for what services say of themselves (sd_notify(3)).
class notify_socket {
public:
    explicit notify_socket(const std::filesystem::path& path)
        : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address = {};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
        unlink(path.c_str());
        if (bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            throw std::runtime_error("bind: " + path.string());
    }
    ~notify_socket() { close(fd_); }
    notify_socket(const notify_socket&) = delete;
    notify_socket& operator=(const notify_socket&) = delete;

    // True when READY=1 came; false when the process ended first.
    bool wait_for_ready(process& of) const {
        for (int waited = 0; waited < start_timeout_ms; waited += 50) {
            pollfd waiting = {fd_, POLLIN, 0};
            if (poll(&waiting, 1, 50) <= 0) {
                if (of.has_ended()) return false;
                continue;
            }
            char text[4096] = {};
            if (recv(fd_, text, sizeof text - 1, 0) > 0 && std::strstr(text, "READY=1")) return true;
        }
        return false;
    }

private:
    int fd_;
};

std::string wait_for_line(const std::filesystem::path& log, const std::string& prefix, process& of) {
    for (int waited = 0; waited < start_timeout_ms; waited += 20) {
        const auto text = read_file(log);
        const auto at = text.find(prefix);
        if (at != std::string::npos && text.find('\n', at) != std::string::npos)
            return text.substr(at + prefix.size(), text.find('\n', at) - at - prefix.size());
        if (of.has_ended()) break;
        poll(nullptr, 0, 20);
    }
    throw std::runtime_error("no line \"" + prefix + "\" in: " + read_file(log));
}

} // namespace

deployment::deployment(deployment_options o) : variables_(o.variables) {
    start_sandbox(o);
    if (o.database_url.empty()) {
        const auto made =
            run({ENRICHD_CHANGELOG_ROWS, "--sqlite", news().string(), "--limit", std::to_string(o.rows)});
        if (made.code != 0) throw std::runtime_error("changelog_rows: " + made.err);
        o.database_url = "sqlite:" + news().string();
    }
    write_config(o);
}

deployment::~deployment() = default;

void deployment::start_sandbox(const deployment_options& o) {
    arguments command = {program("enrich-sandbox"),      "--listen",        "127.0.0.1:0",  "--data",
                         (folder_ / "sandbox").string(), "--batch-seconds", o.batch_seconds};
    if (!o.scenario.is_null()) {
        write_file(folder_ / "scenario.json", o.scenario.dump());
        command.insert(command.end(), {"--scenario", (folder_ / "scenario.json").string()});
    }
    if (!o.api_key.empty()) command.insert(command.end(), {"--api-key", o.api_key});
    sandbox_ = std::make_unique<process>(command, environment{}, folder_ / "sandbox.log");
    provider_url_ = wait_for_line(folder_ / "sandbox.log", "listening on ", *sandbox_);
}

void deployment::write_config(const deployment_options& o) const {
    write_file(
        folder_ / "enrichd.toml",
        fmt::format(
            "[provider]\nbase_url = \"{}/v1\"\n{}\n[database]\nurl = \"{}\"\n[state]\ndirectory = \"{}\"\n"
            "[control]\nsocket = \"{}\"\n[poll]\nfirst_seconds = 0.05\nmax_seconds = 0.2\n{}\n"
            "[submit]\nreconcile_seconds = [0.1, 0.2, 0.3]\n{}\n{}\n",
            provider_url_, o.more_provider, o.database_url, state().string(),
            (folder_ / "enrichd.sock").string(), o.more_poll, o.more_submit, o.more_config));
}

void deployment::launch_daemon() {
    auto variables = variables_;
    variables["NOTIFY_SOCKET"] = (folder_ / "notify.sock").string();
    daemon_ = std::make_unique<process>(
        arguments{program("enrichd"), "--config", (folder_ / "enrichd.toml").string()}, variables,
        folder_ / "enrichd.log");
}

void deployment::start_daemon() {
    const notify_socket ready(folder_ / "notify.sock");
    launch_daemon();
    if (!ready.wait_for_ready(*daemon_)) throw std::runtime_error("enrichd did not start: " + daemon_log());
}

void deployment::reload_daemon() {
    const notify_socket ready(folder_ / "notify.sock");
    daemon_->signal(SIGHUP);
    if (!ready.wait_for_ready(*daemon_)) throw std::runtime_error("enrichd did not reload: " + daemon_log());
}

void deployment::kill_daemon() {
    daemon_->signal(SIGKILL);
    daemon_->wait();
}

int deployment::stop_daemon() {
    daemon_->signal(SIGTERM);
    return daemon_->wait();
}

finished deployment::ctl(arguments verb) const {
    verb.insert(verb.begin(), {program("enrichctl"), "--socket", (folder_ / "enrichd.sock").string()});
    return run(verb);
}

nlohmann::json deployment::ctl_json(arguments verb) const {
    verb.insert(verb.begin(), "--json");
    const auto reply = ctl(verb);
    const auto last = reply.out.find_last_not_of('\n');
    const auto begin = last == std::string::npos ? 0 : reply.out.rfind('\n', last) + 1;
    auto json = nlohmann::json::parse(reply.out.substr(begin), nullptr, false);
    if (json.is_discarded()) throw std::runtime_error("no JSON: " + reply.out + reply.err);
    return json;
}

nlohmann::json deployment::job_when(const std::string& id,
                                    const std::function<bool(const nlohmann::json&)>& is_so) const {
    nlohmann::json job;
    for (int looks = 0; looks < 2000 && (looks == 0 || !is_so(job)); ++looks)
        job = ctl_json({"job", id})["job"];
    return job;
}

nlohmann::json deployment::truth() const {
    return nlohmann::json::parse(run({"curl", "-sf", provider_url_ + "/sandbox/truth"}).out);
}

std::int64_t deployment::billed_tokens() const {
    std::int64_t sum = 0;
    const auto all = truth();
    for (const auto& batch : all["batches"])
        sum += batch["billed"]["input_tokens"].get<std::int64_t>() +
               batch["billed"]["output_tokens"].get<std::int64_t>();
    return sum;
}

std::int64_t deployment::booked_tokens() const {
    std::int64_t sum = 0;
    const auto all = ctl_json({"jobs", "--all"});
    for (const auto& job : all["jobs"])
        sum += job["usage"]["input_tokens"].get<std::int64_t>() +
               job["usage"]["output_tokens"].get<std::int64_t>();
    return sum;
}

void deployment::set_scenario(const nlohmann::json& scenario) const {
    const auto set = run({"curl", "-sf", "-X", "POST", "-H", "Content-Type: application/json", "-d",
                          scenario.dump(), provider_url_ + "/sandbox/scenario"});
    if (set.code != 0) throw std::runtime_error("the scenario was not taken: " + set.out + set.err);
}

std::string deployment::query(const std::string& sql) const {
    sqlite::database db(news().string(), sqlite::open_mode::read_only);
    sqlite::statement statement(db, sql);
    auto row = statement();
    return row.next() ? row.text(0) : "";
}

std::size_t files_in(const std::filesystem::path& folder) {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

} // namespace enrichd::test

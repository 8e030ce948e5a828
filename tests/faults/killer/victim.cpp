// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/killer/victim.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <poll.h>
#include <sstream>
#include <stdexcept>

namespace enrichd::killer {

namespace {

using nlohmann::json;

constexpr int patience_ms = 60'000; // with a daemon that starts or ends on a busy machine
constexpr int gave_up = 124;        // timeout(1): the time was over

} // namespace

void wait_ms(std::int64_t milliseconds) {
    poll(nullptr, 0, static_cast<int>(milliseconds));
}

json last_object(const std::string& output) {
    json last;
    std::istringstream lines(output);
    for (std::string line; std::getline(lines, line);)
        if (auto object = json::parse(line, nullptr, false); object.is_object()) last = std::move(object);
    return last;
}

victim::victim(test::deployment& d, const canaries& c, std::vector<std::string> given, violations& out)
    : deployment_(d),
      canaries_(c),
      given_(std::move(given)),
      out_(out),
      notify_(d.path("notify.sock"), d.path("notify.log")) {}

void victim::start() {
    notify_.forget();
    deployment_.launch_daemon();
    for (int waited = 0; !notify_.is_ready(); waited += 10) {
        if (deployment_.daemon().has_ended()) throw std::runtime_error("I7: enrichd ended while it started");
        if (waited > patience_ms) throw std::runtime_error("I7: enrichd is not ready after a minute");
        wait_ms(10);
    }
    for (const auto& l : canaries_.in_process(deployment_.daemon().pid(), given_))
        out_.push_back(fmt::format("I6: {} in {}", l.what, l.where));
}

void victim::check_alive() {
    if (auto& daemon = deployment_.daemon(); daemon.has_ended())
        out_.push_back(fmt::format("I7: enrichd ended by itself, with {}", daemon.wait()));
}

void victim::rise(chance& c) {
    for (int deaths = 0; deaths < 2 && c.one_in(3); ++deaths) {
        deployment_.launch_daemon();
        wait_ms(c.number(0, 60));
        deployment_.kill_daemon();
        ++kills_;
    }
    start();
}

void victim::kill(chance& c) {
    die();
    rise(c);
}

void victim::die() {
    check_alive();
    deployment_.kill_daemon();
    ++kills_;
}

void victim::stop() {
    check_alive();
    deployment_.daemon().signal(SIGTERM);
    wait_for_end({0});
}

void victim::wait_for_end(std::initializer_list<int> codes) {
    auto& daemon = deployment_.daemon();
    for (int waited = 0; !daemon.has_ended() && waited < patience_ms; waited += 10)
        wait_ms(10);
    if (!daemon.has_ended()) throw std::runtime_error("I7: enrichd runs a minute after SIGTERM");
    const int code = daemon.wait();
    if (std::find(codes.begin(), codes.end(), code) == codes.end())
        out_.push_back(fmt::format("I7: enrichd ended with {} after SIGTERM", code));
}

void victim::restart() {
    stop();
    start();
}

void victim::restart_at_once(chance& c) {
    check_alive();
    deployment_.daemon().signal(SIGTERM);
    wait_ms(c.number(0, 40));
    deployment_.daemon().signal(SIGTERM);
    wait_for_end({0, 128 + SIGTERM}); // by the signal itself, where all was done before it came
    start();
}

test::arguments victim::ctl(test::arguments verb, int seconds) const {
    // setpriv: timeout's own death, with ours, would not be enrichctl's.
    test::arguments command = {"timeout",
                               "--kill-after=5",
                               std::to_string(seconds),
                               "setpriv",
                               "--pdeathsig=KILL",
                               std::string(ENRICHD_PROGRAMS) + "/enrichctl",
                               "--socket",
                               deployment_.path("enrichd.sock").string()};
    command.insert(command.end(), verb.begin(), verb.end());
    return command;
}

test::finished victim::ask(test::arguments verb, int seconds) {
    const auto reply = test::run(ctl(verb, seconds));
    std::ofstream(deployment_.path("enrichctl.log"), std::ios::app)
        << fmt::format("$ {}\n{}{}-> {}\n", fmt::join(verb, " "), reply.out, reply.err, reply.code);
    if (reply.code == gave_up)
        out_.push_back(fmt::format("I7: no answer to \"{}\" in {} s", fmt::join(verb, " "), seconds));
    return reply;
}

json victim::ask_json(test::arguments verb, int seconds) {
    verb.insert(verb.begin(), "--json");
    const auto words = fmt::format("{}", fmt::join(verb, " "));
    auto reply = last_object(ask(std::move(verb), seconds).out);
    if (reply.is_null()) throw std::runtime_error("I7: no reply to " + words);
    return reply;
}

void victim::order_run(chance& c) {
    test::arguments verb = {"--json", "run", "--auto", "--timeout", "30s"};
    if (c.one_in(3)) verb.insert(verb.end(), {"--kind", c.one_in(2) ? "summaries" : "embeddings"});
    auto output = deployment_.path(fmt::format("order-{}.log", ordered_++));
    orders_.emplace_back(
        std::make_unique<test::process>(ctl(std::move(verb), 60), test::environment{}, output), output);
}

std::vector<json> victim::acknowledged() {
    for (auto& [process, output] : orders_)
        process->wait();
    return acknowledged_by_now();
}

std::vector<json> victim::acknowledged_by_now() {
    auto runs = known_;
    for (auto& [process, output] : orders_) {
        if (!process->has_ended()) continue;
        const auto reply = last_object(test::read_file(output));
        if (reply.contains("run") && reply["run"].is_object()) runs.push_back(reply["run"]);
    }
    return runs;
}

void victim::forget_orders(std::vector<json> but) {
    (void)acknowledged();
    orders_.clear();
    known_ = std::move(but);
    cancelled_.clear();
}

void victim::cancel_run(const std::string& id) {
    cancelled_.insert(id);
    (void)ask({"cancel", id});
}

} // namespace enrichd::killer

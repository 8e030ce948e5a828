// SPDX-License-Identifier: Apache-2.0
#include "daemon/notify.hpp"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <cstdint>
#include <ctime>

namespace enrichd::notify {

namespace {

void send(const std::string& message) {
    sd_notify(0, message.c_str()); // best effort: nobody may be listening
}

} // namespace

void ready() {
    send("READY=1");
}

void reloading() {
    std::timespec now = {};
    clock_gettime(CLOCK_MONOTONIC, &now);
    send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1'000'000 + now.tv_nsec / 1'000));
}

void stopping() {
    send("STOPPING=1");
}

void status(std::string_view line) {
    send(fmt::format("STATUS={}", line));
}

void watchdog() {
    send("WATCHDOG=1");
}

std::optional<std::chrono::milliseconds> watchdog_interval() {
    std::uint64_t microseconds = 0;
    if (sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
    return std::chrono::milliseconds(microseconds / 2000);
}

} // namespace enrichd::notify

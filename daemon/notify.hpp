// What systemd is told about the service (sd_notify(3)). Without systemd every call does nothing.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace enrichd::notify {

void ready();
void reloading();
void stopping();
/// The line that `systemctl status` shows.
void status(std::string_view line);
void watchdog();

/// How often systemd wants to hear watchdog(), halved; absent if it does not.
std::optional<std::chrono::milliseconds> watchdog_interval();

} // namespace enrichd::notify

// The log: structured journal entries under systemd, readable lines on stderr otherwise.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace enrichd::log {

/// syslog's levels, as far as we use them.
enum class level { critical = 2, error = 3, warning = 4, notice = 5, info = 6, debug = 7 };

/// A journal field: its name ("ENRICHD_JOB") and value. Left out where the value is empty.
using field = std::pair<std::string_view, std::string>;

/// Where entries go. Chosen once, at start: the journal if stderr is connected to it (JOURNAL_STREAM).
void open(level threshold);

/// One entry. Never give it a secret or a row's text.
void write(level l, std::string_view message, std::initializer_list<field> fields = {});

inline void error(std::string_view m, std::initializer_list<field> f = {}) {
    write(level::error, m, f);
}
inline void warning(std::string_view m, std::initializer_list<field> f = {}) {
    write(level::warning, m, f);
}
inline void notice(std::string_view m, std::initializer_list<field> f = {}) {
    write(level::notice, m, f);
}
inline void info(std::string_view m, std::initializer_list<field> f = {}) {
    write(level::info, m, f);
}
inline void debug(std::string_view m, std::initializer_list<field> f = {}) {
    write(level::debug, m, f);
}

} // namespace enrichd::log

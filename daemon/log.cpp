// SPDX-License-Identifier: Apache-2.0
#include "daemon/log.hpp"

#include "core/safe_text.hpp"

#include <systemd/sd-journal.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <vector>

namespace enrichd::log {

namespace {

constexpr std::size_t longest_message = 4096;

bool to_journal = false;
level threshold_level = level::info;

// systemd sets JOURNAL_STREAM=dev:inode of the stream it connected to stderr; a redirected stderr differs.
// https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#%24JOURNAL_STREAM
bool stderr_is_journal() {
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct stat here = {};
    if (!stream || fstat(STDERR_FILENO, &here) != 0) return false;
    return fmt::format("{}:{}", here.st_dev, here.st_ino) == stream;
}

std::string_view word(level l) {
    switch (l) {
    case level::critical: return "CRITICAL";
    case level::error: return "error";
    case level::warning: return "warning";
    case level::notice: return "notice";
    case level::info: return "info";
    case level::debug: return "debug";
    }
    return "";
}

void write_stderr(level l, std::string_view message, std::initializer_list<field> fields) {
    std::timespec now = {};
    std::timespec_get(&now, TIME_UTC);
    std::tm utc = {};
    gmtime_r(&now.tv_sec, &utc);
    std::string line = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z {:8} {}", utc.tm_year + 1900,
                                   utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                                   now.tv_nsec / 1'000'000, word(l), message);
    for (const auto& [name, value] : fields)
        if (!value.empty()) line += fmt::format(" {}={}", name, value);
    line += '\n';
    std::fwrite(line.data(), 1, line.size(), stderr); // one write, so that lines of two threads do not mix
}

void write_journal(level l, std::string_view message, std::initializer_list<field> fields) {
    std::vector<std::string> entries = {fmt::format("MESSAGE={}", message),
                                        fmt::format("PRIORITY={}", static_cast<int>(l))};
    for (const auto& [name, value] : fields)
        if (!value.empty()) entries.push_back(fmt::format("{}={}", name, value));
    std::vector<iovec> parts;
    parts.reserve(entries.size());
    for (auto& entry : entries)
        parts.push_back({entry.data(), entry.size()});
    if (sd_journal_sendv(parts.data(), static_cast<int>(parts.size())) < 0) write_stderr(l, message, fields);
}

} // namespace

void open(level threshold) {
    threshold_level = threshold;
    to_journal = stderr_is_journal();
}

void write(level l, std::string_view text, std::initializer_list<field> fields) {
    if (l > threshold_level) return;
    // Much of what is told came from elsewhere: no line of it may pass for one of ours, or move a cursor.
    const auto message = safe_text(text, longest_message);
    if (to_journal)
        write_journal(l, message, fields);
    else
        write_stderr(l, message, fields);
}

} // namespace enrichd::log

// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/terminal.hpp"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <sys/ioctl.h>
#include <unistd.h>

namespace enrichd::ctl {

namespace {

std::size_t columns_variable() {
    const char* text = std::getenv("COLUMNS");
    std::size_t n = 0;
    if (text) std::from_chars(text, text + std::strlen(text), n);
    return n;
}

std::size_t width_of(int descriptor) {
    winsize size = {};
    if (!isatty(descriptor)) return 0;
    if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return columns_variable();
}

const char* code_of(color c) {
    switch (c) {
    case color::none: return "";
    case color::bold: return "\x1b[1m";
    case color::dim: return "\x1b[2m";
    case color::green: return "\x1b[32m";
    case color::yellow: return "\x1b[33m";
    case color::red: return "\x1b[31m";
    }
    return "";
}

} // namespace

std::size_t terminal::columns() const {
    return measured ? width_of(STDOUT_FILENO) : width;
}

std::size_t terminal::live_columns() const {
    const auto now = measured ? width_of(STDERR_FILENO) : width;
    return now > 0 ? now : 80;
}

std::string terminal::paint(color c, std::string_view text) const {
    if (!color_out || c == color::none) return std::string(text);
    return code_of(c) + std::string(text) + "\x1b[0m";
}

terminal look_at_terminal(bool no_color) {
    const char* no = std::getenv("NO_COLOR");
    const char* term = std::getenv("TERM");
    const bool dumb = term && std::strcmp(term, "dumb") == 0;
    terminal t;
    t.measured = true;
    t.color_out = isatty(STDOUT_FILENO) && !no_color && !dumb && !(no && *no);
    t.live = isatty(STDERR_FILENO) && !dumb;
    t.can_ask = isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
    return t;
}

} // namespace enrichd::ctl

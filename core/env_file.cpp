// SPDX-License-Identifier: Apache-2.0
#include "core/env_file.hpp"

#include <fmt/format.h>

#include <optional>

namespace enrichd {

namespace {

bool is_name(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
}

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

class reader {
public:
    explicit reader(std::string_view text) : text_(text) {
        if (text_.substr(0, 3) == "\xEF\xBB\xBF") at_ = 3; // editors on Windows put a byte order mark first
    }

    env_file read() {
        while (at_ < text_.size())
            read_line();
        return std::move(out_);
    }

private:
    void read_line() {
        skip_blanks();
        const int line = line_;
        if (!ended() && text_[at_] != '#') {
            std::string key = read_name();
            if (key == "export" && !ended() && is_blank(text_[at_])) {
                skip_blanks();
                key = read_name();
            }
            skip_blanks();
            if (key.empty()) {
                fail(line, "expected KEY=VALUE, got a line that begins otherwise");
            } else if (!ended() && text_[at_] == '=') {
                ++at_;
                skip_blanks();
                if (auto value = read_value(line, key))
                    out_.entries.push_back({key, std::move(*value), line});
            } else if (!ended() && text_[at_] != '#') {
                fail(line, "expected = after the name, got something else");
            }
        }
        skip_rest();
    }

    std::optional<std::string> read_value(int line, const std::string& key) {
        if (!ended() && (text_[at_] == '"' || text_[at_] == '\'')) return read_quoted(line, key);
        std::string value;
        while (!ended() && !(text_[at_] == '#' && (value.empty() || is_blank(value.back()))))
            value += text_[at_++];
        while (!value.empty() && is_blank(value.back()))
            value.pop_back();
        return value;
    }

    std::optional<std::string> read_quoted(int line, const std::string& key) {
        const char quote = text_[at_++];
        std::string value;
        for (; at_ < text_.size() && text_[at_] != quote; ++at_) {
            char c = text_[at_];
            if (c == '\n') ++line_;
            if (c == '\\' && quote == '"' && at_ + 1 < text_.size()) c = unescape(text_[++at_], value);
            value += c;
        }
        if (at_ >= text_.size()) {
            fail(line, fmt::format("{}: expected a closing {}, got the end of the file", key, quote));
            return std::nullopt;
        }
        ++at_;
        return value;
    }

    // The character that a backslash and `c` stand for; where they mean nothing together, both stay.
    static char unescape(char c, std::string& value) {
        switch (c) {
        case 'n': return '\n';
        case 't': return '\t';
        case '"':
        case '\\':
        case '$': return c;
        default: value += '\\'; return c;
        }
    }

    std::string read_name() {
        std::string name;
        while (!ended() && is_name(text_[at_]))
            name += text_[at_++];
        return name;
    }

    bool ended() const { return at_ >= text_.size() || text_[at_] == '\n'; }

    void skip_blanks() {
        while (!ended() && is_blank(text_[at_]))
            ++at_;
    }

    void skip_rest() {
        while (!ended())
            ++at_;
        if (at_ < text_.size()) ++at_;
        ++line_;
    }

    void fail(int line, std::string_view what) { out_.errors.push_back(fmt::format("{}: {}", line, what)); }

    std::string_view text_;
    std::size_t at_ = 0;
    int line_ = 1;
    env_file out_;
};

} // namespace

env_file parse_env_file(std::string_view text) {
    return reader(text).read();
}

} // namespace enrichd

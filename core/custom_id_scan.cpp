// Finds a line's custom_id without parsing the line, so that a truncated or garbled line can still be told
// apart.
// SPDX-License-Identifier: Apache-2.0
#include "core/batch_result.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>

namespace enrichd {

namespace {

/// Steps over JSON without judging it; every step stops at the end of the text.
class id_scanner {
public:
    explicit id_scanner(std::string_view text) : text_(text) {}

    char peek() {
        at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size());
        return at_ < text_.size() ? text_[at_] : '\0';
    }

    bool take(char c) {
        if (peek() != c) return false;
        ++at_;
        return true;
    }

    /// A string with its quotes, as it stands; absent if there is none, or if it has no end.
    std::optional<std::string_view> string() {
        if (peek() != '"') return std::nullopt;
        const auto begin = at_;
        for (auto quote = text_.find('"', begin + 1); quote != std::string_view::npos;
             quote = text_.find('"', quote + 1)) {
            const auto last = text_.find_last_not_of('\\', quote - 1); // the opening quote, at the latest
            if ((quote - 1 - last) % 2 != 0) continue;
            at_ = quote + 1;
            return text_.substr(begin, at_ - begin);
        }
        return std::nullopt;
    }

    bool skip_value() {
        std::size_t depth = 0;
        do {
            const char c = peek();
            if (c == '"') {
                if (!string()) return false;
            } else if (c == '{' || c == '[') {
                ++depth;
                ++at_;
            } else if ((c == '}' || c == ']') && depth > 0) {
                --depth;
                ++at_;
            } else if (c == '\0') {
                return false;
            } else if (depth > 0) {
                ++at_;
            } else {
                at_ = std::min(text_.find_first_of(",}", at_), text_.size());
            }
        } while (depth > 0);
        return true;
    }

private:
    std::string_view text_;
    std::size_t at_ = 0;
};

// Our own ids have nothing to unescape, but a server may write any character as \uXXXX.
std::optional<std::string> unquoted(std::string_view quoted) {
    const auto inside = quoted.substr(1, quoted.size() - 2);
    if (inside.find('\\') == std::string_view::npos) return std::string(inside);
    const auto value = nlohmann::json::parse(quoted, nullptr, false);
    return value.is_string() ? std::optional(value.get<std::string>()) : std::nullopt;
}

} // namespace

std::optional<std::string> read_custom_id(std::string_view line) {
    if (line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
    id_scanner s(line);
    if (!s.take('{')) return std::nullopt;
    do {
        const auto key = s.string();
        if (!key || !s.take(':')) return std::nullopt;
        if (unquoted(*key) == "custom_id") {
            const auto value = s.string();
            return value ? unquoted(*value) : std::nullopt;
        }
        if (!s.skip_value()) return std::nullopt;
    } while (s.take(','));
    return std::nullopt;
}

} // namespace enrichd

// SPDX-License-Identifier: Apache-2.0
#include "core/config_values.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <charconv>

namespace enrichd {

namespace {

template <class T>
std::optional<T> read_written(const std::string& s) {
    T value{};
    const auto [end, ec] = std::from_chars(s.data(), s.data() + s.size(), value);
    if (ec != std::errc{} || end != s.data() + s.size()) return std::nullopt;
    return value;
}

std::optional<std::string> read_text(const config_value& v) {
    if (const auto* s = std::get_if<std::string>(&v)) return *s;
    if (const auto* w = std::get_if<written>(&v)) return w->text;
    return std::nullopt;
}

std::optional<double> read_number(const config_value& v) {
    if (const auto* d = std::get_if<double>(&v)) return *d;
    if (const auto* i = std::get_if<std::int64_t>(&v)) return static_cast<double>(*i);
    if (const auto* w = std::get_if<written>(&v)) return read_written<double>(w->text);
    return std::nullopt;
}

// TOML may give money as a number; 12 decimals of a double below a thousand dollars are what was written.
std::optional<money> read_money(const config_value& v) {
    if (auto text = read_text(v)) return parse_dollars(*text);
    if (const auto* i = std::get_if<std::int64_t>(&v)) return parse_dollars(fmt::format("{}", *i));
    const auto* d = std::get_if<double>(&v);
    if (!d || !(*d >= 0 && *d < 1e6)) return std::nullopt;
    const auto shortest = fmt::format("{}", *d);
    return parse_dollars(shortest.find('e') == std::string::npos ? shortest : fmt::format("{:.12f}", *d));
}

// "host", "host:port/path" or "[v6]:port/path": the host, with its brackets.
std::string_view host_of(std::string_view authority) {
    const auto bracket = authority.find(']');
    return authority.starts_with('[') && bracket != std::string_view::npos
               ? authority.substr(0, bracket + 1)
               : authority.substr(0, authority.find_first_of(":/"));
}

bool is_loopback(std::string_view host) {
    if (host == "localhost" || host == "[::1]") return true;
    return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

bool starts_with_any(std::string_view s, std::initializer_list<std::string_view> beginnings) {
    return std::any_of(beginnings.begin(), beginnings.end(), [&](auto b) { return s.starts_with(b); });
}

} // namespace

std::optional<std::int64_t> read_count(const config_value& v, std::int64_t least, std::int64_t most) {
    std::optional<std::int64_t> n;
    if (const auto* i = std::get_if<std::int64_t>(&v)) n = *i;
    if (const auto* w = std::get_if<written>(&v)) n = read_written<std::int64_t>(w->text);
    return n && *n >= least && *n <= most ? n : std::nullopt;
}

std::string count_type(std::int64_t least, std::int64_t most) {
    return fmt::format("a whole number from {} to {}", least, most);
}

config_key finish_key(std::string name, std::string type, std::string default_text, about_key about) {
    config_key key;
    key.name = std::move(name);
    key.expected = about.expected.empty() ? std::move(type) : std::move(about.expected);
    key.default_text = about.default_text.empty() ? std::move(default_text) : std::move(about.default_text);
    key.meaning = std::move(about.meaning);
    key.environment = std::move(about.environment);
    key.in_file = about.in_file;
    key.secret = about.secret;
    return key;
}

config_key text_key(std::string name, field<std::string> f, about_key about) {
    config defaults;
    const auto valid = about.valid;
    auto key = finish_key(std::move(name), "a text", f(defaults), std::move(about));
    key.set = [f, valid](config& c, const config_value& v) {
        const auto text = read_text(v);
        if (!text || text->empty() || text->find('\0') != std::string::npos || (valid && !valid(*text)))
            return false;
        f(c) = *text;
        return true;
    };
    return key;
}

config_key choice_key(std::string name, field<std::string> f, std::vector<std::string> choices,
                      about_key about) {
    config defaults;
    auto type = fmt::format("one of {}", fmt::join(choices, ", "));
    auto key = finish_key(std::move(name), std::move(type), f(defaults), std::move(about));
    key.set = [f, choices = std::move(choices)](config& c, const config_value& v) {
        const auto text = read_text(v);
        if (!text || std::find(choices.begin(), choices.end(), *text) == choices.end()) return false;
        f(c) = *text;
        return true;
    };
    return key;
}

config_key flag_key(std::string name, field<bool> f, std::string no, std::string yes, about_key about) {
    config defaults;
    auto type = fmt::format("one of {}, {}", no, yes);
    auto key = finish_key(std::move(name), std::move(type), f(defaults) ? yes : no, std::move(about));
    key.set = [f, no, yes](config& c, const config_value& v) {
        const auto text = read_text(v);
        if (text != no && text != yes) return false;
        f(c) = text == yes;
        return true;
    };
    return key;
}

config_key switch_key(std::string name, field<bool> f, about_key about) {
    config defaults;
    auto key = finish_key(std::move(name), "true or false", f(defaults) ? "true" : "false", std::move(about));
    key.set = [f](config& c, const config_value& v) {
        const auto* flag = std::get_if<bool>(&v);
        const auto* word = std::get_if<written>(&v);
        if (!flag && !(word && (word->text == "true" || word->text == "false"))) return false;
        f(c) = flag ? *flag : word->text == "true";
        return true;
    };
    return key;
}

config_key money_key(std::string name, field<money> f, about_key about) {
    config defaults;
    auto key = finish_key(std::move(name), "dollars, such as 25 or \"1.50\"", exact_dollars(f(defaults)),
                          std::move(about));
    key.set = [f](config& c, const config_value& v) {
        const auto m = read_money(v);
        if (m) f(c) = *m;
        return m.has_value();
    };
    return key;
}

config_key seconds_key(std::string name, field<double> f, double least, double most, about_key about) {
    config defaults;
    auto key = finish_key(std::move(name), fmt::format("a number from {} to {}", least, most),
                          fmt::format("{}", f(defaults)), std::move(about));
    key.set = [f, least, most](config& c, const config_value& v) {
        const auto n = read_number(v);
        if (!n || !(*n >= least && *n <= most)) return false;
        f(c) = *n;
        return true;
    };
    return key;
}

config_key seconds_list_key(std::string name, field<std::vector<double>> f, double least, double most,
                            about_key about) {
    config defaults;
    auto key =
        finish_key(std::move(name), fmt::format("a list of 1 to 20 numbers from {} to {}", least, most),
                   fmt::format("[{}]", fmt::join(f(defaults), ", ")), std::move(about));
    key.set = [f, least, most](config& c, const config_value& v) {
        const auto* list = std::get_if<std::vector<double>>(&v);
        if (!list || list->empty() || list->size() > 20) return false;
        if (!std::all_of(list->begin(), list->end(), [&](double d) { return d >= least && d <= most; }))
            return false;
        f(c) = *list;
        return true;
    };
    return key;
}

config_key optional_money_key(std::string name, field<std::optional<money>> f, about_key about) {
    auto key = finish_key(std::move(name), "dollars, such as 25 or \"1.50\"", "none", std::move(about));
    key.set = [f](config& c, const config_value& v) {
        const auto m = read_money(v);
        if (m) f(c) = *m;
        return m.has_value();
    };
    return key;
}

bool is_printable(const std::string& s) {
    return s.size() <= 500 && std::none_of(s.begin(), s.end(), [](char c) {
               return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
           });
}

bool is_token(const std::string& s) {
    return s.size() <= 500 && std::all_of(s.begin(), s.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

bool is_provider_url(const std::string& s) {
    if (!is_token(s) || s.find_first_of("@?#") != std::string::npos) return false;
    if (s.starts_with("https://")) return s.size() > 8 && s[8] != '/';
    return s.starts_with("http://") && is_loopback(host_of(std::string_view(s).substr(7)));
}

bool is_database_url(const std::string& s) {
    if (starts_with_any(s, {"postgresql://", "postgres://"})) return true;
    return s.starts_with("sqlite:") && s.size() > 7;
}

bool is_socket_path(const std::string& s) {
    return s.size() <= 107; // sun_path of sockaddr_un has 108 bytes, one for the zero
}

bool is_select(const std::string& s) {
    std::string_view rest = s;
    for (;;) {
        const auto word = rest.find_first_not_of(" \t\r\n(");
        if (word == std::string_view::npos) return false;
        rest.remove_prefix(word);
        const bool line = rest.starts_with("--"), block = rest.starts_with("/*");
        if (!line && !block) break;
        const auto end = rest.find(line ? "\n" : "*/");
        if (end == std::string_view::npos) return false;
        rest.remove_prefix(end + (line ? 1 : 2));
    }
    std::string first(rest.substr(0, rest.find_first_of(" \t\r\n(*'\"-/")));
    std::transform(first.begin(), first.end(), first.begin(),
                   [](unsigned char c) { return c < 0x80 ? static_cast<char>(std::toupper(c)) : '?'; });
    return first == "SELECT" || first == "WITH";
}

bool is_window(const std::string& s) {
    return s.size() >= 2 && s.size() <= 5 && (s.back() == 'h' || s.back() == 'd') &&
           std::all_of(s.begin(), s.end() - 1, [](char c) { return c >= '0' && c <= '9'; });
}

} // namespace enrichd

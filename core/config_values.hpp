// The types of configuration values: how each is read, checked and shown. For core/config_keys.cpp.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/config_keys.hpp"

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace enrichd {

/// The member of the configuration that a key sets.
template <class T>
using field = T& (*)(config&);

/// What is said of a key besides its name and type. Empty texts are made from the type and the member's
/// default.
struct about_key {
    std::string expected = {};
    std::string default_text = {};
    std::string meaning = {};
    std::vector<std::string> environment = {};
    bool (*valid)(const std::string&) = nullptr; ///< texts only, beyond "not empty"
    bool secret = false;
    bool in_file = true;
};

config_key text_key(std::string name, field<std::string> f, about_key about);
config_key choice_key(std::string name, field<std::string> f, std::vector<std::string> choices,
                      about_key about);
/// A choice between two words that becomes a bool.
config_key flag_key(std::string name, field<bool> f, std::string no, std::string yes, about_key about);
/// true or false.
config_key switch_key(std::string name, field<bool> f, about_key about);
config_key money_key(std::string name, field<money> f, about_key about);
config_key seconds_key(std::string name, field<double> f, double least, double most, about_key about);
config_key seconds_list_key(std::string name, field<std::vector<double>> f, double least, double most,
                            about_key about);
config_key optional_money_key(std::string name, field<std::optional<money>> f, about_key about);
// Parts of count_key.
std::optional<std::int64_t> read_count(const config_value& v, std::int64_t least, std::int64_t most);
config_key finish_key(std::string name, std::string type, std::string default_text, about_key about);
std::string count_type(std::int64_t least, std::int64_t most);

/// A whole number from least to most.
template <class T>
config_key count_key(std::string name, field<T> f, T least, T most, about_key about) {
    const auto lo = static_cast<std::int64_t>(least), hi = static_cast<std::int64_t>(most);
    config defaults;
    auto key = finish_key(std::move(name), count_type(lo, hi), std::to_string(f(defaults)), std::move(about));
    key.set = [f, lo, hi](config& c, const config_value& v) {
        const auto n = read_count(v, lo, hi);
        if (n) f(c) = static_cast<T>(*n);
        return n.has_value();
    };
    return key;
}

/// The same, or none.
template <class T>
config_key optional_count_key(std::string name, field<std::optional<T>> f, T least, T most, about_key about) {
    const auto lo = static_cast<std::int64_t>(least), hi = static_cast<std::int64_t>(most);
    auto key = finish_key(std::move(name), count_type(lo, hi), "none", std::move(about));
    key.set = [f, lo, hi](config& c, const config_value& v) {
        const auto n = read_count(v, lo, hi);
        if (n) f(c) = static_cast<T>(*n);
        return n.has_value();
    };
    return key;
}

// Checks of texts.
bool is_printable(const std::string& s); ///< no control characters, at most 500 bytes
bool is_token(const std::string& s);     ///< printable ASCII without spaces, at most 500
bool is_provider_url(const std::string& s);
bool is_database_url(const std::string& s);
bool is_socket_path(const std::string& s); ///< fits into sockaddr_un
bool is_window(const std::string& s);
bool is_select(const std::string& s); ///< begins as a query does: SELECT or WITH, comments passed over

} // namespace enrichd

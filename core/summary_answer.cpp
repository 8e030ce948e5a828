// SPDX-License-Identifier: Apache-2.0
#include "core/summary_answer.hpp"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "core/safe_text.hpp"

namespace enrichd {

namespace {

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

std::string tidy(std::string_view text) {
    std::string clean;
    clean.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\r') {
            if (i + 1 == text.size() || text[i + 1] != '\n') clean.push_back('\n');
        } else if (begins_with_late_control(text.substr(i))) {
            ++i;
        } else if (c == '\n' || c == '\t' || !is_control(c)) {
            clean.push_back(c);
        }
    }
    constexpr std::string_view blanks = " \t\n";
    clean.erase(clean.find_last_not_of(blanks) + 1);
    clean.erase(0, clean.find_first_not_of(blanks));
    return clean;
}

std::string_view text_at(simdjson::simdjson_result<simdjson::dom::element> field) {
    std::string_view text;
    return field.get_string().get(text) ? std::string_view{} : text;
}

} // namespace

summary_answer read_summary(simdjson::dom::element body) {
    simdjson::dom::element choice;
    if (body["choices"].at(0).get(choice)) return {outcome::invalid, "no choices", {}};

    const auto message = choice["message"];
    if (const auto refusal = text_at(message["refusal"]); !refusal.empty())
        return {outcome::refused, fmt::format("the model declined: {}", safe_text(refusal)), {}};
    const auto finish = text_at(choice["finish_reason"]);
    if (finish == "content_filter") return {outcome::refused, "stopped by the content filter", {}};
    if (finish == "length") return {outcome::truncated, "cut off by the output cap", {}};

    std::string_view content;
    if (message["content"].get_string().get(content))
        return {outcome::invalid, fmt::format("no text; finished with \"{}\"", safe_text(finish, 64)), {}};
    if (content.find('\0') != std::string_view::npos) return {outcome::invalid, "the text holds a NUL", {}};
    auto text = tidy(content);
    if (text.empty()) return {outcome::invalid, "the text is empty", {}};
    return {outcome::ok, {}, std::move(text)};
}

} // namespace enrichd

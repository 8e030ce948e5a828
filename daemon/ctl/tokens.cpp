// Counting tokens, without a daemon.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "core/model.hpp"
#include "core/tokenizer.hpp"
#include "core/utf8.hpp"
#include "daemon/ctl/text.hpp"
#include "daemon/ctl/verbs.hpp"

namespace enrichd::ctl {

namespace {

struct closer {
    void operator()(std::FILE* f) const {
        if (f != stdin) std::fclose(f);
    }
};
using input_file = std::unique_ptr<std::FILE, closer>;

exit_code complain(const options& opt, const std::string& text) {
    if (opt.json) fmt::print("{}", error_line(name(errc::invalid_input), "tokens: " + text, ""));
    fmt::print(stderr, "enrichctl: tokens: {}\n", escape(text));
    return exit_code::usage;
}

result<encoding> choose_encoding(const options& opt) {
    if (opt.has(flag_id::encoding) && opt.has(flag_id::model))
        return error{errc::invalid_input, "either --encoding or --model, not both"};
    const auto name = opt.value(flag_id::model);
    if (name.empty())
        return parse_encoding(opt.has(flag_id::encoding) ? opt.value(flag_id::encoding) : "o200k_base")
            .value();
    const auto models = model_catalogue::built_in();
    const auto found = models.all().find(name);
    if (found == models.all().end()) {
        std::string known;
        for (const auto& [other, m] : models.all())
            known += (known.empty() ? "" : ", ") + other;
        return error{errc::invalid_input, fmt::format("unknown model {}; known are {}", name, known)};
    }
    return parse_encoding(found->second.tokenizer).value();
}

result<std::string> read_all(std::FILE* in, const std::string& name) {
    std::string text;
    char piece[65536];
    while (const auto n = std::fread(piece, 1, sizeof piece, in))
        text.append(piece, n);
    if (std::ferror(in)) return error{errc::invalid_input, fmt::format("{}: {}", name, std::strerror(errno))};
    return text;
}

std::size_t count_text(token_counter& counter, std::string_view text, std::size_t& replaced) {
    const auto repaired = replace_invalid_utf8(text);
    replaced += repaired.replaced;
    return counter.count(repaired.text);
}

exit_code count_lines(const options& opt, std::string_view text, token_counter& counter,
                      std::size_t& replaced) {
    for (std::size_t number = 1; !text.empty(); ++number) {
        const auto end = std::min(text.find('\n'), text.size());
        auto line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.ends_with('\r')) line.remove_suffix(1);
        const auto value = control::json::parse(line, nullptr, false);
        const auto* string = value.get_ptr<const std::string*>();
        if (!string)
            return complain(opt, fmt::format("line {}: expected a JSON string, got something else", number));
        fmt::print("{}\n", count_text(counter, *string, replaced));
    }
    return exit_code::ok;
}

} // namespace

exit_code count_tokens(const options& opt) {
    const auto which = choose_encoding(opt);
    if (!which) return complain(opt, which.error().detail);
    const auto& name = opt.operands.front();
    const input_file in(name == "-" ? stdin : std::fopen(name.c_str(), "rb"));
    if (!in) return complain(opt, fmt::format("{}: {}", name, std::strerror(errno)));
    const auto text = read_all(in.get(), name);
    if (!text) return complain(opt, text.error().detail);

    token_counter counter(*which);
    std::size_t replaced = 0;
    auto code = exit_code::ok;
    if (opt.has(flag_id::jsonl))
        code = count_lines(opt, *text, counter, replaced);
    else if (const auto n = count_text(counter, *text, replaced); opt.json)
        fmt::print("{{\"tokens\": {}, \"encoding\": \"{}\"}}\n", n, enrichd::name(*which));
    else
        fmt::print("{}\n", n);
    if (replaced > 0)
        fmt::print(stderr, "enrichctl: tokens: {} of invalid UTF-8 counted as U+FFFD\n",
                   counted(static_cast<std::int64_t>(replaced), "sequence"));
    return code;
}

} // namespace enrichd::ctl

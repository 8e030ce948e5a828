// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/summary.hpp"

#include "daemon/sandbox/words.hpp"

#include <algorithm>
#include <cctype>
#include <optional>
#include <unordered_map>

namespace enrichd::sandbox {

namespace {

constexpr std::size_t considered = 200; ///< sentences; the location method would hardly pick a later one
constexpr std::size_t beginning = 300;  ///< bytes of a text that has no sentence
constexpr std::size_t longest = 180;    ///< bytes of a sentence; two lists of numbers must fit an output cap

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}
bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

std::size_t skip_spaces(std::string_view text, std::size_t at) {
    while (at < text.size() && is_space(text[at]))
        ++at;
    return at;
}

bool list_mark_at(std::string_view text, std::size_t at) {
    return at + 1 < text.size() && (text[at] == '*' || text[at] == '-' || text[at] == '+') &&
           text[at + 1] == ' ';
}

// Where the sentence that ends around `at` is over; absent where it goes on.
std::optional<std::size_t> end_of_sentence(std::string_view text, std::size_t at) {
    const char c = text[at];
    if (c == '\n') {
        const auto next = skip_spaces(text, at);
        const auto blank = std::count(text.begin() + static_cast<std::ptrdiff_t>(at),
                                      text.begin() + static_cast<std::ptrdiff_t>(next), '\n') > 1;
        return blank || list_mark_at(text, next) ? std::optional(at) : std::nullopt;
    }
    const auto wide = text.substr(at, 3);
    if (wide == "\u3002" || wide == "\uFF01" || wide == "\uFF1F") return at + 3;
    if (c != '.' && c != '!' && c != '?') return std::nullopt;
    auto end = at + 1;
    while (end < text.size() && (text[end] == '"' || text[end] == '\'' || text[end] == ')'))
        ++end;
    if (end < text.size() && !is_space(text[end])) return std::nullopt;
    const auto next = skip_spaces(text, end);
    // "e.g. this", "J. Smith": a small letter follows, or a single capital stands before.
    if (next < text.size() && is_lower(text[next])) return std::nullopt;
    const bool initial = c == '.' && at >= 1 && std::isupper(static_cast<unsigned char>(text[at - 1])) &&
                         (at == 1 || is_space(text[at - 2]));
    return initial ? std::nullopt : std::optional(end);
}

std::string tidy(std::string_view sentence) {
    auto from = skip_spaces(sentence, 0);
    while (list_mark_at(sentence, from))
        from = skip_spaces(sentence, from + 1);
    std::string out;
    for (char c : sentence.substr(from)) {
        if (!is_space(c) && static_cast<unsigned char>(c) >= 0x20)
            out += c;
        else if (!out.empty() && out.back() != ' ')
            out += ' ';
    }
    while (!out.empty() && out.back() == ' ')
        out.pop_back();
    return out;
}

// A sentence as the score sees it: its content words' numbers.
struct candidate {
    std::vector<std::size_t> words;
    std::size_t length = 0; ///< in words, stop words too
    bool taken = false;
};

struct word_model {
    std::vector<double> probability; ///< by word number
    std::vector<candidate> candidates;
};

word_model model_of(const std::vector<std::string>& sentences) {
    word_model model;
    std::unordered_map<std::u32string, std::size_t> numbers;
    double total = 0;
    for (const auto& sentence : sentences) {
        auto& [words, length, taken] = model.candidates.emplace_back();
        const auto folded = fold(sentence);
        for (const auto word : words_of(folded)) {
            ++length;
            if (is_stop_word(word)) continue;
            const auto [at, added] = numbers.try_emplace(std::u32string(word), model.probability.size());
            if (added) model.probability.push_back(0);
            model.probability[at->second] += 1;
            words.push_back(at->second);
            total += 1;
        }
    }
    for (auto& p : model.probability)
        p /= total;
    return model;
}

double score(const word_model& model, std::size_t sentence) {
    const auto& c = model.candidates[sentence];
    if (c.taken || c.words.empty()) return -1;
    double sum = 0;
    for (auto word : c.words)
        sum += model.probability[word];
    double value = sum / static_cast<double>(c.words.size()) / (1 + 0.25 * static_cast<double>(sentence));
    if (c.length < 3) value *= 0.1; // a heading or a name, not a sentence
    return value;
}

// A sentence up to a word's end within `longest`, with an ellipsis where something is left out.
std::string shortened(const std::string& sentence) {
    if (sentence.size() <= longest) return sentence;
    auto end = sentence.rfind(' ', longest);
    if (end == std::string::npos || end < longest / 2) {
        end = longest;
        while (end > 0 && (static_cast<unsigned char>(sentence[end]) & 0xC0) == 0x80)
            --end; // not inside a character
    }
    return sentence.substr(0, end) + " \u2026";
}

} // namespace

std::vector<std::string> sentences_of(std::string_view text) {
    std::vector<std::string> out;
    std::size_t from = 0;
    const auto take = [&](std::size_t end) {
        auto sentence = tidy(text.substr(from, end - from));
        if (!sentence.empty()) out.push_back(std::move(sentence));
        from = end;
    };
    for (std::size_t at = 0; at < text.size() && out.size() < considered;) {
        const auto end = at >= from ? end_of_sentence(text, at) : std::nullopt;
        if (end) take(*end);
        at = end ? std::max(*end, at + 1) : at + 1;
    }
    if (out.size() < considered) take(text.size());
    return out;
}

std::string summarise(std::string_view text, std::size_t count) {
    const auto sentences = sentences_of(text);
    auto model = model_of(sentences);
    for (std::size_t picked = 0; picked < count; ++picked) {
        std::size_t best = 0;
        for (std::size_t i = 1; i < sentences.size(); ++i)
            if (score(model, i) > score(model, best)) best = i;
        if (sentences.empty() || score(model, best) < 0) break;
        model.candidates[best].taken = true;
        for (auto word : model.candidates[best].words)
            model.probability[word] *= model.probability[word];
    }
    std::string out;
    for (std::size_t i = 0; i < sentences.size(); ++i) {
        if (!model.candidates[i].taken) continue;
        if (!out.empty()) out += ' ';
        out += shortened(sentences[i]);
    }
    if (!out.empty()) return out;
    auto end = std::min(text.size(), beginning);
    while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
        --end; // not inside a character
    out = tidy(text.substr(0, end));
    return out.empty() ? "The text is empty." : out;
}

std::string_view fenced_text(std::string_view prompt) {
    // <tag> ... </tag>, the outermost pair.
    for (auto open = prompt.find('<'); open != std::string_view::npos; open = prompt.find('<', open + 1)) {
        const auto close = prompt.find('>', open);
        if (close == std::string_view::npos) break;
        const auto tag = prompt.substr(open + 1, close - open - 1);
        const bool plain =
            !tag.empty() && tag.size() <= 40 && std::all_of(tag.begin(), tag.end(), [](char c) {
                return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
            });
        if (!plain) continue;
        const auto end = prompt.rfind("</" + std::string(tag) + ">");
        if (end != std::string_view::npos && end > close) return prompt.substr(close + 1, end - close - 1);
    }
    static constexpr std::string_view fences[][2] = {{"```", "```"}, {"\"\"\"", "\"\"\""}, {"<<<", ">>>"},
                                                     {"---", "---"}, {"===", "==="},       {"###", "###"}};
    for (const auto& [first, last] : fences) {
        const auto open = prompt.find(first);
        const auto end = prompt.rfind(last);
        if (open == std::string_view::npos || end == std::string_view::npos) continue;
        const auto from = prompt.find('\n', open);
        if (from != std::string_view::npos && from < end) return prompt.substr(from + 1, end - from - 1);
    }
    return prompt;
}

} // namespace enrichd::sandbox

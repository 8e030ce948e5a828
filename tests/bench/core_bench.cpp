// How fast request lines are written and answers are read, beside the general way to do it.
// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstring>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "core/base64.hpp"
#include "core/batch_result.hpp"
#include "core/json_writer.hpp"
#include "tests/bench/side_by_side.hpp"

using namespace enrichd;

namespace {

constexpr std::size_t texts = 2000;
constexpr std::size_t dimensions = 1536;

volatile std::size_t sink; // results go here, so that no work can be left out

// Six kilobytes of prose: lines of some eighty letters, a quotation now and then.
std::string prose() {
    std::string text;
    for (int line = 0; text.size() < 6000; ++line) {
        text += "The parser no longer reads beyond the end of a header that was cut in the middle";
        text += line % 5 == 0 ? " (\"short read\").\n" : ", as it did before.\n";
    }
    return text;
}

template <class Write>
void write_all(const std::vector<std::string>& all, Write write) {
    std::string out;
    out.reserve(all.size() * all.front().size() * 2);
    for (const auto& text : all)
        write(out, text);
    sink = out.size();
}

void bench_escaper() {
    const std::vector<std::string> all(texts, prose());
    const auto copy = [](std::string& out, const std::string& text) { out.append(text); };
    const auto ours = [](std::string& out, const std::string& text) { append_json_string(out, text); };
    const auto general = [](std::string& out, const std::string& text) {
        out += nlohmann::json(text).dump();
    };
    bench::side_by_side("writing a text as a JSON string", all.front().size() * texts,
                        {{"memcpy", [&] { write_all(all, copy); }},
                         {"append_json_string", [&] { write_all(all, ours); }},
                         {"nlohmann::json::dump", [&] { write_all(all, general); }}});
}

std::vector<float> unit_vector(std::mt19937& random) {
    std::normal_distribution<float> value;
    std::vector<float> v(dimensions);
    for (auto& x : v)
        x = value(random) / std::sqrt(static_cast<float>(dimensions));
    return v;
}

std::vector<std::string> answer_lines(bool base64) {
    std::mt19937 random(1);
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < texts; ++i) {
        const auto v = unit_vector(random);
        const auto vector =
            base64 ? nlohmann::json(encode_base64(std::as_bytes(std::span(v)))) : nlohmann::json(v);
        const nlohmann::json body = {
            {"object", "list"},
            {"data", {{{"object", "embedding"}, {"index", 0}, {"embedding", vector}}}},
            {"usage", {{"prompt_tokens", 1500}, {"total_tokens", 1500}}}};
        const nlohmann::json line = {
            {"custom_id", fmt::format("e{}", i)},
            {"response", {{"status_code", 200}, {"request_id", "r"}, {"body", body}}},
            {"error", nullptr}};
        lines.push_back(line.dump() + "\n");
    }
    return lines;
}

void copy_lines(const std::vector<std::string>& lines) {
    std::string out;
    for (const auto& line : lines) {
        out.assign(line);
        sink = out.size();
    }
}

void read_lines(const std::vector<std::string>& lines) {
    for (const auto& line : lines)
        sink = read_answer(line, {kind::embeddings, 1, dimensions}).embeddings.size();
}

// Parses alone: what is checked and decoded after that is left out, in its favour.
void parse_lines(const std::vector<std::string>& lines) {
    for (const auto& line : lines)
        sink = nlohmann::json::parse(line, nullptr, false).size();
}

void bench_answers(const std::string& what, bool base64) {
    const auto lines = answer_lines(base64);
    std::size_t bytes = 0;
    for (const auto& line : lines)
        bytes += line.size();
    bench::side_by_side(what, bytes,
                        {{"memcpy", [&] { copy_lines(lines); }},
                         {"read_answer", [&] { read_lines(lines); }},
                         {"nlohmann::json::parse", [&] { parse_lines(lines); }}});
}

} // namespace

int main() {
    bench_escaper();
    bench_answers("reading vectors of 1536 in base64", true);
    bench_answers("reading vectors of 1536 as numbers", false);
}

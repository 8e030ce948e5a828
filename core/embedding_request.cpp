// Request lines of embeddings: all chunks of a row in one request, as far as the API takes them.
// SPDX-License-Identifier: Apache-2.0
#include "core/request_lines.hpp"

#include <fmt/format.h>

#include <iterator>
#include <span>

#include "core/chunker.hpp"
#include "core/custom_id.hpp"
#include "core/json_writer.hpp"

namespace enrichd {

namespace {

// Limits of one embeddings request (OpenAI API reference, "Create embeddings").
constexpr std::size_t most_inputs = 2048;
constexpr std::uint64_t most_input_tokens = 300'000;

// An answer beside its vectors, and a vector beside its numbers: some 365 bytes of a recorded one-vector line
// of 8,557, with room to spare.
constexpr std::uint64_t vectors_envelope_bytes = 640;
constexpr std::uint64_t vector_envelope_bytes = 96;
constexpr std::uint64_t bytes_per_number = 26; // "-1.2345678901234567e-100, "

using chunk_span = std::span<const chunk>;

// How many of the chunks one request takes.
std::size_t in_one_request(chunk_span chunks) {
    std::uint64_t tokens = 0;
    std::size_t n = 0;
    while (n < chunks.size() && n < most_inputs && tokens + chunks[n].tokens <= most_input_tokens)
        tokens += chunks[n++].tokens;
    return n;
}

request_line make_line(const request_text& t, const recipe& r, chunk_span chunks, std::uint32_t part) {
    request_line line;
    line.part = part;
    line.custom_id = make_custom_id(r.kind, r.version, t.hash, part);
    line.reply_bytes = embedding_reply_bytes(r, chunks.size());
    line.chunk_tokens.reserve(chunks.size());
    line.json = begin_line(line.custom_id, r) + ",\"input\":";
    char before = '[';
    for (const auto& c : chunks) {
        line.json += before;
        append_json_string(line.json, t.text.substr(c.offset, c.length));
        before = ',';
        line.chunk_tokens.push_back(c.tokens);
        line.input_tokens += c.tokens;
    }
    fmt::format_to(std::back_inserter(line.json), "],\"encoding_format\":\"{}\"", r.encoding_format);
    if (r.dimensions != r.model.dimensions)
        fmt::format_to(std::back_inserter(line.json), ",\"dimensions\":{}", r.dimensions);
    line.json += "}}\n";
    return line;
}

} // namespace

std::uint64_t embedding_reply_bytes(const recipe& r, std::size_t vectors) {
    const std::uint64_t bytes = std::uint64_t{r.dimensions} * sizeof(float);
    const auto numbers =
        r.encoding_format == "base64" ? (bytes + 2) / 3 * 4 : r.dimensions * bytes_per_number;
    return vectors_envelope_bytes + vectors * (numbers + vector_envelope_bytes);
}

std::vector<request_line> embedding_lines(const request_text& t, const recipe& r, token_counter& counter) {
    const auto chunks = cut_chunks(t.text, counter, {r.chunk_tokens, r.chunk_overlap});
    std::vector<request_line> lines;
    for (chunk_span rest(chunks); !rest.empty();) {
        const auto n = in_one_request(rest);
        lines.push_back(make_line(t, r, rest.first(n), static_cast<std::uint32_t>(lines.size())));
        rest = rest.subspan(n);
    }
    for (auto& line : lines)
        line.parts = static_cast<std::uint32_t>(lines.size());
    return lines;
}

} // namespace enrichd

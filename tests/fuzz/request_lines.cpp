// Rows of any bytes into request lines: each is one line of JSON, within the provider's rules.
// SPDX-License-Identifier: Apache-2.0
#include "core/batch_request.hpp"

#include "core/chunker.hpp"
#include "core/tokenizer.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace enrichd;

namespace {

// Limits so low that a small input reaches them.
summary_settings short_summaries() {
    summary_settings s;
    s.max_input_tokens = 40;
    s.min_characters = 3;
    return s;
}

embedding_settings small_chunks() {
    embedding_settings s;
    s.chunk_tokens = 16;
    s.min_characters = 3;
    return s;
}

struct bench {
    recipe r;
    token_counter counter;
};

bench& bench_of(kind k) {
    static const auto models = model_catalogue::built_in();
    static bench benches[] = {
        {make_summary_recipe(short_summaries(), models.find("gpt-4o-mini", kind::summaries).value()),
         token_counter(encoding::o200k_base)},
        {make_embedding_recipe(small_chunks(),
                               models.find("text-embedding-3-small", kind::embeddings).value(), std::nullopt)
             .value(),
         token_counter(encoding::cl100k_base)}};
    return benches[k == kind::embeddings];
}

void check_line(const request_line& line, kind k) {
    fuzz::require(line.json.ends_with('\n') && line.json.find('\n') == line.json.size() - 1, "one line");
    const auto j = parse_json(line.json);
    fuzz::require(j && text_member(*j, "custom_id") == line.custom_id, "a line is JSON with its custom_id");
    fuzz::require(line.custom_id.size() <= 64 &&
                      line.custom_id.find_first_not_of("abcdef0123456789es") == std::string::npos,
                  "a custom_id is plain");
    fuzz::require(text_member(*j, "url") == endpoint(k), "a line names its endpoint");
    fuzz::require(line.input_tokens > 0 && line.part < line.parts && line.reply_bytes > 0, "it is bounded");
    if (k == kind::summaries) return;
    const auto* inputs = &(*j)["body"]["input"];
    fuzz::require((inputs->is_array() ? inputs->size() : 1) == line.chunk_tokens.size(),
                  "each input has its weight");
    for (const auto tokens : line.chunk_tokens)
        fuzz::require(tokens > 0 && tokens <= 16, "chunks fit the window");
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto rest = fuzz::text_of(data, size);
    const auto k = fuzz::take_byte(rest) & 1 ? kind::embeddings : kind::summaries;
    const auto title = rest.substr(0, fuzz::take_byte(rest));
    rest.remove_prefix(std::min(rest.size(), title.size()));
    auto& b = bench_of(k);

    source_row row;
    row.key = "k";
    row.title = title;
    row.text = std::string(rest);
    row.why = need::value;
    const auto made = build_requests(row, b.r, b.counter);
    fuzz::require(made.hash == hash_text(title, rest), "the hash is of the raw bytes");
    fuzz::require(made.lines.empty() != made.skip_reason.empty(), "lines, or a reason why not");
    for (const auto& line : made.lines)
        check_line(line, k);
    return 0;
}

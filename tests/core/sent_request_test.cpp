// SPDX-License-Identifier: Apache-2.0
#include "core/sent_request.hpp"

#include "tests/core/request_support.hpp"

using namespace enrichd;

TEST_CASE("a sent line reads back with the figures that it was built with", "[core][sent_request]") {
    std::string text;
    for (int i = 0; i < 3000; ++i)
        text += "Line \"" + std::to_string(i) + "\" of a long text, with ข้อความ and a\ttab. ";
    for (const auto& r : {test::summaries(), test::embeddings()}) {
        CAPTURE(name(r.kind));
        const auto built = test::only_line(test::build(test::row_of(text, "A title"), r));
        token_counter counter(parse_encoding(r.model.tokenizer).value());
        const auto read = read_sent_request(built.json, r, counter);
        CHECK(read.custom_id == built.custom_id);
        CHECK(read.input_tokens == built.input_tokens);
        CHECK(read.output_cap == built.output_cap);
        CHECK(read.chunk_tokens == built.chunk_tokens);
        CHECK(read.reply_bytes == built.reply_bytes);
        CHECK(read.json.empty());
    }
}

TEST_CASE("a line that cannot be read costs nothing that is known", "[core][sent_request]") {
    const auto r = test::summaries();
    token_counter counter(parse_encoding(r.model.tokenizer).value());
    for (const auto* line : {"", "{", "[1]", "{\"custom_id\":\"s1\"}", "{\"custom_id\":\"s1\",\"body\":7}",
                             "{\"custom_id\":\"s1\",\"body\":{\"messages\":7,\"input\":7}}"}) {
        CAPTURE(line);
        const auto read = read_sent_request(line, r, counter);
        CHECK(read.input_tokens == 0);
        CHECK(read.output_cap == 0);
        CHECK(read.reply_bytes > 0);
    }
    CHECK(read_sent_request("{\"custom_id\":\"s1\",\"body\":7}", r, counter).custom_id == "s1");
    const auto odd = "{\"body\":{\"messages\":[{\"content\":7},8],\"max_tokens\":-5}}";
    CHECK(read_sent_request(odd, r, counter).output_cap == 0);
}

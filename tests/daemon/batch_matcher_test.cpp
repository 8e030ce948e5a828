// What is known of a batch by its answers alone, where its request file is gone.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/batch_matcher.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/temp_folder.hpp"

#include <fmt/format.h>

using namespace enrichd;

namespace {

std::string answer_of(const std::string& custom_id, int vectors) {
    std::string data;
    for (int i = 0; i < vectors; ++i)
        data += (i > 0 ? "," : "") + fmt::format(R"({{"index":{},"embedding":[1.0,0.5]}})", i);
    return fmt::format(
        R"({{"custom_id":"{}","response":{{"status_code":200,"body":{{"data":[{}]}}}},"error":null}})"
        "\n",
        custom_id, data);
}

} // namespace

TEST_CASE("an answer of embeddings that no row needs tells itself how many vectors it must have",
          "[batch_matcher]") {
    const test::temp_folder folder;
    const auto output = folder / "results.jsonl";
    const auto errors = folder / "errors.jsonl";
    test::write_file(output, answer_of("e-three", 3) + answer_of("e-one", 1) + answer_of("e-none", 0));
    test::write_file(errors, "{\"custom_id\":\"e-failed\",\"error\":{\"code\":\"batch_expired\"}}\n");
    auto sent = read_answered_lines({output, errors});
    REQUIRE(sent);

    const embedding_settings settings;
    const auto known = model_catalogue::built_in().find(settings.model, kind::embeddings).value();
    const auto r = make_embedding_recipe(settings, known, std::nullopt).value();
    batch_matcher matcher(r, std::move(*sent));
    const auto job = matcher.finish();
    REQUIRE(job);
    CHECK(job->unmatched == 4);
    REQUIRE(job->requests.size() == 4);
    CHECK(job->requests[0].chunk_tokens.size() == 3);
    CHECK(job->requests[1].chunk_tokens.size() == 1);
    CHECK(job->requests[2].chunk_tokens.size() == 1);
    CHECK(job->requests[3].chunk_tokens.size() == 1);
    CHECK(job->totals.embedding_inputs == 6);
    CHECK(job->max_line_bytes >= 3 * r.dimensions * sizeof(float)); // the longest is read whole
}

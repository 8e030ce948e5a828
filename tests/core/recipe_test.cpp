// SPDX-License-Identifier: Apache-2.0
#include "core/recipe.hpp"

#include <set>

#include "tests/support/catch.hpp"

using namespace enrichd;

namespace {

model summary_model(std::string_view name = "gpt-4o-mini") {
    return model_catalogue::built_in().find(name, kind::summaries).value();
}

model embedding_model(std::string_view name = "text-embedding-3-small") {
    return model_catalogue::built_in().find(name, kind::embeddings).value();
}

std::string embedding_version(const embedding_settings& s) {
    return make_embedding_recipe(s, embedding_model(), std::nullopt).value().version;
}

std::string fault(const embedding_settings& s, const model& m, std::optional<std::uint32_t> column = {}) {
    const auto r = make_embedding_recipe(s, m, column);
    if (r) return "none";
    CHECK(r.error().code == errc::invalid_input);
    return r.error().detail;
}

} // namespace

TEST_CASE("a version is the model's name and twelve hexadecimal digits", "[core][recipe]") {
    const auto version = make_summary_recipe({}, summary_model()).version;
    REQUIRE(version.size() == std::string("gpt-4o-mini-").size() + 12);
    CHECK(version.substr(0, 12) == "gpt-4o-mini-");
    CHECK(version.find_first_not_of("0123456789abcdef", 12) == std::string::npos);
}

TEST_CASE("versions stay what they are from release to release", "[core][recipe]") {
    // A change here re-enriches every row of every user: it must be meant, and stand in the change log.
    CHECK(make_summary_recipe({}, summary_model()).version == "gpt-4o-mini-c4433cd265d2");
    CHECK(embedding_version({}) == "text-embedding-3-small-6bd9f0b74172");
}

TEST_CASE("whatever changes a summary request changes the version", "[core][recipe]") {
    std::set<std::string> versions;
    const auto add = [&](const summary_settings& s, const model& m) {
        versions.insert(make_summary_recipe(s, m).version);
    };
    summary_settings s;
    add(s, summary_model());
    s.prompt = "Two sentences.";
    add(s, summary_model());
    s.max_input_tokens = 1000;
    add(s, summary_model());
    s.max_output_tokens = 90;
    add(s, summary_model());
    add(s, summary_model("gpt-6-luna"));
    auto m = summary_model("gpt-6-luna");
    m.reasoning_effort = "low";
    add(s, m);
    m.accepts_temperature = false;
    add(s, m);
    CHECK(versions.size() == 7);
}

TEST_CASE("a prompt cannot be worded to look like other settings", "[core][recipe]") {
    summary_settings a, b;
    a.prompt = "x\nmax_input_tokens=1";
    b.prompt = "x";
    b.max_input_tokens = 1;
    CHECK(make_summary_recipe(a, summary_model()).version != make_summary_recipe(b, summary_model()).version);
}

TEST_CASE("what does not change a value does not change its version", "[core][recipe]") {
    summary_settings s;
    s.min_characters = 1;
    CHECK(make_summary_recipe(s, summary_model()).version ==
          make_summary_recipe({}, summary_model()).version);
    s.prompt = default_summary_prompt();
    CHECK(make_summary_recipe(s, summary_model()).version ==
          make_summary_recipe({}, summary_model()).version);

    auto dearer = summary_model();
    dearer.batch.input += money{1};
    CHECK(make_summary_recipe({}, dearer).version == make_summary_recipe({}, summary_model()).version);

    embedding_settings e;
    e.encoding_format = "float";
    e.min_characters = 1;
    e.dimensions = 1536;
    CHECK(embedding_version(e) == embedding_version({}));
}

TEST_CASE("dimensions and chunking are part of an embedding's version", "[core][recipe]") {
    std::set<std::string> versions = {embedding_version({})};
    embedding_settings e;
    e.dimensions = 512;
    versions.insert(embedding_version(e));
    e.chunk_tokens = 500;
    versions.insert(embedding_version(e));
    e.overlap_percent = 20;
    versions.insert(embedding_version(e));
    versions.insert(
        make_embedding_recipe({}, embedding_model("text-embedding-3-large"), 1536).value().version);
    CHECK(versions.size() == 5);
}

TEST_CASE("an embedding has the column's dimensions, then the configured, then the model's",
          "[core][recipe]") {
    embedding_settings e;
    CHECK(make_embedding_recipe(e, embedding_model(), std::nullopt).value().dimensions == 1536);
    e.dimensions = 512;
    CHECK(make_embedding_recipe(e, embedding_model(), std::nullopt).value().dimensions == 512);
    CHECK(make_embedding_recipe(e, embedding_model(), 256).value().dimensions == 256);
}

TEST_CASE("dimensions that the model cannot give are refused", "[core][recipe]") {
    CHECK(fault({}, embedding_model(), 3072) ==
          "the column asks for vectors of 3072 dimensions; text-embedding-3-small gives 1 to 1536");
    CHECK(fault({}, embedding_model("text-embedding-ada-002"), 512) ==
          "the column asks for vectors of 512 dimensions; text-embedding-ada-002 gives 1536 alone");
    embedding_settings e;
    e.dimensions = 0;
    CHECK(fault(e, embedding_model()) ==
          "the configuration asks for vectors of 0 dimensions; text-embedding-3-small gives 1 to 1536");
    CHECK(fault({}, embedding_model("text-embedding-ada-002"), 1536) == "none");
}

TEST_CASE("chunks that the model cannot take are refused", "[core][recipe]") {
    embedding_settings e;
    e.chunk_tokens = 8192;
    CHECK(fault(e, embedding_model()) == "none");
    e.chunk_tokens = 8193;
    CHECK(fault(e, embedding_model()) == "chunks of 8193 tokens; text-embedding-3-small takes 4 to 8192");
    e.chunk_tokens = 1500;
    e.overlap_percent = 51;
    CHECK(fault(e, embedding_model()) == "chunks that overlap by 51 percent; at most 50 are possible");
    e.overlap_percent = 10;
    e.encoding_format = "int8";
    CHECK(fault(e, embedding_model()) == "encoding format \"int8\"; \"base64\" or \"float\" are known");
}

TEST_CASE("the overlap is a share of the chunk", "[core][recipe]") {
    CHECK(make_embedding_recipe({}, embedding_model(), std::nullopt).value().chunk_overlap == 150);
}

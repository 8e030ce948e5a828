// SPDX-License-Identifier: Apache-2.0
#include "core/batch_label.hpp"

#include "tests/support/catch.hpp"

using namespace enrichd;

namespace {

batch_label full_label() {
    batch_label l;
    l.submission = "ed1-1a2b3c4d-7-1";
    l.installation = "1a2b3c4d";
    l.job = "7";
    l.kind = kind::embeddings;
    l.version = "text-embedding-3-small-0123456789ab";
    l.sha256 = std::string(64, 'f');
    l.target = target_mark("postgresql:host/db/events");
    l.refresh_legacy = true;
    l.keep_versions = true;
    return l;
}

} // namespace

TEST_CASE("a batch's label reads back from its metadata", "[core][batch_label]") {
    const auto label = full_label();
    const auto read = read_label(to_metadata(label));
    REQUIRE(read);
    CHECK(read->submission == label.submission);
    CHECK(read->installation == label.installation);
    CHECK(read->job == label.job);
    CHECK(read->kind == label.kind);
    CHECK(read->version == label.version);
    CHECK(read->sha256 == label.sha256);
    CHECK(read->target == label.target);
    CHECK(read->refresh_legacy);
    CHECK(read->keep_versions);
    const auto plain = read_label(to_metadata(batch_label{}));
    REQUIRE(plain);
    CHECK_FALSE(plain->kind);
    CHECK_FALSE(plain->refresh_legacy);
    CHECK_FALSE(plain->keep_versions);
}

TEST_CASE("metadata keeps to the API's limits, whatever a model is called", "[core][batch_label]") {
    auto label = full_label();
    for (int i = 0; i < 400; ++i)
        label.version += "ต้";
    label.job = std::string("\xff\xfe", 2);
    const auto metadata = to_metadata(label);
    CHECK(metadata.size() <= most_metadata_pairs);
    for (const auto& [key, value] : metadata) {
        CHECK(key.size() <= longest_metadata_key);
        CHECK(value.size() <= longest_metadata_value);
    }
    CHECK(metadata.at("enrichd_version") == metadata_value(label.version));
    CHECK(metadata.at("enrichd_job") == "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST_CASE("a batch of somebody else has no label", "[core][batch_label]") {
    CHECK_FALSE(read_label({}));
    CHECK_FALSE(read_label({{"project", "news"}, {"enrichd_kind", "summaries"}}));
}

TEST_CASE("targets are told apart without their names", "[core][batch_label]") {
    const auto mark = target_mark("postgresql:host/db/events");
    CHECK(mark.size() == 16);
    CHECK(mark == target_mark("postgresql:host/db/events"));
    CHECK(mark != target_mark("postgresql:host/db/articles"));
}

// The limit of a queue, out of the provider's own words.
// SPDX-License-Identifier: Apache-2.0
#include "core/quota_message.hpp"

#include "tests/support/catch.hpp"

#include <string>

using namespace enrichd;

TEST_CASE("the limit is read as providers write it", "[quota]") {
    CHECK(told_queue_limit(
              "Enqueued token limit reached for gpt-4o-mini in organization org-abc. Limit: 2,000,000 "
              "enqueued tokens. Please try again once some in_progress batches have been completed.") ==
          2'000'000);
    CHECK(told_queue_limit("Limit: 1350000 enqueued tokens") == 1'350'000);
    CHECK(told_queue_limit(
              "The number of enqueued tokens has surpassed the configured limit of 30K for the deployment "
              "'gpt-4o'.") == 30'000);
    CHECK(told_queue_limit("the limit is 1.5M tokens") == 1'500'000);
    CHECK(told_queue_limit("LIMIT: 15B") == 15'000'000'000);
    CHECK(told_queue_limit("limit:90,000.") == 90'000);
    CHECK(told_queue_limit("token_limit_exceeded: limit of 250,000, used 3") == 250'000);
}

TEST_CASE("where no number stands after the word, no limit is told", "[quota]") {
    for (const char* words :
         {"", "token_limit_exceeded", "Enqueued token limit reached", "limit: none", "2,000,000", "limit of",
          "limit: 0 tokens", "Limit: 9999999999999999999999", "rate limit; 2 tries"}) {
        CAPTURE(words);
        CHECK_FALSE(told_queue_limit(words));
    }
}

TEST_CASE("a word that begins with a unit's letter is no unit", "[quota]") {
    CHECK(told_queue_limit("limit: 40 million") == 40);
    CHECK(told_queue_limit("limit: 40 k") == 40);
    CHECK(told_queue_limit("limit: 5k") == 5000);
}

TEST_CASE("a full queue is told from other refusals", "[quota]") {
    CHECK(says_queue_is_full("token_limit_exceeded: Enqueued token limit reached for gpt-4o"));
    CHECK(says_queue_is_full("The number of enqueued tokens has surpassed the configured limit of 30K"));
    CHECK_FALSE(says_queue_is_full("Rate limit reached for requests"));
    CHECK_FALSE(says_queue_is_full("invalid_file_format: line 3"));
}

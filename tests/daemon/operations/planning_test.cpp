// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/operations_fixture.hpp"

using namespace enrichd;
using enrichd::test::operations_fixture;
using json = nlohmann::json;

TEST_CASE("a plan warns of a budget above the profile's limit, which counts", "[operations][plan]") {
    operations_fixture f;
    run_order order;
    const auto plan = [&](const char* profile, std::optional<money> budget) {
        order.profile = profile;
        order.budget = budget;
        const auto reply = f.wait(f.ops.plan(order));
        REQUIRE(reply.has_value());
        return *reply;
    };
    const auto above = plan("test", parse_dollars("25.01"));
    CHECK(above.at("warnings") ==
          json({"the budget of $25.01 is above the limit of profile test, $25.00, which counts"}));
    CHECK(above.at("limit_usd") == "25");
    CHECK(plan("test", parse_dollars("25")).at("warnings").empty());
    CHECK(plan("full", parse_dollars("25.01")).at("warnings").empty());
    CHECK(plan("full", std::nullopt).at("warnings").empty());

    // Where a kind cannot be built, too.
    f.settings->embeddings.model = "no-such-model";
    CHECK(plan("full", parse_dollars("201")).at("warnings").size() == 1);
}

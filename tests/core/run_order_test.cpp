// SPDX-License-Identifier: Apache-2.0
#include "core/run_order.hpp"

#include "tests/support/catch.hpp"

using namespace enrichd;

namespace {

run_order full_order() {
    run_order o;
    o.kinds = {kind::embeddings, kind::summaries};
    o.since_ms = -86'400'000;
    o.limit = 18'446'744'073'709'551'615U;
    o.authorities = {"openssl", "a \"quoted\" name", "สำนักงาน", ""};
    o.budget = parse_dollars("1.000000000001");
    o.profile = "test";
    o.refresh_legacy = true;
    o.adopted_batch = "batch_1";
    return o;
}

} // namespace

TEST_CASE("an order reads back as it was written", "[core][run_order]") {
    const auto order = full_order();
    const auto read = read_order(to_json(order));
    REQUIRE(read);
    CHECK(read->kinds == order.kinds);
    CHECK(read->since_ms == order.since_ms);
    CHECK(read->limit == order.limit);
    CHECK(read->authorities == order.authorities);
    CHECK(read->budget == order.budget);
    CHECK(read->profile == "test");
    CHECK(read->refresh_legacy);
    CHECK(read->adopted_batch == "batch_1");
}

TEST_CASE("an order that says nothing reads back as one that says nothing", "[core][run_order]") {
    const auto read = read_order(to_json(run_order{}));
    REQUIRE(read);
    CHECK(read->kinds.empty());
    CHECK_FALSE(read->since_ms);
    CHECK_FALSE(read->limit);
    CHECK(read->authorities.empty());
    CHECK_FALSE(read->budget);
    CHECK(read->profile == "full");
    CHECK_FALSE(read->refresh_legacy);
    CHECK(read->adopted_batch.empty());
}

TEST_CASE("an order tells the command that it came from", "[core][run_order]") {
    run_order o;
    CHECK(command_of(o, true) == "run");
    CHECK(command_of(o, false) == "build");
    o.adopted_batch = "batch_1";
    CHECK(command_of(o, false) == "adopt");
}

TEST_CASE("a limit of 0 is not the same as no limit", "[core][run_order]") {
    run_order o;
    o.limit = 0;
    o.budget = money{0};
    const auto read = read_order(to_json(o));
    REQUIRE(read);
    CHECK(read->limit == 0U);
    CHECK(read->budget == money{0});
}

TEST_CASE("a text that is no order is an error that names the field", "[core][run_order]") {
    const auto changed = [](const std::string& from, const std::string& to) {
        auto text = to_json(full_order());
        const auto at = text.find(from);
        REQUIRE(at != std::string::npos);
        return text.replace(at, from.size(), to);
    };
    const std::pair<std::string, std::string> cases[] = {
        {"", "JSON"},
        {"[]", "JSON"},
        {"{}", "kinds"},
        {changed(R"("summaries")", R"("poems")"), "kinds"},
        {changed(R"("summaries")", "1"), "kinds"},
        {changed("-86400000", R"("yesterday")"), "since_ms"},
        {changed("-86400000", "1.5"), "since_ms"},
        {changed("18446744073709551615", "-1"), "limit"},
        {changed(R"("openssl")", "7"), "authorities"},
        {changed(R"("1.000000000001")", R"("-1")"), "budget_usd"},
        {changed(R"("1.000000000001")", "1"), "budget_usd"},
        {changed(R"("test")", R"("huge")"), "profile"},
        {changed("true", "1"), "refresh_legacy"},
    };
    for (const auto& [text, field] : cases) {
        CAPTURE(text);
        const auto read = read_order(text);
        REQUIRE_FALSE(read);
        CHECK(read.error().code == errc::internal);
        CHECK(read.error().detail.find(field) != std::string::npos);
    }
}

// Scenarios: read, refused with the place and the fix, and applied the same way each time.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/fault_desk.hpp"
#include "tests/support/catch.hpp"

using namespace enrichd;
using namespace enrichd::sandbox;

namespace {

std::string refusal(std::string_view json) {
    const auto s = parse_scenario(json, "s.json");
    return s ? "accepted" : s.error().detail;
}

scenario good(std::string_view json) {
    return parse_scenario(json, "s.json").value();
}

std::string hits(fault_desk& desk, operation o, int calls) {
    std::string out;
    for (int i = 0; i < calls; ++i)
        out += desk.on_call(o).failure ? 'x' : '.';
    return out;
}

} // namespace

TEST_CASE("a mistake in a scenario is named with its place and the fix", "[sandbox]") {
    CHECK(refusal("{\n  \"rules\": [\n    {\"on\" \"get\"}\n  ]\n}").starts_with("s.json:3:"));
    CHECK(refusal("[]") == "s.json: expected an object, got []");
    CHECK(refusal(R"({"rule": []})") == "s.json: rule: unknown key here (did you mean \"rules\"?)");
    CHECK(refusal(R"({"rules": [{"do": "drop"}]})")
              .starts_with("s.json: rules[0].on: expected one of upload, "));
    CHECK(refusal(R"({"rules": [{"on": "get", "do": "drop"}, {"on": "creat", "do": "drop"}]})")
              .ends_with("got \"creat\" (did you mean \"create\"?)"));
    CHECK(refusal(R"({"rules": [{"on": "get", "do": "explode"}]})") ==
          "s.json: rules[0].do: expected one of status, drop, cut, delay, slow, got \"explode\"");
    CHECK(refusal(R"({"rules": [{"on": "get", "do": "drop", "nht": 1}]})") ==
          "s.json: rules[0].nht: unknown key here (did you mean \"nth\"?)");
    CHECK(refusal(R"({"rules": [{"on": "get", "do": "drop", "nth": 0}]})") ==
          "s.json: rules[0].nth: expected a positive whole number or a list of such, got 0");
    CHECK(refusal(R"({"rules": [{"on": "get", "do": "status", "status": 200}]})") ==
          "s.json: rules[0].status: expected a whole number from 400 to 599, got 200");
    CHECK(refusal(R"({"rules": [{"on": "batch", "do": "expire", "fraction": 2}]})") ==
          "s.json: rules[0].fraction: expected a number from 0 to 1, got 2");
    CHECK(refusal(R"({"rules": [{"on": "batch", "do": "list_lag"}]})").find("\"seconds\" or \"calls\"") !=
          std::string::npos);
    CHECK(refusal(R"({"rules": [{"on": "line", "do": "status", "status": 200}]})").find("got 200") !=
          std::string::npos);
    CHECK(refusal(R"({"quotas": {"gpt-4o-mini": "many"}})")
              .starts_with("s.json: quotas.gpt-4o-mini: expected"));
    // Every mistake at once, one a line.
    const auto two = refusal(R"({"rules": [{"on": "get", "do": "x"}, {"on": "line", "do": "y"}]})");
    CHECK(two.find("rules[0].do") != std::string::npos);
    CHECK(two.find("\ns.json: rules[1].do") != std::string::npos);
}

TEST_CASE("rules hit by number, multiple, limit and dice", "[sandbox]") {
    fault_desk nth(good(R"({"rules": [{"on": "get", "do": "drop", "nth": [1, 3]}]})"), 1);
    CHECK(hits(nth, operation::get, 5) == "x.x..");
    CHECK(hits(nth, operation::list, 3) == "...");
    fault_desk every(good(R"({"rules": [{"on": "get", "do": "drop", "every": 2, "times": 2}]})"), 1);
    CHECK(hits(every, operation::get, 8) == ".x.x....");
    const auto dice = good(R"({"seed": 5, "rules": [{"on": "get", "do": "drop", "probability": 0.5}]})");
    fault_desk one(dice, 1), two(dice, 2);
    const auto fate = hits(one, operation::get, 64);
    CHECK(fate == hits(two, operation::get, 64));
    CHECK(fate.find('x') != std::string::npos);
    CHECK(fate.find('.') != std::string::npos);
}

TEST_CASE("several rules of one call add up", "[sandbox]") {
    fault_desk desk(good(R"({"rules": [
        {"on": "content", "do": "delay", "seconds": 1},
        {"on": "content", "do": "slow", "bytes_per_second": 10},
        {"on": "content", "do": "cut", "after_bytes": 7},
        {"on": "content", "do": "status", "status": 503, "retry_after": 2, "when": "after"},
        {"on": "content", "do": "drop"}]})"),
                    1);
    const auto fault = desk.on_call(operation::content);
    CHECK(fault.delay_seconds == 1);
    CHECK(fault.bytes_per_second == 10);
    CHECK(fault.cut_after == 7u);
    REQUIRE(fault.failure);
    CHECK(fault.failure->status == 503);
    CHECK(fault.failure->after_effect);
}

TEST_CASE("line rules look at the batch, the id, the text and the line's number", "[sandbox]") {
    const auto s = good(R"({"rules": [
        {"on": "line", "do": "missing", "custom_id": "b"},
        {"on": "line", "do": "garbled", "contains": "poison", "batch": 2},
        {"on": "line", "do": "duplicate", "every": 10, "times": 1},
        {"on": "line", "do": "empty", "endpoint": "/v1/embeddings", "nth": 3}]})");
    batch_record b;
    b.endpoint = "/v1/chat/completions";
    b.in_scenario = 1;
    std::vector<std::uint64_t> hits;
    const auto what = [&](std::uint64_t n, std::string_view id, std::string_view text) {
        const auto* rule = line_fault(s, {b, n, id, text}, hits);
        return rule ? std::optional(rule->what) : std::nullopt;
    };
    CHECK(what(1, "a", "poison") == std::nullopt);
    CHECK(what(2, "b", "x") == line_action::missing);
    CHECK(what(3, "c", "x") == std::nullopt);
    CHECK(what(10, "d", "x") == line_action::duplicate);
    CHECK(what(20, "e", "x") == std::nullopt);
    b.in_scenario = 2;
    CHECK(what(1, "a", "some poison here") == line_action::garbled);
    b.endpoint = "/v1/embeddings";
    CHECK(what(3, "c", "x") == line_action::empty);
    CHECK(hits == std::vector<std::uint64_t>{1, 1, 1, 1});
}

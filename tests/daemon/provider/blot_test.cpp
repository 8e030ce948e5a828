// Whatever a server makes of the key that it was sent, nobody else is told it.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/provider/blot.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

using enrichd::provider::without_key;
using nlohmann::json;

TEST_CASE("a key is blotted out however it is spelt", "[provider]") {
    const std::string key = R"(sk-a/b@c"d%e&f+g\h%25)";
    const std::string in_json = json(key).dump();
    for (const auto& spelt :
         {key, std::string("sk-a%2Fb%40c%22d%25e%26f%2Bg%5Ch%2525"),
          std::string("sk-a%2fb@c%22d%25e%26f%2bg%5ch%2525"), in_json, json(in_json).dump(),
          json(json(in_json).dump()).dump(), std::string(R"(sk-a\/b@c\u0022d%e\u0026f\u002Bg\u005ch%25)")}) {
        CAPTURE(spelt);
        const auto told = without_key("Incorrect key " + spelt + ", or " + spelt + ".", key);
        const std::string rest = "\"\\ ,.";
        std::string words;
        for (const char c : told)
            if (rest.find(c) == rest.npos) words += c;
        CHECK(words == "Incorrectkey[APIkey]or[APIkey]");
    }
}

TEST_CASE("what is not the key stays as it is", "[provider]") {
    const std::string key = "/key+of%signs";
    for (const std::string text :
         {"/key+of%sign", "key+of%signs", "%2Fkey of%signs", "\\\\\\\\", "%%%2F%2", "\\u002", ""}) {
        CAPTURE(text);
        CHECK(without_key(text, key) == text);
    }
    CHECK(without_key("a test of test", "test") == "a test of test");
    CHECK(without_key("a test of test", "") == "a test of test");
    CHECK(without_key("//key+of%signs!", key) == "/[API key]!");
}

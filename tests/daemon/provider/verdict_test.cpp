// SPDX-License-Identifier: Apache-2.0
#include "daemon/provider/verdict.hpp"

#include "daemon/provider/retry_after.hpp"
#include "tests/support/catch.hpp"

#include <string>

using namespace enrichd;
using namespace std::chrono_literals;
using provider::call_kind;

namespace {

// Sun, 06 Nov 1994 08:49:37 GMT, RFC 9110's own example
const auto now = std::chrono::system_clock::from_time_t(784111777);

http::response make(unsigned status, std::string body = "", std::vector<http::header> headers = {}) {
    return {status, std::move(headers), std::move(body)};
}

std::string detail_of(std::string body, std::vector<http::header> headers = {}) {
    return refusal(make(400, std::move(body), std::move(headers)), call_kind::upload, "POST /batches", now)
        .detail;
}

std::optional<std::chrono::milliseconds> wait_of(std::vector<http::header> headers) {
    return provider::retry_after(make(429, "", std::move(headers)), now);
}

} // namespace

TEST_CASE("every status means one error, by the kind of call", "[provider][verdict]") {
    struct line {
        unsigned status;
        errc upload; ///< in the API's own form, as is buy
        errc cancel;
        errc read;
        bool repeated;
    };
    const line table[] = {
        {400, errc::provider_rejected, errc::provider_rejected, errc::provider_rejected, false},
        {401, errc::provider_unauthorized, errc::provider_unauthorized, errc::provider_unauthorized, false},
        {403, errc::provider_unauthorized, errc::provider_unauthorized, errc::provider_unauthorized, false},
        {404, errc::provider_rejected, errc::provider_rejected, errc::provider_rejected, false},
        {408, errc::provider_ambiguous, errc::provider_ambiguous, errc::provider_ambiguous, true},
        {409, errc::provider_ambiguous, errc::provider_rejected, errc::provider_ambiguous, true},
        {413, errc::provider_rejected, errc::provider_rejected, errc::provider_rejected, false},
        {422, errc::provider_rejected, errc::provider_rejected, errc::provider_rejected, false},
        {429, errc::provider_busy, errc::provider_busy, errc::provider_busy, true},
        {301, errc::provider_rejected, errc::provider_rejected, errc::provider_rejected, false},
        {308, errc::provider_rejected, errc::provider_rejected, errc::provider_rejected, false},
        {500, errc::provider_ambiguous, errc::provider_ambiguous, errc::provider_ambiguous, true},
        {502, errc::provider_ambiguous, errc::provider_ambiguous, errc::provider_ambiguous, true},
        {503, errc::provider_ambiguous, errc::provider_ambiguous, errc::provider_ambiguous, true},
        {529, errc::provider_ambiguous, errc::provider_ambiguous, errc::provider_ambiguous, true},
        {101, errc::provider_ambiguous, errc::provider_ambiguous, errc::provider_ambiguous, false},
    };
    for (const auto& l : table) {
        CAPTURE(l.status);
        const auto own_form = make(l.status, R"({"error": {"message": "no"}})");
        CHECK(refusal(own_form, call_kind::upload, "x", now).code == l.upload);
        CHECK(refusal(own_form, call_kind::buy, "x", now).code == l.upload);
        CHECK(refusal(make(l.status), call_kind::cancel, "x", now).code == l.cancel);
        CHECK(refusal(make(l.status), call_kind::read, "x", now).code == l.read);
        CHECK(provider::may_repeat(make(l.status)) == l.repeated);
    }
}

TEST_CASE("that no batch was made is known by the API's own form alone, whatever the status",
          "[provider][verdict]") {
    for (const char* page : {"", "<html>Not Found</html>", "{}", R"({"message":"Forbidden"})",
                             R"({"error":"Too Many Requests","status":429})", R"({"error":null})"}) {
        CAPTURE(page);
        for (const unsigned status : {301U, 302U, 303U, 308U, 400U, 401U, 403U, 404U, 405U, 407U, 408U, 409U,
                                      411U, 413U, 415U, 421U, 422U, 426U, 429U, 431U, 500U, 502U, 503U}) {
            CAPTURE(status);
            CHECK(refusal(make(status, page), call_kind::buy, "x", now).code == errc::provider_ambiguous);
        }
    }
}

TEST_CASE("an upload that a gateway refuses is tried again, unless it says why not", "[provider][verdict]") {
    for (const char* page : {"", "<html>Not Found</html>", "{}"}) {
        CHECK(refusal(make(404, page), call_kind::upload, "x", now).code == errc::provider_ambiguous);
        CHECK(refusal(make(400, page), call_kind::upload, "x", now).code == errc::provider_ambiguous);
        CHECK(refusal(make(413, page), call_kind::upload, "x", now).code == errc::provider_rejected);
        CHECK(refusal(make(401, page), call_kind::upload, "x", now).code == errc::provider_unauthorized);
        CHECK(refusal(make(429, page), call_kind::upload, "x", now).code == errc::provider_busy);
        CHECK(refusal(make(404, page), call_kind::read, "x", now).code == errc::provider_rejected);
    }
}

TEST_CASE("the server's own word on repeating counts more than the status", "[provider][verdict]") {
    CHECK(provider::may_repeat(make(400, "", {{"X-Should-Retry", "true"}})));
    CHECK_FALSE(provider::may_repeat(make(503, "", {{"x-should-retry", "false"}})));
    CHECK(provider::may_repeat(make(503, "", {{"x-should-retry", "perhaps"}})));
}

TEST_CASE("a call without an answer had no effect only if there was no connection", "[provider][verdict]") {
    CHECK(provider::lost({errc::unavailable, "x"}).code == errc::provider_busy);
    CHECK(provider::lost({errc::io, "x"}).code == errc::provider_ambiguous);
    CHECK(provider::lost({errc::timed_out, "x"}).code == errc::provider_ambiguous);
    CHECK(provider::lost({errc::cancelled, "x"}).code == errc::cancelled);
    CHECK(provider::lost({errc::invalid_input, "x"}).code == errc::provider_rejected);
    CHECK(provider::may_repeat(error{errc::unavailable, ""}));
    CHECK(provider::may_repeat(error{errc::io, ""}));
    CHECK(provider::may_repeat(error{errc::timed_out, ""}));
    CHECK_FALSE(provider::may_repeat(error{errc::cancelled, ""}));
    CHECK_FALSE(provider::may_repeat(error{errc::invalid_input, ""}));
}

TEST_CASE("the provider's code stands in front of its message", "[provider][verdict]") {
    const std::string where = " (HTTP 400 to POST /batches";
    CHECK(
        detail_of(
            R"({"error":{"message":"Enqueued token limit reached","type":"x","code":"token_limit_exceeded"}})",
            {{"X-Request-Id", "req_7"}}) ==
        "token_limit_exceeded: Enqueued token limit reached" + where + ", request req_7)");
    CHECK(detail_of(R"({"error":{"message":"No such file.","code":null}})") == "No such file." + where + ")");
    CHECK(detail_of(R"({"error":"not allowed"})") == "not allowed" + where + ")");
    CHECK(detail_of(R"({"message":"not here","code":"absent"})") == "absent: not here" + where + ")");
    CHECK(detail_of(R"({"detail":"Not Found"})") == "Not Found" + where + ")");
    CHECK(detail_of("") == "no explanation" + where + ")");
    CHECK(detail_of("<h1>\nBad Gateway\x1b") == "<h1>\\nBad Gateway\\x1b" + where + ")");
    CHECK(detail_of(R"([1,2])") == "[1,2]" + where + ")");
    CHECK(detail_of(R"({"error":{"message":7,"code":["x"]}})") ==
          R"({"error":{"message":7,"code":["x"]}})" + where + ")");
}

TEST_CASE("the provider's text is bounded and fit to print", "[provider][verdict]") {
    const auto detail =
        detail_of(R"({"error":{"message":"\u001b[2J)" + std::string(100'000, 'x') + R"(","code":"a\nb"}})",
                  {{"X-Request-Id", std::string(10'000, 'y')}});
    CHECK(detail.rfind("a\\nb: \\x1b[2Jxxx", 0) == 0);
    CHECK(detail.size() < 1000);
}

TEST_CASE("a redirect says where it leads", "[provider][verdict]") {
    const auto e = refusal(make(308, "", {{"Location", "https://elsewhere.example/v1/batches"}}),
                           call_kind::read, "GET /batches", now);
    CHECK(e.detail.find("redirects to https://elsewhere.example/v1/batches") != std::string::npos);
    CHECK(e.detail.find("base_url") != std::string::npos);
}

TEST_CASE("the wait that a server asks for is read in each of its forms", "[provider][retry_after]") {
    CHECK(wait_of({{"Retry-After", "7"}}) == 7000ms);
    CHECK(wait_of({{"retry-after", "0.5"}}) == 500ms);
    CHECK(wait_of({{"Retry-After", "7"}, {"Retry-After-Ms", "250"}}) == 250ms);
    CHECK(wait_of({{"Retry-After", "Sun, 06 Nov 1994 08:50:07 GMT"}}) == 30s);
    CHECK(wait_of({{"Retry-After", "Sunday, 06-Nov-94 08:50:07 GMT"}}) == 30s);
    CHECK(wait_of({{"Retry-After", "Sun Nov  6 08:50:07 1994"}}) == 30s);
    CHECK(wait_of({{"Retry-After", "Sun, 06 Nov 1994 08:00:00 GMT"}}) == 0ms);
    CHECK(wait_of({{"Retry-After", "Fri, 31 Dec 2100 00:00:00 GMT"}}) == 24h);
    CHECK(wait_of({{"Retry-After", "1e300"}}) == 24h);
    CHECK(wait_of({{"retry-after-ms", "soon"}, {"Retry-After", "2"}}) == 2s);
    for (const char* text :
         {"", "soon", "-1", "7 s", "nan", "0x10", "Sun, 06 Nov", "Sun, 06 Nov 1994 08:50:07 GMT!"}) {
        CAPTURE(text);
        CHECK_FALSE(wait_of({{"Retry-After", text}}));
    }
    CHECK_FALSE(wait_of({}));
}

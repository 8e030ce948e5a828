// The exchange that creates a batch, cut off at each of its bytes.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/provider/live_client.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/provider_talk.hpp"

#include <optional>

using namespace enrichd;
using namespace enrichd::test;

namespace {

provider::batch_order submission() {
    return {"file-1", "/v1/embeddings", "24h", {{"enrichd_submission", "ed1"}, {"enrichd_job", "7"}}};
}

// The code of the error that comes of a submission; absent: the batch was made. It was sent once in any case.
std::optional<errc> submit_to(const script& server) {
    provider_talk talk({server, success(R"({"id":"batch_of_a_second_try","status":"validating"})")});
    const auto made = talk(talk.client.create_batch(submission()));
    CHECK(talk.server.connections == 1);
    if (made) return std::nullopt;
    return made.error().code;
}

const std::string batch_made =
    answer(200, R"({"id":"batch_1","object":"batch","status":"validating","created_at":1711471533})");

} // namespace

TEST_CASE("a submission of which the provider read any part, and said nothing, is in doubt", "[provider]") {
    provider_talk whole({success("{}")});
    (void)whole(whole.client.create_batch(submission()));
    const auto request = whole.server.requests.at(0).size();
    REQUIRE(request > 300);
    for (std::size_t read = 0; read <= request; ++read) {
        CAPTURE(read);
        CHECK(submit_to({step::read_bytes{read}}) == errc::provider_ambiguous);
    }
}

TEST_CASE("a submission whose reply ends at any byte before its last is in doubt, whatever it began to say",
          "[provider]") {
    const std::string refusal = R"({"error":{"message":"why","code":"the_code"}})";
    const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "20\r\n{\"id\":\"batch_1\",\"object\":\"batch\"\r\n"
                                "2f\r\n,\"status\":\"validating\",\"created_at\":1711471533}\r\n0\r\n\r\n";
    struct line {
        std::string reply;
        std::optional<errc> whole;
    };
    const line table[] = {
        {batch_made, std::nullopt},
        {chunked, std::nullopt},
        {answer(400, refusal), errc::provider_rejected},
        {answer(401, refusal), errc::provider_unauthorized},
        {answer(429, refusal, "Retry-After: 3\r\n"), errc::provider_busy},
    };
    for (const auto& l : table) {
        CAPTURE(l.reply);
        for (std::size_t sent = 0; sent < l.reply.size(); ++sent) {
            CAPTURE(sent);
            CHECK(submit_to(reply(l.reply.substr(0, sent))) == errc::provider_ambiguous);
        }
        CHECK(submit_to(reply(l.reply)) == l.whole);
    }
}

TEST_CASE("a submission that a gateway refuses in its own words is in doubt", "[provider]") {
    for (const int status : {307, 400, 401, 403, 404, 413, 429, 503}) {
        CAPTURE(status);
        CHECK(submit_to(reply(answer(status, "<html>no</html>"))) == errc::provider_ambiguous);
        CHECK(submit_to(reply(answer(status, R"({"message":"no"})"))) == errc::provider_ambiguous);
    }
}

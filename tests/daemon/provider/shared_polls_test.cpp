// SPDX-License-Identifier: Apache-2.0
#include "daemon/provider/shared_polls.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/fake_provider.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <map>

using namespace enrichd;
using namespace enrichd::test;

namespace {

batch_object in_state(const std::string& id, batch_status status) {
    batch_object b;
    b.id = id;
    b.status = status;
    b.created_at = 1;
    return b;
}

struct polls_fixture {
    boost::asio::io_context loop;
    std::shared_ptr<fake_provider> world = std::make_shared<fake_provider>();
    provider::shared_polls client{world, std::chrono::milliseconds(0)};
    std::map<std::string, result<batch_object>> answers;

    // All of them due in the same moment.
    void look_at(const std::vector<std::string>& ids) {
        for (const auto& id : ids)
            boost::asio::co_spawn(loop, client.get_batch(id), [this, id](std::exception_ptr e, auto answer) {
                if (e) std::rethrow_exception(e);
                answers.insert_or_assign(id, std::move(answer));
            });
        loop.restart();
        loop.run();
    }
};

} // namespace

TEST_CASE("many batches that are due together are looked at with one call", "[provider][polls]") {
    polls_fixture f;
    batch_list page;
    std::vector<std::string> ids;
    for (int i = 0; i < 50; ++i) {
        ids.push_back("batch_" + std::to_string(i));
        page.batches.push_back(in_state(ids.back(), batch_status::in_progress));
    }
    f.world->pages = {page};
    f.look_at(ids);
    CHECK(f.world->calls == std::vector<std::string>{"list "});
    REQUIRE(f.answers.size() == 50);
    for (const auto& [id, answer] : f.answers) {
        REQUIRE(answer);
        CHECK(answer->id == id);
    }
}

TEST_CASE("a single batch is looked at by itself", "[provider][polls]") {
    polls_fixture f;
    f.world->pages = {
        {{in_state("b1", batch_status::in_progress), in_state("b2", batch_status::in_progress)}, false}};
    f.look_at({"b1"});
    f.look_at({"b2"});
    CHECK(f.world->calls == std::vector<std::string>{"get b1", "get b2"});
    CHECK(f.answers.size() == 2);
}

TEST_CASE("what the list does not have, or tells as ended, is asked for by itself", "[provider][polls]") {
    polls_fixture f;
    f.world->pages = {
        {{in_state("b1", batch_status::in_progress), in_state("b2", batch_status::completed)}, true},
        {{in_state("b3", batch_status::in_progress)}, false}};
    f.look_at({"b1", "b2", "b3", "b4"});
    CHECK(f.world->calls == std::vector<std::string>{"list ", "get b2", "get b3", "get b4"});
    CHECK(f.answers.at("b1"));
    CHECK(f.answers.at("b2")->status == batch_status::completed);
    CHECK(f.answers.at("b3"));
    CHECK(f.answers.at("b4").error().code == errc::provider_rejected);
}

TEST_CASE("a list that fails puts every look off, and the next moment asks again", "[provider][polls]") {
    polls_fixture f;
    f.world->list_fails = error{errc::provider_busy, "429"};
    f.look_at({"b1", "b2", "b3"});
    REQUIRE(f.answers.size() == 3);
    CHECK(f.answers.at("b3").error().code == errc::provider_busy);
    CHECK(f.world->calls.size() == 1);
    f.world->list_fails.reset();
    f.world->pages = {{{in_state("b1", batch_status::in_progress)}, false}};
    f.look_at({"b1"});
    CHECK(f.answers.at("b1"));
}

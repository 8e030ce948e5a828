// The control server through its client: rights, requests, replies, errors.
// SPDX-License-Identifier: Apache-2.0
#include "core/control_errors.hpp"
#include "core/version.hpp"
#include "daemon/control/peers.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/control_call.hpp"
#include "tests/support/fake_daemon.hpp"
#include "tests/support/temp_folder.hpp"

#include <atomic>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace enrichd;
using control::json;
using test::fake_operations;

namespace {

struct fixture {
    test::temp_folder folder;
    std::string socket = folder / "enrichd.sock";
    std::shared_ptr<std::atomic<bool>> operating = std::make_shared<std::atomic<bool>>(true);
    test::fake_daemon daemon{socket, [o = operating](const http::peer_credentials&) { return o->load(); }};
    test::control_caller caller{socket};

    void reply_to(const std::string& call, json body) {
        daemon.with([&](fake_operations& ops) { ops.replies[call] = std::move(body); });
    }
    std::vector<std::string> calls() {
        std::vector<std::string> out;
        daemon.with([&](fake_operations& ops) { out = ops.calls; });
        return out;
    }
    control::run_order order() {
        control::run_order out;
        daemon.with([&](fake_operations& ops) { out = ops.order; });
        return out;
    }
};

std::string told(const result<control::reply>& r, const char* field) {
    REQUIRE(r.has_value());
    REQUIRE(r->body.contains("error"));
    return r->body["error"].value(field, "");
}

json body_for(route_id id) {
    if (id == route_id::build) return {{"kinds", {"summaries"}}};
    if (id == route_id::submit) return {{"kind", "summaries"}, {"sha256", std::string(64, 'a')}};
    if (id == route_id::cancel) return {{"id", "7"}};
    if (id == route_id::resolve) return {{"resubmit", true}};
    if (id == route_id::release) return {{"all", true}};
    if (id == route_id::adopt) return {{"batch_id", "batch_abc123"}};
    return json::object();
}

result<control::reply> call(test::control_caller& caller, const route& r) {
    return r.method == "GET" ? caller.get(r.id, "7") : caller.post(r.id, "7", body_for(r.id));
}

} // namespace

TEST_CASE("who may only look is refused everything else, before the operation is asked",
          "[daemon][control]") {
    fixture f;
    *f.operating = false;
    for (const auto& r : routes()) {
        if (r.id == route_id::job_events || r.id == route_id::run_events)
            continue; // streams have tests of their own
        CAPTURE(r.path);
        const auto before = f.calls().size();
        const auto answer = call(f.caller, r);
        REQUIRE(answer.has_value());
        if (r.needs == access::operate) {
            CHECK(answer->status == 403);
            CHECK(told(answer, "code") == "not_permitted");
            CHECK(told(answer, "hint").find("group enrichd") != std::string::npos);
            CHECK(f.calls().size() == before);
        } else {
            CHECK(answer->status != 403);
        }
    }
}

TEST_CASE("an operator reaches every call", "[daemon][control]") {
    fixture f;
    for (const auto& r : routes()) {
        if (r.id == route_id::job_events || r.id == route_id::run_events || r.id == route_id::version)
            continue;
        CAPTURE(r.path);
        const auto before = f.calls().size();
        const auto answer = call(f.caller, r);
        REQUIRE(answer.has_value());
        CHECK(f.calls().size() == before + 1);
    }
}

TEST_CASE("every JSON reply says its schema and the daemon's version", "[daemon][control]") {
    fixture f;
    f.reply_to("status", {{"state", "running"}});
    for (const auto& answer : {f.caller.get(route_id::version), f.caller.get(route_id::status),
                               f.caller.get(route_id::job, "nothing")}) {
        REQUIRE(answer.has_value());
        CHECK(answer->body["schema_version"] == 1);
        CHECK(answer->body["version"] == program_version());
        CHECK(answer->version == program_version());
    }
    const auto status = f.caller.get(route_id::status);
    CHECK(status->body["state"] == "running");
    CHECK(status->body["operator"] == true);
    *f.operating = false;
    CHECK(f.caller.get(route_id::status)->body["operator"] == false);
}

TEST_CASE("an order reaches the operation as it was meant", "[daemon][control]") {
    fixture f;
    f.reply_to("plan", json::object());
    CHECK(f.caller.post(route_id::plan)->status == 200);
    auto o = f.order();
    CHECK(o.kinds == std::vector<kind>{kind::embeddings, kind::summaries});
    CHECK_FALSE(o.since_ms);
    CHECK_FALSE(o.limit);
    CHECK_FALSE(o.budget);
    CHECK(o.profile == "full");
    CHECK_FALSE(o.refresh_legacy);

    f.reply_to("start_run", {{"status", "accepted"}});
    const json body = {{"kinds", {"summaries"}},    {"since", "2025-07-01"}, {"limit", 5},
                       {"authorities", {"a", "b"}}, {"budget_usd", "1.50"},  {"profile", "test"},
                       {"refresh", "legacy"}};
    CHECK(f.caller.post(route_id::start_run, {}, body)->status == 202);
    o = f.order();
    CHECK(o.kinds == std::vector<kind>{kind::summaries});
    CHECK(o.since_ms == 1751328000000);
    CHECK(o.limit == 5u);
    CHECK(o.authorities == std::vector<std::string>{"a", "b"});
    CHECK(o.budget->picodollars == 1'500'000'000'000);
    CHECK(o.profile == "test");
    CHECK(o.refresh_legacy);
}

TEST_CASE("a wrong body is refused with every complaint, and the operation is not asked",
          "[daemon][control]") {
    fixture f;
    const auto refused = [&](route_id id, json body) {
        const auto answer = f.caller.post(id, "7", std::move(body));
        CHECK(answer->status == 400);
        CHECK(told(answer, "code") == "invalid_input");
        return told(answer, "message");
    };
    CHECK(refused(route_id::start_run, {{"kinds", {"summary"}}}) ==
          "kinds: expected summaries or embeddings, got \"summary\"");
    CHECK(refused(route_id::start_run, {{"since", "soon"}, {"limit", 0}}) ==
          "since: expected a date such as \"2025-07-01\", or an ISO time with its offset, got \"soon\"; "
          "limit: expected a whole number of at least 1, got 0");
    CHECK(refused(route_id::start_run, {{"budget_usd", 1.5}}) ==
          "budget_usd: expected a text such as \"1.50\", got 1.5");
    CHECK(refused(route_id::start_run, {{"profil", "test"}}) ==
          "profil: unknown (did you mean \"profile\"?)");
    CHECK(refused(route_id::start_run, {{"authorities", "a"}}) ==
          "authorities: expected an array of texts, got \"a\"");
    CHECK(refused(route_id::build, json::object()) == "kinds: expected exactly one kind, got nothing");
    CHECK(refused(route_id::build, {{"kinds", {"summaries", "embeddings"}}}) ==
          "kinds: expected exactly one kind, got [\"summaries\",\"embeddings\"]");
    CHECK(refused(route_id::submit, {{"kind", "summaries"}, {"sha256", "AB"}}) ==
          "sha256: expected 64 hexadecimal digits in lower case, got \"AB\"");
    CHECK(refused(route_id::submit, json::object()) == "body: expected kind and sha256");
    CHECK(refused(route_id::merge, {{"kind", 5}}) == "kind: expected \"summaries\" or \"embeddings\", got 5");
    CHECK(refused(route_id::cancel, json::object()) ==
          "id: expected the id of a job, a batch or a run, got nothing");
    CHECK(refused(route_id::adopt, json::object()) ==
          "batch_id: expected the provider's id of a batch, got nothing");
    CHECK(refused(route_id::release, json::object()) == "body: expected either keys, or all: true");
    CHECK(refused(route_id::pause, {{"now", true}}) == "now: unknown");
    CHECK(refused(route_id::pause, json::array()) == "body: expected a JSON object, got something else");
    CHECK(f.calls().empty());
}

TEST_CASE("ids, kinds and money arrive", "[daemon][control]") {
    fixture f;
    f.reply_to("merge", {{"status", "merging"}});
    f.reply_to("submit", {{"status", "submitting"}});
    CHECK(f.caller.post(route_id::merge, "batch_a b", {{"kind", "embeddings"}})->status == 202);
    const json submission = {{"kind", "summaries"}, {"sha256", std::string(64, 'a')}, {"budget_usd", "0.5"}};
    CHECK(f.caller.post(route_id::submit, {}, submission)->status == 202);
    (void)f.caller.get(route_id::jobs, {}, "?run=r1&all=true");
    (void)f.caller.post(route_id::release, {}, {{"keys", {"x", "y"}}});
    CHECK(f.calls() == std::vector<std::string>{"merge batch_a b embeddings",
                                                "submit summaries " + std::string(64, 'a') + " 0.5",
                                                "jobs r1 true", "quarantine_release x,y false"});
}

TEST_CASE("an operation's error comes out with its word, status and hint", "[daemon][control]") {
    fixture f;
    for (int i = 0; i <= static_cast<int>(errc::internal); ++i) {
        const auto code = static_cast<errc>(i);
        f.daemon.with([&](fake_operations& ops) { ops.errors["pause"] = error{code, "why"}; });
        const auto answer = f.caller.post(route_id::pause);
        CAPTURE(name(code));
        CHECK(static_cast<int>(answer->status) == http_status(code));
        CHECK(told(answer, "code") == name(code));
        CHECK(told(answer, "message") == "why");
        CHECK(told(answer, "hint") == hint(code));
    }
}

TEST_CASE("what a row says is for operators alone", "[daemon][control]") {
    fixture f;
    f.reply_to(
        "job",
        {{"job", {{"id", "7"}, {"samples", {{{"key", "k"}, {"text", "secret"}, {"reason", "secret"}}}}}}});
    CHECK(f.caller.get(route_id::job, "7")->text.find("secret") != std::string::npos);
    *f.operating = false;
    const auto seen = f.caller.get(route_id::job, "7");
    CHECK(seen->status == 200);
    CHECK(seen->text.find("secret") == std::string::npos);
    CHECK(seen->body["job"]["samples"][0]["key"] == "k");
    f.daemon.with([](fake_operations& ops) { CHECK_FALSE(ops.saw_rows); });
}

TEST_CASE("a request file comes byte for byte, whatever its size", "[daemon][control]") {
    fixture f;
    std::string content;
    for (int i = 0; content.size() < 300'000; ++i)
        content += "{\"n\":" + std::to_string(i) + "}\n";
    test::write_file(f.folder / "7.jsonl", content);
    f.daemon.with([&](fake_operations& ops) { ops.request_path = f.folder / "7.jsonl"; });
    std::string bytes;
    CHECK(f.caller.download(route_id::request_file, "7", bytes)->status == 200);
    CHECK(bytes == content);
}

TEST_CASE("a request file that is gone is an error, not an empty file", "[daemon][control]") {
    fixture f;
    f.daemon.with([&](fake_operations& ops) { ops.request_path = f.folder / "missing"; });
    std::string bytes;
    const auto answer = f.caller.download(route_id::request_file, "7", bytes);
    CHECK(answer->status == 404);
    CHECK(bytes.empty());
}

TEST_CASE("unknown paths and methods are told apart", "[daemon][control]") {
    fixture f;
    boost::asio::io_context io; // the client keeps a connection, which must go before its loop
    http::client_settings settings;
    settings.server = http::unix_endpoint(f.socket);
    http::client plain(settings);
    const auto answer = [&](std::string method, std::string target) {
        http::request r;
        r.method = std::move(method);
        r.target = std::move(target);
        return test::run_to_end(io, plain.send(std::move(r))).value();
    };
    const auto status = [&](std::string method, std::string target) {
        return answer(std::move(method), std::move(target)).status;
    };
    CHECK(status("GET", "/v1/nothing") == 404);
    CHECK(status("GET", "/") == 404);
    CHECK(status("DELETE", "/v1/jobs") == 405);
    CHECK(status("GET", "/v1/pause") == 405);
    CHECK(status("GET", "/v1/jobs?all=perhaps") == 400);
    CHECK(status("GET", "/v1/report?format=pdf") == 400);
    CHECK(answer("DELETE", "/v1/jobs").find("Allow") == "GET");
    CHECK(answer("PUT", "/v1/migration").find("Allow") == "GET, POST");
    CHECK_FALSE(answer("GET", "/v1/nothing").find("Allow").has_value());
}

TEST_CASE("a parameter that nobody reads is refused, with the nearest one", "[daemon][control]") {
    fixture f;
    const auto answer = f.caller.get(route_id::jobs, {}, "?runs=r1");
    CHECK(answer->status == 400);
    CHECK(told(answer, "message") == "runs: unknown parameter (did you mean \"run\"?)");
    CHECK(f.caller.get(route_id::status, {}, "?verbose=1")->status == 400);
    CHECK(f.calls().empty());
}

TEST_CASE("an error says what helps with this call", "[daemon][control]") {
    fixture f;
    const auto hint_of = [&](route_id route, const char* call, errc code, const char* detail) {
        f.daemon.with([&](fake_operations& ops) { ops.errors[call] = error{code, detail}; });
        const auto answer =
            find_route(route).method == "GET"
                ? f.caller.get(route)
                : f.caller.post(route, {},
                                route == route_id::release ? json({{"keys", {"k"}}}) : json::object());
        return told(answer, "hint");
    };
    CHECK(hint_of(route_id::plan, "plan", errc::target_unavailable, "no server").find("not repeated") !=
          std::string::npos);
    CHECK(hint_of(route_id::plan, "plan", errc::target_blocked, "events lacks a; run: enrichctl migrate") ==
          "enrichctl migrate --plan");
    CHECK(hint_of(route_id::plan, "plan", errc::target_blocked, "database \"x\" does not exist") == "");
    CHECK(hint_of(route_id::release, "quarantine_release", errc::not_found, "no row k") ==
          "enrichctl quarantine list");
}

TEST_CASE("a body beyond a megabyte is refused", "[daemon][control]") {
    fixture f;
    const auto answer = f.caller.post(route_id::cancel, {}, {{"id", std::string(1 << 20, 'x')}});
    CHECK(answer->status == 413);
    CHECK(told(answer, "code") == "body_too_large");
    CHECK(f.calls().empty());
}

TEST_CASE("the report comes as it was written", "[daemon][control]") {
    fixture f;
    f.daemon.with([](fake_operations& ops) { ops.report_text = "# R\n\xC3\xA9\n"; });
    std::string bytes;
    CHECK(f.caller.download(route_id::report, {}, bytes)->status == 200);
    CHECK(bytes == "# R\n\xC3\xA9\n");
    CHECK(f.calls() == std::vector<std::string>{"report - md"});
}

TEST_CASE("anybody may open the socket, and its folder is made", "[daemon][control]") {
    test::temp_folder folder;
    const auto socket = folder.path() / "a" / "b" / "enrichd.sock";
    test::fake_daemon daemon(socket);
    struct stat s = {};
    REQUIRE(stat(socket.c_str(), &s) == 0);
    CHECK((s.st_mode & 0777) == 0666);
}

TEST_CASE("root, the daemon's own user and the group's members operate; nobody else", "[daemon][control]") {
    const auto* group = getgrgid(1);
    REQUIRE(group);
    const auto may = control::operators(group->gr_name);
    const uid_t somebody = geteuid() + 4711;
    CHECK(may({.uid = 0, .gid = 0, .pid = 1, .groups = {}}));
    CHECK(may({.uid = geteuid(), .gid = 99, .pid = 1, .groups = {}}));
    CHECK(may({.uid = somebody, .gid = 1, .pid = 1, .groups = {}}));
    CHECK(may({.uid = somebody, .gid = 99, .pid = 1, .groups = {5, 1}}));
    CHECK_FALSE(may({.uid = somebody, .gid = 99, .pid = 1, .groups = {5, 6}}));
    const auto nobody_in = control::operators("no-such-group-anywhere");
    CHECK_FALSE(nobody_in({.uid = somebody, .gid = 1, .pid = 1, .groups = {0}}));
}

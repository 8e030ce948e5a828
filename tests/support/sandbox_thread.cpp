// SPDX-License-Identifier: Apache-2.0
#include "tests/support/sandbox_thread.hpp"

#include "daemon/http/server.hpp"
#include "daemon/sandbox/service.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <functional>
#include <stdexcept>
#include <stdlib.h>
#include <thread>

namespace asio = boost::asio;
namespace sb = enrichd::sandbox;

namespace enrichd::test {

namespace {

std::filesystem::path make_folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "enrichd-test-XXXXXX").native();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("no temporary folder");
    return pattern;
}

sb::service_options options_of(const sandbox_setup& setup) {
    sb::service_options out;
    out.data = setup.data;
    out.clock = {setup.batch_seconds, setup.window_seconds};
    out.faults = sb::parse_scenario(setup.scenario, "test").value();
    out.seed = setup.seed;
    out.api_key = setup.api_key;
    return out;
}

void rethrow(std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
}

} // namespace

temporary_folder::temporary_folder() : path(make_folder()) {}
temporary_folder::~temporary_folder() {
    std::filesystem::remove_all(path);
}

struct sandbox_thread::parts {
    explicit parts(const sandbox_setup& setup)
        : service(context.get_executor(), options_of(setup)),
          server(context.get_executor(), {}, std::bind_front(&sb::service::handle, &service)) {}

    asio::io_context context{1};
    sb::service service;
    http::server server;
    std::thread thread;
};

sandbox_thread::sandbox_thread(const sandbox_setup& setup) : parts_(std::make_unique<parts>(setup)) {
    port_ = parts_->server.listen_tcp("127.0.0.1", 0).value();
    asio::co_spawn(parts_->context, parts_->server.serve(), rethrow);
    parts_->service.start();
    parts_->thread = std::thread([this] { parts_->context.run(); });
}

sandbox_thread::~sandbox_thread() {
    asio::post(parts_->context, [this] {
        parts_->server.stop(std::chrono::milliseconds(0));
        parts_->service.stop();
    });
    parts_->thread.join();
    parts_->service.join();
}

raw_reply sandbox_thread::call(std::string_view method, std::string_view target, std::string_view body,
                               std::string_view fields) {
    raw_connection connection(port_);
    return connection.exchange(raw_request(method, target, body, fields));
}

nlohmann::json sandbox_thread::json(std::string_view method, std::string_view target, std::string_view body) {
    return nlohmann::json::parse(call(method, target, body).body);
}

raw_reply sandbox_thread::upload_reply(std::string_view content, std::string_view filename,
                                       std::string_view purpose) {
    std::string body = "--B\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n";
    body += purpose;
    body += "\r\n--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"";
    body += filename;
    body += "\"\r\nContent-Type: application/octet-stream\r\n\r\n";
    body += content;
    body += "\r\n--B--\r\n";
    return call("POST", "/v1/files", body, "Content-Type: multipart/form-data; boundary=B\r\n");
}

std::string sandbox_thread::upload(std::string_view content) {
    return nlohmann::json::parse(upload_reply(content).body).at("id").get<std::string>();
}

nlohmann::json sandbox_thread::create(const std::string& file_id, std::string_view endpoint) {
    const nlohmann::json order = {
        {"input_file_id", file_id}, {"endpoint", endpoint}, {"completion_window", "24h"}};
    return json("POST", "/v1/batches", order.dump());
}

nlohmann::json sandbox_thread::wait(const std::string& batch_id, std::string_view status) {
    for (int looks = 0; looks < 100'000; ++looks) {
        auto batch = json("GET", "/v1/batches/" + batch_id);
        const auto now = batch.at("status").get<std::string>();
        const bool ended = now == "completed" || now == "failed" || now == "expired" || now == "cancelled";
        if (ended || now == status) return batch;
        std::this_thread::yield();
    }
    throw std::runtime_error("the batch does not end");
}

nlohmann::json sandbox_thread::run(std::string_view content, std::string_view endpoint) {
    return wait(create(upload(content), endpoint).at("id").get<std::string>());
}

std::vector<std::string> sandbox_thread::lines(const nlohmann::json& file_id) {
    std::vector<std::string> out;
    if (!file_id.is_string()) return out;
    const auto text = call("GET", "/v1/files/" + file_id.get<std::string>() + "/content").body;
    for (std::size_t from = 0; from < text.size();) {
        const auto end = std::min(text.find('\n', from), text.size());
        out.push_back(text.substr(from, end - from));
        from = end + 1;
    }
    return out;
}

std::string chat_lines(int count, std::string_view model) {
    std::string out;
    for (int i = 1; i <= count; ++i) {
        nlohmann::json line = {{"custom_id", "id-" + std::to_string(i)},
                               {"method", "POST"},
                               {"url", "/v1/chat/completions"},
                               {"body",
                                {{"model", model},
                                 {"max_completion_tokens", 100},
                                 {"messages",
                                  {{{"role", "user"},
                                    {"content", "Package number " + std::to_string(i) +
                                                    " was updated. It closes a hole in the parser."}}}}}}};
        out += line.dump() + "\n";
    }
    return out;
}

std::string embedding_lines(int count, std::string_view model) {
    std::string out;
    for (int i = 1; i <= count; ++i) {
        nlohmann::json line = {
            {"custom_id", "id-" + std::to_string(i)},
            {"method", "POST"},
            {"url", "/v1/embeddings"},
            {"body", {{"model", model}, {"input", {"text " + std::to_string(i), "and more"}}}}};
        out += line.dump() + "\n";
    }
    return out;
}

} // namespace enrichd::test

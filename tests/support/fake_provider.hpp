// A provider without a network: its batches and files are what the test says.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/provider/provider.hpp"
#include "tests/support/temp_folder.hpp"

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace enrichd::test {

struct fake_provider final : provider::client {
    std::vector<batch_list> pages; ///< of the list of batches; one page a call, from the first again
    std::map<std::string, std::string> content; ///< of files, by id
    std::set<std::string> out_of_sight;         ///< files of which a gateway says 404, for as long
    std::vector<provider::remote_file> files;   ///< that list_files finds
    std::optional<error> list_fails;
    std::optional<error> files_fail;           ///< list_files
    std::deque<error> refusals;                ///< what the next calls that change something answer
    std::vector<std::string> calls;            ///< what was asked, in order
    batch_object made;                         ///< what create_batch answers
    std::function<void()> at_download = [] {}; ///< what happens while a file is asked for

    provider::awaitable<result<provider::remote_file>> upload(std::filesystem::path file,
                                                              std::string filename) override {
        calls.push_back("upload " + filename);
        if (!refusals.empty()) co_return take_refusal();
        co_return provider::remote_file{"file-1", filename, std::filesystem::file_size(file), 1};
    }
    provider::awaitable<result<std::vector<provider::remote_file>>> find_files(std::string filename,
                                                                               std::uint64_t) override {
        calls.push_back("find " + filename);
        co_return std::vector<provider::remote_file>{};
    }
    provider::awaitable<result<std::vector<provider::remote_file>>> list_files(std::string prefix) override {
        calls.push_back("files " + prefix);
        if (files_fail) co_return *files_fail;
        std::vector<provider::remote_file> found;
        for (const auto& f : files)
            if (f.filename.starts_with(prefix)) found.push_back(f);
        co_return found;
    }
    provider::awaitable<result<batch_object>> create_batch(provider::batch_order) override {
        calls.push_back("create");
        if (!refusals.empty()) co_return take_refusal();
        co_return made;
    }
    provider::awaitable<result<batch_object>> get_batch(std::string id) override {
        calls.push_back("get " + id);
        for (const auto& page : pages)
            for (const auto& b : page.batches)
                if (b.id == id) co_return b;
        co_return error{errc::provider_rejected,
                        "No batch found with id '" + id + "' (HTTP 404 to GET /batches/" + id + ")"};
    }
    provider::awaitable<result<batch_object>> cancel_batch(std::string id) override {
        calls.push_back("cancel " + id);
        if (!refusals.empty()) co_return take_refusal();
        batch_object b;
        b.id = id;
        b.status = batch_status::cancelling;
        co_return b;
    }
    provider::awaitable<result<batch_list>> list_batches(std::string after) override {
        calls.push_back("list " + after);
        if (list_fails) co_return *list_fails;
        for (std::size_t i = 0; i + 1 < pages.size(); ++i)
            if (!after.empty() && pages[i].batches.back().id == after) co_return pages[i + 1];
        co_return pages.empty() ? batch_list{{}, false} : pages.front();
    }
    provider::awaitable<result<std::uint64_t>> download(std::string file_id, std::filesystem::path to,
                                                        provider::download_limits) override {
        calls.push_back("download " + file_id);
        at_download();
        const auto found = content.find(file_id);
        const auto call = " (HTTP 404 to GET /files/" + file_id + "/content)";
        if (out_of_sight.contains(file_id)) co_return error{errc::provider_rejected, "page not found" + call};
        if (found == content.end())
            co_return error{errc::provider_rejected, "No such File object: " + file_id + call};
        write_file(to, found->second);
        co_return found->second.size();
    }
    provider::awaitable<result<void>> delete_file(std::string id) override {
        calls.push_back("delete " + id);
        if (!refusals.empty()) co_return take_refusal();
        co_return result<void>{};
    }

private:
    error take_refusal() {
        auto e = std::move(refusals.front());
        refusals.pop_front();
        return e;
    }
};

} // namespace enrichd::test

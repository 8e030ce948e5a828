// Looks at batches that are due at about the same time are answered by one call.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/provider/provider.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace enrichd::provider {

/// A client whose get_batch() calls within `window` become one list_batches() where they are several: the
/// newest hundred batches are in its answer. What the list does not have, or tells as ended, is asked for by
/// itself. All other calls go through. To be used from one thread.
class shared_polls final : public client {
public:
    shared_polls(std::shared_ptr<client> inner, std::chrono::milliseconds window)
        : inner_(std::move(inner)), window_(window) {}

    awaitable<result<remote_file>> upload(std::filesystem::path file, std::string filename) override {
        return inner_->upload(std::move(file), std::move(filename));
    }
    awaitable<result<std::vector<remote_file>>> find_files(std::string filename,
                                                           std::uint64_t bytes) override {
        return inner_->find_files(std::move(filename), bytes);
    }
    awaitable<result<std::vector<remote_file>>> list_files(std::string prefix) override {
        return inner_->list_files(std::move(prefix));
    }
    awaitable<result<batch_object>> create_batch(batch_order order) override {
        return inner_->create_batch(std::move(order));
    }
    awaitable<result<batch_object>> get_batch(std::string id) override;
    awaitable<result<batch_object>> cancel_batch(std::string id) override {
        return inner_->cancel_batch(std::move(id));
    }
    awaitable<result<batch_list>> list_batches(std::string after) override {
        return inner_->list_batches(std::move(after));
    }
    awaitable<result<std::uint64_t>> download(std::string file_id, std::filesystem::path to,
                                              download_limits limits) override {
        return inner_->download(std::move(file_id), std::move(to), limits);
    }
    awaitable<result<void>> delete_file(std::string id) override {
        return inner_->delete_file(std::move(id));
    }

private:
    struct look;
    using looks = std::vector<std::shared_ptr<look>>;

    awaitable<void> answer(looks all);
    awaitable<void> answer_from_list(const looks& all);

    std::shared_ptr<client> inner_;
    std::chrono::milliseconds window_;
    looks gathering_; ///< of this window; the first of them asks for all
};

} // namespace enrichd::provider

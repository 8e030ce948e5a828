// A provider in memory that keeps its own truth: what exists, what it billed, and what it answered.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/model.hpp"
#include "daemon/provider/provider.hpp"
#include "tests/faults/sim/scenario.hpp"
#include "tests/faults/sim/virtual_time.hpp"

#include <boost/asio/awaitable.hpp>

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace enrichd::faults {

/// How a request of a batch ended, as the provider knows it.
struct sim_request {
    std::string custom_id;
    std::string marker; ///< of the row's text that it is about
    bool billed = false;
    bool answered = false; ///< a good answer is in the output file
};

struct sim_batch {
    batch_object told; ///< what never changes of it: id, created_at, metadata, file, endpoint
    std::vector<sim_request> requests;
    std::int64_t listed_ms = 0;  ///< from when the list shows it
    std::int64_t starts_ms = 0;  ///< end of validation
    std::int64_t ends_ms = 0;    ///< end of the work
    std::int64_t settled_ms = 0; ///< end of finalizing
    std::int64_t files_ms = 0;   ///< the files are named from then on
    batch_status ends_as = batch_status::completed;
    std::string failure;     ///< code, if it ends as failed
    std::int64_t tokens = 0; ///< enqueued, by the provider's own count
    std::optional<std::int64_t> cancel_ms;
    bool uncancellable = false;
    bool finished = false;
    std::string output, errors;
    std::int64_t completed = 0, failed = 0;
    token_usage usage;
    money billed;
};

class sim_provider final : public provider::client {
public:
    template <class T>
    using awaitable = boost::asio::awaitable<T>;

    sim_provider(const scenario& s, virtual_time& t, const model_catalogue& models);

    awaitable<result<provider::remote_file>> upload(std::filesystem::path file,
                                                    std::string filename) override;
    awaitable<result<std::vector<provider::remote_file>>> find_files(std::string filename,
                                                                     std::uint64_t bytes) override;
    awaitable<result<std::vector<provider::remote_file>>> list_files(std::string prefix) override;
    awaitable<result<batch_object>> create_batch(provider::batch_order order) override;
    awaitable<result<batch_object>> get_batch(std::string id) override;
    awaitable<result<batch_object>> cancel_batch(std::string id) override;
    awaitable<result<batch_list>> list_batches(std::string after) override;
    awaitable<result<std::uint64_t>> download(std::string file_id, std::filesystem::path to,
                                              provider::download_limits limits) override;
    awaitable<result<void>> delete_file(std::string id) override;

    /// Every batch that was ever made, as it stands now.
    const std::deque<sim_batch>& batches();

private:
    struct stored_file {
        provider::remote_file told;
        std::string content;
        std::int64_t listed_ms = 0;
    };
    enum class fault { none, busy, lost, unheard, late, not_found };

    bool calm() const;
    fault draw_fault();
    /// What an outage makes of a call; absent: it gets through.
    std::optional<error> outage(const std::string& id = "");
    awaitable<void> travel();
    void later(std::function<void()> effect);
    void do_late_effects();

    std::string store(std::string name, std::string content);
    result<batch_object> make_batch(const provider::batch_order& order);
    void plan_life(sim_batch& b);
    bool overfills_queue(const sim_batch& b);
    void update(sim_batch& b);
    void finish(sim_batch& b, batch_status how, std::size_t ran);
    void answer(sim_batch& b, sim_request& r);
    batch_object tell(sim_batch& b);
    sim_batch* find(const std::string& id);

    const scenario& scenario_;
    virtual_time& time_;
    const model_catalogue& models_;
    std::int64_t calm_ms_;
    std::int64_t outage_ms_;
    chance chance_;
    chance mood_; ///< of outages and cuts, so that a case without them is as it was
    std::map<std::string, stored_file> files_;
    std::deque<sim_batch> batches_;
    std::multimap<std::int64_t, std::function<void()>> late_;
    int next_id_ = 1;
};

/// What the model says of a text, known by its marker: the simulation's model of what the target must hold.
std::string summary_of(const std::string& marker);
std::vector<float> embedding_of(const std::string& marker);
inline constexpr std::uint32_t sim_dimensions = 4;

} // namespace enrichd::faults

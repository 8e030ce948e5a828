// The calls; sim_batch.cpp has the lives of batches.
// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/sim/sim_provider.hpp"

#include "daemon/provider/download_file.hpp"
#include "tests/support/temp_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

namespace enrichd::faults {

namespace {

constexpr std::size_t piece_bytes = 1500; // of a download, as it comes in

error busy() {
    error e{errc::provider_busy, "rate_limit_exceeded: try again later (simulated)"};
    e.retry_after = std::chrono::seconds(20);
    return e;
}
error lost() {
    return {errc::provider_ambiguous, "the connection was reset (simulated)"};
}
error not_found(const std::string& id) {
    return {errc::provider_rejected, fmt::format("not_found: no such object: {} (simulated)", id)};
}
error gone(const std::string& id) {
    return {errc::provider_rejected, fmt::format("no such object: {} (HTTP 404 to GET, simulated)", id)};
}

} // namespace

sim_provider::sim_provider(const scenario& s, virtual_time& t, const model_catalogue& models)
    : scenario_(s),
      time_(t),
      models_(models),
      calm_ms_(t.now_ms() + s.calm_at),
      outage_ms_(t.now_ms() + s.outage.at_ms),
      chance_(s.seed * 2 + 0xb111),
      mood_(s.seed * 2 + 0xcafe) {
    for (int n = 0; n < s.strangers; ++n) {
        sim_batch b;
        b.told.id = fmt::format("batch_stranger{}", n);
        b.told.created_at = t.now_ms() / 1000 - n;
        b.told.metadata["enrichd_submission"] = fmt::format("ed1-00000000-{}-1", n + 1);
        b.told.input_file_id = fmt::format("file-stranger{}", n);
        b.ends_as = batch_status::completed;
        b.finished = true;
        batches_.push_back(std::move(b));
    }
}

bool sim_provider::calm() const {
    return time_.now_ms() >= calm_ms_;
}

sim_provider::fault sim_provider::draw_fault() {
    const auto& f = scenario_.calls;
    auto at = chance_.real();
    if (calm()) return fault::none;
    for (const auto& [probability, what] :
         {std::pair(f.busy, fault::busy), std::pair(f.lost, fault::lost),
          std::pair(f.unheard, fault::unheard), std::pair(f.late, fault::late),
          std::pair(f.not_found, fault::not_found)}) {
        if (at < probability / 2) return what;
        at -= probability / 2;
    }
    return fault::none;
}

std::optional<error> sim_provider::outage(const std::string& id) {
    const auto into = time_.now_ms() - outage_ms_;
    const bool is_on = into >= 0 && into < scenario_.outage.for_ms && !calm();
    if (!is_on || mood_.happens(scenario_.outage.gets_through)) return std::nullopt;
    const auto gateway = "page not found (HTTP 404 to a gateway, simulated)";
    switch (mood_.number(0, id.empty() ? 2 : 9)) {
    case 0: return busy();
    case 1: return error{errc::provider_rejected, gateway};
    case 2: return error{errc::provider_invalid, "a page of HTML (simulated)"};
    case 3: return gone(id); // as a replica may say that lags behind
    default: return lost();
    }
}

// A request and its answer take their time, so that turns overlap.
boost::asio::awaitable<void> sim_provider::travel() {
    co_await time_.sleep(chance_.number(20, 1500));
    do_late_effects();
}

void sim_provider::later(std::function<void()> effect) {
    late_.emplace(time_.now_ms() + chance_.number(second, 90 * second), std::move(effect));
}

void sim_provider::do_late_effects() {
    while (!late_.empty() && late_.begin()->first <= time_.now_ms()) {
        const auto effect = std::move(late_.begin()->second);
        late_.erase(late_.begin());
        effect();
    }
}

std::string sim_provider::store(std::string name, std::string content) {
    stored_file f;
    f.told.id = fmt::format("file-{}", next_id_++);
    f.told.filename = std::move(name);
    f.told.bytes = content.size();
    f.told.created_at = time_.now_ms() / 1000;
    f.content = std::move(content);
    f.listed_ms = time_.now_ms();
    const auto id = f.told.id;
    files_.emplace(id, std::move(f));
    return id;
}

boost::asio::awaitable<result<provider::remote_file>> sim_provider::upload(std::filesystem::path file,
                                                                           std::string filename) {
    auto content = test::read_file(file);
    co_await travel();
    if (outage()) co_return lost();
    const auto what = draw_fault();
    if (what == fault::busy) co_return busy();
    if (what == fault::lost) co_return lost();
    const auto put = [this, filename, content] { return store(filename, content); };
    if (what == fault::late) {
        later([put] { put(); });
        co_return lost();
    }
    const auto id = put();
    co_await travel();
    if (what == fault::unheard) co_return lost();
    co_return files_.at(id).told;
}

boost::asio::awaitable<result<std::vector<provider::remote_file>>> sim_provider::find_files(
    std::string filename, std::uint64_t bytes) {
    co_await travel();
    if (const auto why = outage()) co_return *why;
    if (draw_fault() != fault::none) co_return lost();
    std::vector<provider::remote_file> found;
    for (const auto& [id, f] : files_)
        if (f.told.filename == filename && f.told.bytes == bytes) found.push_back(f.told);
    std::stable_sort(found.begin(), found.end(),
                     [](const auto& a, const auto& b) { return a.created_at < b.created_at; });
    co_return found;
}

boost::asio::awaitable<result<std::vector<provider::remote_file>>> sim_provider::list_files(
    std::string prefix) {
    co_await travel();
    if (const auto why = outage()) co_return *why;
    if (draw_fault() != fault::none) co_return lost();
    std::vector<provider::remote_file> found;
    for (const auto& [id, f] : files_)
        if (f.told.filename.starts_with(prefix)) found.push_back(f.told);
    co_return found;
}

boost::asio::awaitable<result<batch_object>> sim_provider::create_batch(provider::batch_order order) {
    co_await travel();
    if (outage()) co_return busy();
    const auto what = draw_fault();
    if (what == fault::busy) co_return busy();
    if (what == fault::lost) co_return lost();
    if (what == fault::not_found)
        co_return error{errc::provider_rejected, "Cannot find file " + order.input_file_id};
    if (!calm() && chance_.happens(scenario_.calls.refused))
        co_return error{errc::provider_rejected, "this account may not do that (simulated)"};
    if (what == fault::late) {
        later([this, order] { (void)make_batch(order); });
        co_return lost();
    }
    auto made = make_batch(order);
    co_await travel();
    if (what == fault::unheard) co_return lost();
    if (!calm() && mood_.happens(scenario_.calls.passed_on)) co_return busy();
    co_return made;
}

boost::asio::awaitable<result<batch_object>> sim_provider::get_batch(std::string id) {
    co_await travel();
    if (const auto why = outage(id)) co_return *why;
    const auto what = draw_fault();
    auto* b = find(id);
    if (what == fault::not_found) co_return not_found(id);
    if (!b) co_return gone(id);
    if (what != fault::none) co_return lost();
    co_return tell(*b);
}

boost::asio::awaitable<result<batch_object>> sim_provider::cancel_batch(std::string id) {
    co_await travel();
    if (const auto why = outage(id)) co_return *why;
    const auto what = draw_fault();
    auto* b = find(id);
    if (what == fault::not_found) co_return not_found(id);
    if (!b) co_return gone(id);
    if (what == fault::busy) co_return busy();
    if (what == fault::lost) co_return lost();
    if (has_ended(tell(*b).status))
        co_return error{errc::provider_rejected, "the batch has ended (simulated)"};
    if (b->uncancellable) co_return error{errc::provider_rejected, "it may not be cancelled (simulated)"};
    if (!b->cancel_ms) b->cancel_ms = time_.now_ms();
    co_await travel();
    if (what == fault::unheard || what == fault::late) co_return lost();
    co_return tell(*b);
}

boost::asio::awaitable<result<batch_list>> sim_provider::list_batches(std::string after) {
    co_await travel();
    if (const auto why = outage()) co_return *why;
    if (draw_fault() != fault::none) co_return lost();
    std::vector<sim_batch*> all;
    for (auto& b : batches_)
        if (b.listed_ms <= time_.now_ms()) all.push_back(&b);
    const auto newest_first = [](const auto* a, const auto* b) {
        return a->told.created_at > b->told.created_at;
    };
    std::stable_sort(all.begin(), all.end(), newest_first);
    if (scenario_.oldest_first) std::reverse(all.begin(), all.end());
    auto from = all.begin();
    if (!after.empty()) {
        const auto last =
            std::find_if(all.begin(), all.end(), [&](const auto* b) { return b->told.id == after; });
        if (last != all.end()) from = last + 1;
    }
    batch_list page;
    for (; from != all.end() && page.batches.size() < scenario_.page; ++from)
        page.batches.push_back(tell(**from));
    page.has_more = from != all.end();
    co_return page;
}

boost::asio::awaitable<result<std::uint64_t>> sim_provider::download(std::string file_id,
                                                                     std::filesystem::path to,
                                                                     provider::download_limits) {
    co_await travel();
    if (const auto why = outage(file_id)) co_return *why;
    const auto what = draw_fault();
    const auto file = files_.find(file_id);
    if (what == fault::not_found) co_return not_found(file_id);
    if (what != fault::none) co_return lost(); // cut off: the client keeps nothing of it
    if (file == files_.end()) co_return gone(file_id);
    auto content = file->second.content;
    if (!calm() && mood_.happens(scenario_.calls.cut))
        content.resize(static_cast<std::size_t>(mood_.real() * static_cast<double>(content.size())));
    provider::download_file here(std::move(to));
    auto written = here.begin();
    for (std::size_t at = 0; written && at < content.size(); at += piece_bytes)
        written = here.append(std::span(content).subspan(at, std::min(piece_bytes, content.size() - at)));
    if (written) written = here.finish();
    if (!written) co_return written.error();
    co_return content.size();
}

boost::asio::awaitable<result<void>> sim_provider::delete_file(std::string id) {
    co_await travel();
    if (outage()) co_return lost();
    if (draw_fault() != fault::none) co_return lost();
    files_.erase(id);
    co_return result<void>();
}

sim_batch* sim_provider::find(const std::string& id) {
    for (auto& b : batches_)
        if (b.told.id == id) return &b;
    return nullptr;
}

const std::deque<sim_batch>& sim_provider::batches() {
    do_late_effects();
    for (auto& b : batches_)
        update(b);
    return batches_;
}

} // namespace enrichd::faults

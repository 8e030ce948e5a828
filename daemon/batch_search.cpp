// SPDX-License-Identifier: Apache-2.0
#include "daemon/batch_search.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace enrichd {

namespace {

// How far back before the intent the provider's list is read: its clock may run behind ours.
constexpr std::int64_t clock_slack_seconds = 15 * 60;

// All but the try: see submission_id().
std::string_view job_of(std::string_view submission) {
    return submission.substr(0, submission.rfind('-') + 1);
}

bool is_meant(const batch_object& b, const batch_search& what) {
    const auto it = b.metadata.find("enrichd_submission");
    if (it != b.metadata.end())
        return what.every_try ? job_of(it->second) == job_of(what.submission) : it->second == what.submission;
    // A second key, independent of the metadata. A failed batch did nothing, and may be that of an earlier
    // submission of the same file.
    return !what.file_id.empty() && b.input_file_id == what.file_id && b.status != batch_status::failed;
}

// The end of a list that is newest first: what follows the page is older than this time. One page out of
// order, as of a server that lists the oldest first, proves nothing about the pages behind it.
bool is_all_older(const std::vector<batch_object>& page, std::int64_t since_ms) {
    const auto since = since_ms / 1000 - clock_slack_seconds;
    const auto newest_first = [](const auto& a, const auto& b) { return a.created_at > b.created_at; };
    return std::is_sorted(page.begin(), page.end(), newest_first) && page.size() > 1 &&
           page.front().created_at > page.back().created_at && page.front().created_at < since;
}

} // namespace

bool is_better_to_keep(const batch_object& a, const batch_object& b) {
    const auto is_lost = [](const batch_object& x) {
        return x.status == batch_status::failed || x.status == batch_status::cancelled ||
               x.status == batch_status::cancelling;
    };
    return std::pair(is_lost(a), a.created_at) < std::pair(is_lost(b), b.created_at);
}

boost::asio::awaitable<result<std::vector<batch_object>>> list_batches(
    std::shared_ptr<provider::client> client, std::int64_t since_ms) {
    std::vector<batch_object> found;
    std::set<std::string> listed;
    for (std::string after;;) {
        auto page = co_await client->list_batches(after);
        if (!page) co_return page.error();
        const bool is_last = !page->has_more.value_or(false) || is_all_older(page->batches, since_ms);
        bool any_new = false;
        for (auto& b : page->batches) {
            after = b.id;
            if (!listed.insert(b.id).second) continue;
            any_new = true;
            found.push_back(std::move(b));
        }
        // A server that does not know `after` gives the same page again.
        if (is_last || !any_new) co_return found;
    }
}

boost::asio::awaitable<result<std::vector<batch_object>>> find_batches(
    std::shared_ptr<provider::client> client, batch_search what) {
    auto found = co_await list_batches(std::move(client), what.since_ms);
    if (!found) co_return found;
    std::erase_if(*found, [&what](const auto& b) { return !is_meant(b, what); });
    std::stable_sort(found->begin(), found->end(), is_better_to_keep);
    co_return found;
}

bool did_nothing(const batch_object& b) {
    return b.status == batch_status::failed && b.completed == 0 && !b.output_file_id;
}

bool may_name_files(const batch_object& b, std::int64_t now_ms) {
    constexpr std::int64_t patience_ms = 26 * 3'600'000LL; // no job of its own would wait longer
    return has_ended(b.status) && b.completed > 0 && !b.output_file_id &&
           now_ms < b.created_at * 1000 + patience_ms;
}

bool is_bill_alone(const batch_object& b, std::int64_t now_ms) {
    const bool names_files = b.output_file_id || b.error_file_id || may_name_files(b, now_ms);
    const bool was_billed = b.usage && *b.usage != token_usage{};
    return has_ended(b.status) && b.status != batch_status::failed && was_billed && !names_files;
}

boost::asio::awaitable<result<cancelling>> ask_to_cancel(std::shared_ptr<provider::client> client,
                                                         std::string batch_id) {
    auto cancelled = co_await client->cancel_batch(batch_id);
    if (cancelled) co_return cancelling{std::move(*cancelled), std::nullopt};
    if (cancelled.error().code != errc::provider_rejected) co_return cancelled.error();
    // It may have ended in this moment, or be beyond cancelling: then it is as it is told now.
    auto seen = co_await client->get_batch(batch_id);
    if (!seen) co_return seen.error();
    co_return cancelling{std::move(*seen), cancelled.error()};
}

boost::asio::awaitable<result<batch_object>> stop_batch(std::shared_ptr<provider::client> client,
                                                        batch_object b) {
    if (has_ended(b.status) || b.status == batch_status::cancelling) co_return b;
    auto asked = co_await ask_to_cancel(std::move(client), b.id);
    if (!asked) co_return asked.error();
    co_return std::move(asked->batch);
}

} // namespace enrichd

// SPDX-License-Identifier: Apache-2.0
#include "daemon/row_reader.hpp"

#include "daemon/on_pool.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <functional>
#include <utility>

namespace enrichd {

namespace {

constexpr std::size_t named_jobs = 20; // of those that have rows in flight

} // namespace

row_reader::row_reader(ledger& l, boost::asio::any_io_executor pool, enrichd::recipe r,
                       std::optional<std::uint64_t> limit, flight_mark before,
                       std::unique_ptr<target::row_stream> rows)
    : ledger_(l),
      pool_(std::move(pool)),
      recipe_(std::move(r)),
      limit_(limit),
      before_(std::move(before)),
      stream_(std::move(rows)),
      counter_(parse_encoding(recipe_.model.tokenizer).value()) {
    summary_.kind = recipe_.kind;
    summary_.model = recipe_.model.name;
    summary_.version = recipe_.version;
}

bool row_reader::is_full() const {
    return limit_ && static_cast<std::uint64_t>(summary_.rows.selected) >= *limit_;
}

boost::asio::awaitable<result<std::vector<prepared_row>>> row_reader::next() {
    using namespace boost::asio::experimental::awaitable_operators;
    if (!ahead_) {
        auto first = co_await stream_->next();
        if (!first) co_return first.error();
        ahead_ = std::move(*first);
    }
    while (!ahead_->empty() && !is_full()) {
        const auto rows = keep_needed(std::move(*ahead_));
        const auto make = [this, &rows] {
            std::vector<row_requests> requests;
            requests.reserve(rows.size());
            for (const auto& row : rows)
                requests.push_back(build_requests(row, recipe_, counter_));
            return requests;
        };
        auto [requests, following] = co_await (on_pool(pool_, make) && stream_->next());
        if (!following) co_return following.error();
        ahead_ = std::move(*following);
        auto prepared = keep_sendable(rows, std::move(requests));
        if (!prepared.empty()) co_return prepared;
    }
    co_return std::vector<prepared_row>{};
}

std::vector<source_row> row_reader::keep_needed(std::vector<source_row> rows) {
    std::vector<source_row> needed;
    auto& count = summary_.rows;
    for (auto& row : rows) {
        if (row.why == need::legacy) ++count.legacy;
        if (row.why == need::kept) ++count.kept;
        if (row.why == need::done) ++count.done;
        if (!needs_work(row.why)) {
            ++count.seen;
            continue;
        }
        needed.push_back(std::move(row));
    }
    return needed;
}

std::vector<prepared_row> row_reader::keep_sendable(std::vector<source_row> rows,
                                                    std::vector<row_requests> requests) {
    std::vector<prepared_row> sendable;
    auto& count = summary_.rows;
    for (std::size_t i = 0; i < rows.size() && !is_full(); ++i) {
        auto& row = rows[i];
        auto& made = requests[i];
        ++count.seen;
        if (made.lines.empty()) {
            ++(made.skip_reason == "no text" ? count.no_text : count.too_short);
            continue;
        }
        const auto job = ledger_.flights().holder(before_, row.key);
        // A key may come twice, anywhere in the stream: the first counts. Hashes alone, since a run has many
        // keys; the one row in billions that shares another's hash is taken by the next run.
        const auto key = std::hash<std::string>{}(row.key);
        if (job || keys_.contains(key)) {
            ++count.in_flight;
            if (job && summary_.in_flight_jobs.size() < named_jobs) summary_.in_flight_jobs.insert(*job);
            continue;
        }
        if (ledger_.quarantine().holds(before_.target, recipe_.kind, row.key, recipe_.version, made.hash)) {
            ++count.quarantined;
            continue;
        }
        keys_.insert(key);
        ++count.selected;
        if (made.replaced > 0) ++summary_.replaced_texts;
        const bool identical = !texts_.insert(made.hash).second;
        auto& authority = summary_.authorities[row.authority];
        ++authority.rows;
        if (identical) {
            ++count.identical;
            made.lines.clear();
        }
        for (const auto& line : made.lines) {
            summary_.totals.add(line, recipe_.model);
            ++authority.requests;
            authority.input_tokens += line.input_tokens;
            authority.bound += upper_bound(line, recipe_.model);
        }
        sendable.push_back({std::move(row.key), std::move(row.authority), std::move(made), identical});
    }
    return sendable;
}

} // namespace enrichd

// SPDX-License-Identifier: Apache-2.0
#include "daemon/request_files.hpp"

#include "core/batch_result.hpp"
#include "daemon/on_pool.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace enrichd {

namespace {

/// `work` on the spool. A disk that is full, or a folder that cannot be written, is no end of the daemon: it
/// may be mended while the run waits.
template <class F>
result<void> try_to_write(F work) {
    try {
        work();
    } catch (const fatal_error& e) {
        if (e.what_error().code != errc::io && e.what_error().code != errc::disk_full) throw;
        return e.what_error();
    }
    return {};
}

} // namespace

std::string request_file_prefix(std::int64_t run_id) {
    return run_name(run_id) + "-";
}

request_files::request_files(ledger& l, spool& s, boost::asio::any_io_executor pool, job_plan plan,
                             enrichd::model m, file_limits limits, std::int64_t now_ms)
    : ledger_(l),
      spool_(s),
      pool_(std::move(pool)),
      common_(std::move(plan)),
      model_(std::move(m)),
      limits_(limits),
      now_ms_(now_ms) {}

boost::asio::awaitable<result<void>> request_files::add(std::vector<prepared_row> rows) {
    piece p;
    std::vector<std::pair<place, const prepared_row*>> claims;
    for (const auto& row : rows) {
        if (!row.identical) {
            if (files_.empty() || !fits(files_.back().plan.totals, row.requests.lines, limits_)) {
                if (const auto written = co_await write(p); !written) co_return written.error();
                if (const auto begun = co_await begin_file(); !begun) co_return begun.error();
            }
            place_lines(row, p);
        }
        const auto at = texts_.at(row.requests.hash);
        ++files_[at.file].plan.row_count;
        claims.emplace_back(at, &row);
    }
    if (const auto written = co_await write(p); !written) co_return written.error();
    auto batch = ledger_.begin();
    for (const auto& [at, row] : claims)
        ledger_.requests().add_row(files_[at.file].job_id, common_.target, common_.kind,
                                   {at.text, row->key, row->authority});
    batch.commit();
    co_return result<void>();
}

void request_files::place_lines(const prepared_row& row, piece& p) {
    auto& f = files_.back();
    const auto first = f.next_number;
    texts_.emplace(row.requests.hash, place{files_.size() - 1, first});
    for (const auto& line : row.requests.lines) {
        new_request r;
        r.number = f.next_number++;
        r.text = first;
        r.custom_id = line.custom_id;
        r.hash = row.requests.hash;
        r.part = line.part;
        r.parts = line.parts;
        r.chunk_tokens = line.chunk_tokens;
        r.input_tokens = line.input_tokens;
        r.output_cap = line.output_cap;
        r.bound = upper_bound(line, model_);
        r.file_offset = f.plan.totals.bytes;
        r.file_length = line.json.size();
        p.requests.push_back(std::move(r));
        p.bytes += line.json;
        f.plan.totals.add(line, model_);
        f.plan.max_line_bytes = std::max(f.plan.max_line_bytes, longest_line(line.reply_bytes));
    }
}

boost::asio::awaitable<result<void>> request_files::write(piece& p) {
    if (p.requests.empty()) co_return result<void>();
    const auto append = [this, &p] { return try_to_write([&] { writer_->append(p.bytes); }); };
    if (const auto written = co_await on_pool(pool_, append); !written) co_return written.error();
    auto batch = ledger_.begin();
    for (const auto& r : p.requests)
        ledger_.requests().add(files_.back().job_id, r);
    batch.commit();
    p = {};
    co_return result<void>();
}

boost::asio::awaitable<result<void>> request_files::begin_file() {
    if (const auto ended = co_await end_file(); !ended) co_return ended.error();
    file f;
    f.plan = common_;
    f.plan.file_name = fmt::format("{}{}-{}.requests.jsonl", request_file_prefix(common_.run_id),
                                   name(common_.kind), files_.size() + 1);
    const auto path = spool_.request_file(f.plan.file_name);
    const auto create = [this, &path] {
        return try_to_write([&] { writer_ = std::make_unique<spool_writer>(path); });
    };
    if (const auto created = co_await on_pool(pool_, create); !created) co_return created.error();
    auto birth = ledger_.begin();
    f.job_id = ledger_.jobs().create(f.plan, job::goal::built, now_ms_);
    birth.commit();
    files_.push_back(std::move(f));
    co_return result<void>();
}

boost::asio::awaitable<result<void>> request_files::end_file() {
    if (!writer_) co_return result<void>();
    auto& sha256 = files_.back().plan.file_sha256;
    const auto finish = [this, &sha256] { return try_to_write([&] { sha256 = writer_->finish(); }); };
    if (const auto finished = co_await on_pool(pool_, finish); !finished) co_return finished.error();
    writer_.reset();
    co_return result<void>();
}

boost::asio::awaitable<result<std::int64_t>> request_files::finish() {
    if (const auto ended = co_await end_file(); !ended) co_return ended.error();
    auto all = ledger_.begin();
    for (const auto& f : files_)
        ledger_.jobs().set_plan(f.job_id, f.plan);
    all.commit();
    co_return static_cast<std::int64_t>(files_.size());
}

// With the end of its job the rows are free again.
std::string fault_of_request_file(const std::filesystem::path& path, const job_plan& plan) {
    std::error_code ec;
    const auto bytes = std::filesystem::file_size(path, ec);
    std::string what = "holds other bytes than when it was built (by its SHA-256)";
    if (ec)
        what = "is not there any more";
    else if (bytes != plan.totals.bytes)
        what = fmt::format("has {} bytes, and had {} when it was built", bytes, plan.totals.bytes);
    return fmt::format(
        "{} {}; nothing was sent and nothing was paid: the next enrichctl run or build makes it "
        "again",
        path.string(), what);
}

} // namespace enrichd

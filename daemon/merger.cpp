// SPDX-License-Identifier: Apache-2.0
#include "daemon/merger.hpp"

#include "core/pooling.hpp"
#include "daemon/bill.hpp"
#include "daemon/on_pool.hpp"
#include "daemon/target/identity.hpp"

#include <fmt/format.h>

#include <map>
#include <numeric>
#include <unordered_set>
#include <utility>

namespace enrichd {

namespace {

constexpr std::uint64_t slice_bytes = 8 * 1024 * 1024;
constexpr std::int64_t rest_requests = 2000; // of a batch that ended without an answer for them, at a time

// Whether the provider may bill a request of which its answer tells no usage. What it did not run, or refused
// with an error, it does not bill; a line that is lost or garbled says nothing of that.
bool may_be_billed(outcome how) {
    return how != outcome::http_error && how != outcome::expired && how != outcome::cancelled;
}

// A request of which neither file has a line: what the end of the batch says of it. What a file told that is
// gone may be in the target already: to ask again is for a run that looks there first.
std::pair<outcome, std::string> unanswered(const job::effect::merge& what) {
    if (what.some_gone)
        return {outcome::cancelled,
                "a file of the batch's answers is gone at the provider, as one that was merged "
                "before is: the next run takes the row if it still needs a value"};
    switch (what.ended_as) {
    case batch_status::expired: return {outcome::expired, "the provider's completion window ended first"};
    case batch_status::cancelled:
        return {outcome::cancelled, "the batch was cancelled before this request ran"};
    default: return {outcome::missing, "neither the output nor the error file has a line for it"};
    }
}

// Which of the ends of rows that share a request is the request's own: that the database refused a value,
// which a person is to see; else that it took one.
int weight(outcome how) {
    if (how == outcome::invalid) return 2;
    return how == outcome::ok ? 1 : 0;
}

job::merge_cursor after_slice(const job::effect::merge& what, std::uint64_t offset, bool at_end,
                              std::size_t lines) {
    using part = job::merge_cursor::part;
    auto next = what.from;
    ++next.slice;
    next.offset = offset;
    next.lines = lines;
    if (at_end) {
        next.where = what.from.where == part::output && what.has_errors ? part::errors : part::rest;
        next.offset = 0;
    }
    return next;
}

// The job's own, never the configuration's of today.
target::wanted wanted_of(const job_plan& p) {
    return {p.kind, p.model, p.version, p.refresh_legacy, p.keep_versions};
}

std::vector<std::string> read_ids(const std::vector<spool_line>& lines) {
    std::vector<std::string> ids;
    ids.reserve(lines.size());
    for (const auto& line : lines)
        ids.push_back(read_custom_id(line.text).value_or(""));
    return ids;
}

} // namespace

struct merger::matched {
    new_request asked;
    const spool_line* line = nullptr; ///< of the slice
    enrichd::answer answer;
    std::vector<float> vector; ///< the chunks' weighted mean; of length one, unless the text has more parts
    std::vector<std::pair<std::string, std::string>> rows; ///< that it is written to: key, authority
    bool completes_text = false; ///< it is the last of several parts, and `vector` the whole text's
};

void merger::read(matched& m, const job_plan& plan) {
    if (m.line->too_long) {
        m.answer.reason = "its line is longer than any answer to this request can be";
        return;
    }
    const auto inputs = static_cast<std::uint32_t>(m.asked.chunk_tokens.size());
    m.answer = read_answer(m.line->text, {plan.kind, inputs, plan.dimensions});
    if (m.answer.how != outcome::ok || plan.kind != kind::embeddings) return;

    vector_pool chunks;
    for (std::size_t i = 0; i < m.answer.embeddings.size(); ++i)
        chunks.add(m.answer.embeddings[i], m.asked.chunk_tokens[i]);
    m.vector = m.asked.parts > 1 ? chunks.average() : chunks.mean();
    m.answer.embeddings.clear();
    if (!m.vector.empty()) return;
    m.answer.how = outcome::invalid;
    m.answer.reason = "the mean of the chunks' vectors has no direction";
}

void merger::record_ends(const std::vector<matched>& answers, const target::merge_reply& written,
                         slice_record& record) {
    std::span<const target::merged_row> ends = written.rows;
    for (const auto& m : answers) {
        record.requests.push_back(record_rows(m, ends.first(m.rows.size()), record));
        ends = ends.subspan(m.rows.size());
        if (m.completes_text) record.complete_texts.push_back(m.asked.hash);
        record.used += m.answer.usage;
        record.released += m.asked.bound;
        if (m.answer.usage == token_usage{} && may_be_billed(m.answer.how)) record.unproven += m.asked.bound;
    }
}

// Every row that the target was asked to write has ended, also where it refused the value: that is nothing
// which another answer would mend. The request ends as its rows did.
request_end merger::record_rows(const matched& m, std::span<const target::merged_row> ends,
                                slice_record& record) {
    request_end end{m.asked.number, m.answer.how, m.answer.http_status, m.answer.reason};
    for (std::size_t i = 0; i < ends.size(); ++i) {
        const auto& [how, reason] = ends[i];
        const auto& [key, authority] = m.rows[i];
        if (i == 0 || weight(how) > weight(end.how)) {
            end.how = how;
            end.reason = reason;
        }
        record.rows.push_back({m.asked.text, key, how, reason});
        if (how == outcome::invalid) record.refused.push_back({key, authority, m.asked.hash, reason});
    }
    return end;
}

boost::asio::awaitable<effect_outcome> merger::merge(job::effect::merge what, job_row job,
                                                     std::shared_ptr<target::database> into) {
    if (what.from.where == job::merge_cursor::part::rest) co_return close_rest(what, job);
    co_return co_await merge_file(std::move(what), std::move(job), std::move(into));
}

// More requests were done, by the provider's count, than have a line, also where the batch expired or was
// cancelled. Nobody tells which of those without one.
bool merger::lacks_lines(const job_row& job) {
    if (!job.counts) return false;
    std::int64_t answered = 0;
    for (const auto& [how, n] : ledger_.requests().tallies(job.id).requests)
        if (may_be_billed(how)) answered += n;
    return answered < job.counts->completed;
}

effect_outcome merger::close_rest(const job::effect::merge& what, const job_row& job) {
    const auto open = ledger_.requests().open_requests(job.id, rest_requests);
    if (open.empty()) return effect_done{job::event::all_merged{}, "", last_bill(job)};
    const auto [how, reason] = unanswered(what);
    const bool billed = what.some_gone || may_be_billed(how) || lacks_lines(job);
    slice_record record;
    for (const auto& request : open) {
        record.requests.push_back({request.number, how, 0, reason});
        record.released += request.bound;
        if (billed) record.unproven += request.bound;
    }
    auto next = what.from;
    ++next.slice;
    return effect_done{job::event::slice_merged{next}, "", std::move(record)};
}

boost::asio::awaitable<effect_outcome> merger::merge_file(job::effect::merge what, job_row job,
                                                          std::shared_ptr<target::database> into) {
    if (const auto now = into->identity(); now != job.plan.target)
        co_return postponed({errc::target_blocked,
                             fmt::format("its rows are of {}, and the configured target is {}: nothing of it "
                                         "is written there. To go on, {}",
                                         job.plan.target, now, target::how_to_return(job.plan.target, now))});
    const auto path = what.from.where == job::merge_cursor::part::output ? spool_.results_file(what.batch_id)
                                                                         : spool_.errors_file(what.batch_id);
    // The cursor's own limit, whatever was configured since: under its number, the target may know the slice.
    const auto max_lines = what.from.lines > 0 ? what.from.lines : slice_lines_;
    const auto read_lines = [path, what, max_lines, longest = job.plan.max_line_bytes] {
        return read_slice(path, what.from.offset, max_lines, slice_bytes, longest);
    };
    const auto slice = co_await on_pool(pool_, read_lines);
    if (!slice) co_return postponed(slice.error());

    slice_record record;
    auto ids = co_await on_pool(pool_, [&slice] { return read_ids(slice->lines); });
    auto answers = match(job, slice->lines, ids, record);
    co_await on_pool(pool_, [&answers, &job] {
        for (auto& m : answers)
            read(m, job.plan);
        return answers.size();
    });

    auto rows = rows_to_write(job, answers, record);
    target::merge_reply written;
    if (!rows.empty()) {
        target::merge_slice transaction{what.submission, what.from.slice, wanted_of(job.plan),
                                        std::move(rows), job.plan.dimensions};
        auto reply = co_await into->merge(std::move(transaction));
        if (!reply) co_return postponed(reply.error());
        written = std::move(*reply);
    }

    record_ends(answers, written, record);
    record.actual = cost(record.used, job.plan.price);
    const auto next = after_slice(what, slice->next_offset, slice->at_end, slice_lines_);
    co_return effect_done{job::event::slice_merged{next}, "", std::move(record)};
}

std::vector<merger::matched> merger::match(const job_row& job, const std::vector<spool_line>& lines,
                                           const std::vector<std::string>& ids, slice_record& record) {
    std::vector<matched> answers;
    std::unordered_set<std::string_view> seen;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        // The first line of a request counts; what answers nothing that is open is counted, and left alone.
        auto found = ids[i].empty() ? std::nullopt : ledger_.requests().find(job.id, ids[i]);
        if (!found || found->ended || !seen.insert(ids[i]).second) {
            ++record.strays;
            continue;
        }
        matched m;
        m.asked = std::move(found->asked);
        m.line = &lines[i];
        answers.push_back(std::move(m));
    }
    return answers;
}

std::vector<target::merge_row> merger::rows_to_write(const job_row& job, std::vector<matched>& answers,
                                                     slice_record& record) {
    std::vector<target::merge_row> rows;
    for (auto& m : answers) {
        if (m.answer.how != outcome::ok) continue;
        if (m.asked.parts > 1 && !pool_parts(job, m, record)) continue;
        m.rows = ledger_.requests().rows_of_text(job.id, m.asked.text);
        for (const auto& row_of : m.rows) {
            target::merge_row row{row_of.first, m.asked.hash, {}};
            if (job.plan.kind == kind::embeddings)
                row.value = m.vector;
            else
                row.value = m.answer.summary;
            rows.push_back(std::move(row));
        }
    }
    return rows;
}

// Keeps a part until its siblings are there, in this job or in one that sends some of them again; true, with
// the whole text's vector, once they are.
bool merger::pool_parts(const job_row& job, matched& m, slice_record& record) {
    std::map<std::uint32_t, part_vector> parts; // in order, whichever came first
    for (auto& kept : ledger_.requests().parts_of(job.plan.run_id, m.asked.hash))
        parts.emplace(kept.part, std::move(kept));
    for (const auto& fresh : record.parts)
        if (fresh.hash == m.asked.hash) parts.insert_or_assign(fresh.part, fresh);
    const auto tokens = std::accumulate(m.asked.chunk_tokens.begin(), m.asked.chunk_tokens.end(), 0U);
    const auto own = parts.insert_or_assign(
        m.asked.part, part_vector{m.asked.hash, m.asked.part, tokens, std::move(m.vector)});
    if (parts.size() < m.asked.parts) {
        record.parts.push_back(own.first->second);
        return false;
    }
    vector_pool whole;
    for (const auto& [number, part] : parts)
        whole.add(part.vector, part.tokens);
    m.vector = whole.mean();
    m.completes_text = !m.vector.empty();
    if (m.completes_text) return true;
    m.answer.how = outcome::invalid; // the last part is asked for again
    m.answer.reason = "the mean of the parts' vectors has no direction";
    return false;
}

} // namespace enrichd

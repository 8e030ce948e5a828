// A ledger in a folder of its own, with runs and jobs in any state.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/run_order.hpp"
#include "state/ledger.hpp"
#include "tests/support/temp_folder.hpp"

#include <memory>
#include <string>

namespace enrichd::test {

inline constexpr std::int64_t noon = 1'763'812'800'000; ///< 2025-11-22 12:00:00Z

/// One of each state, in the order of the variant; a batch of theirs is called "batch_1".
inline std::vector<job::state> one_of_each_state() {
    job::polling p;
    p.submission = "ed1-00000000-1-1";
    p.file_id = "file-1";
    p.batch_id = "batch_1";
    p.created_at = noon / 1000;
    p.status = batch_status::in_progress;
    p.total = 3;
    p.completed = 1;
    p.failed = 1;
    p.output_file_id = "file-out";
    p.error_file_id = "file-err";
    p.billed = token_usage{100, 10, 20, 5};
    p.polls = 4;
    p.looks_for_files = 1;
    p.cancel_sent = true;
    job::fetched f;
    f.submission = p.submission;
    f.batch_id = "batch_1";
    f.ended_as = batch_status::expired;
    f.has_output = true;
    f.billed = token_usage{100, 10, 20, 5};
    f.next = {job::merge_cursor::part::errors, 1234, 5, 250};
    f.digests = {"a1", "b2"};
    return {job::built{},
            job::intent_upload{"ed1-00000000-1-1"},
            job::uploaded{"file-1", "ed1-00000000-1-1"},
            job::intent_submit{"ed1-00000000-1-1", "file-1", noon},
            job::submit_unknown{"ed1-00000000-1-1", "file-1", noon, 2},
            job::submitted{"ed1-00000000-1-1", "file-1", "batch_1", noon / 1000},
            p,
            f,
            job::merged{"batch_1"},
            job::failed{"token_limit: too \"many\""},
            job::cancelled{},
            job::discarded{}};
}

struct ledger_fixture {
    temp_folder folder;
    std::unique_ptr<enrichd::ledger> l = open();

    std::unique_ptr<enrichd::ledger> open() const {
        return std::make_unique<enrichd::ledger>((folder / "ledger.db").string());
    }
    void reopen() {
        l.reset();
        l = open();
    }

    static job_plan plan(std::int64_t run_id, kind k = kind::summaries) {
        job_plan p;
        p.run_id = run_id;
        p.kind = k;
        p.target = "sqlite:test/events";
        p.model = k == kind::summaries ? "gpt-4o-mini" : "text-embedding-3-small";
        p.version = p.model + "-0123456789ab";
        p.dimensions = k == kind::summaries ? 0 : 1536;
        p.file_name = "r1-1.requests.jsonl";
        p.price = {money{75'000}, money{37'500}, money{300'000}};
        return p;
    }

    std::int64_t add_run(job::goal until = job::goal::merged, money limit = {picodollars_per_dollar}) {
        run_order order;
        order.kinds = {kind::summaries};
        return l->runs().create(until, to_json(order), limit, noon);
    }

    /// A run that is open: all of it is built.
    std::int64_t add_open_run(job::goal until = job::goal::merged, money limit = {picodollars_per_dollar}) {
        const auto id = add_run(until, limit);
        const auto now = noon + 1;
        (void)l->runs().record(*l->runs().find(id), run::state::building, run::event::build_begun, "", {},
                               now);
        (void)l->runs().record(*l->runs().find(id), run::state::open, run::event::built, "", {}, now);
        return id;
    }

    /// A job with `requests` requests of one row each, keys "e-<job>-<n>", at $0.01 at most each.
    std::int64_t add_job(std::int64_t run_id, job::goal until = job::goal::merged, int requests = 3,
                         kind k = kind::summaries, const std::string& sha = "aa") {
        auto p = plan(run_id, k);
        const auto id = l->jobs().create(p, until, noon);
        for (int n = 0; n < requests; ++n) {
            new_request r;
            r.number = n;
            r.text = n;
            r.custom_id = "id-" + std::to_string(id) + "-" + std::to_string(n);
            r.hash[0] = static_cast<std::byte>(n + 1);
            r.input_tokens = 100;
            r.output_cap = 180;
            r.bound = money{picodollars_per_dollar / 100};
            l->requests().add(id, r);
            l->requests().add_row(id, p.target, k,
                                  {n, "e-" + std::to_string(id) + "-" + std::to_string(n), "openssl"});
            p.totals.bound += r.bound;
        }
        p.file_sha256 = sha;
        p.totals.requests = static_cast<std::uint64_t>(requests);
        p.totals.bytes = 1000;
        p.totals.input_tokens = static_cast<std::uint64_t>(requests) * 100;
        p.totals.output_cap = static_cast<std::uint64_t>(requests) * 180;
        p.row_count = static_cast<std::uint64_t>(requests);
        p.max_line_bytes = 10'000;
        l->jobs().set_plan(id, p);
        return id;
    }

    /// Records the state as if a turn had led there: what is at the provider was submitted.
    void put(std::int64_t job_id, const job::state& s, const waiting& w = {}) {
        const auto before = job(job_id);
        const bool was_sent = job::batch_id(s) || std::holds_alternative<job::intent_submit>(s) ||
                              std::holds_alternative<job::submit_unknown>(s);
        const std::int64_t new_submissions = was_sent && before.submissions == 0 ? 1 : 0;
        const auto recorded = l->jobs().record(before, {s, "test", "", w, new_submissions}, noon + 10);
        if (!recorded) throw std::runtime_error(recorded.error().detail);
    }

    job_row job(std::int64_t id) { return l->jobs().find(id).value(); }
};

} // namespace enrichd::test

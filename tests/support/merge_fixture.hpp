// Jobs with texts, parts and rows as a test wants them, answered by files of results and merged by real
// turns.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/sha256.hpp"
#include "daemon/job_driver.hpp"
#include "daemon/merger.hpp"
#include "daemon/run_settler.hpp"
#include "tests/support/await.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_target.hpp"
#include "tests/support/ledger_fixture.hpp"
#include "tests/support/manual_clock.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace enrichd::test {

inline constexpr money cent{picodollars_per_dollar / 100};

/// Rows that have the same text; each of its parts is a request, at a cent at most.
struct asked_text {
    std::vector<std::string> keys;
    std::uint32_t parts = 1;
};

/// "t<text>p<part>": requests of the fixture's jobs.
inline std::string id_of(std::size_t text, std::uint32_t part = 0) {
    return fmt::format("t{}p{}", text, part);
}

inline text_hash hash_of(std::size_t text) {
    text_hash h{};
    h[0] = static_cast<std::byte>(text + 1);
    return h;
}

inline std::string answer_line(const std::string& id, int status, const std::string& body) {
    return fmt::format(
        R"({{"custom_id": "{}", "response": {{"status_code": {}, "body": {}}}, "error": null}})"
        "\n",
        id, status, body);
}
inline std::string summary_line(const std::string& id) {
    return answer_line(id, 200,
                       R"({"choices": [{"finish_reason": "stop", "message": {"content": "short"}}],)"
                       R"( "usage": {"prompt_tokens": 100, "completion_tokens": 10}})");
}
/// `vector`: three numbers.
inline std::string vector_line(const std::string& id, const std::string& vector) {
    return answer_line(id, 200,
                       fmt::format(R"({{"data": [{{"index": 0, "embedding": {}}}],)"
                                   R"( "usage": {{"prompt_tokens": 100}}}})",
                                   vector));
}
inline std::string error_line(const std::string& id, int status) {
    return answer_line(id, status, fmt::format(R"({{"error": {{"message": "status {}"}}}})", status));
}

struct merge_fixture : ledger_fixture {
    boost::asio::io_context loop;
    manual_clock now{noon + 1000};
    enrichd::spool files{folder.path()};
    std::shared_ptr<fake_target> database = std::make_shared<fake_target>();
    enrichd::merger merger{*l, files, loop.get_executor()};
    run_settler settler{*l, files, now, loop.get_executor()};
    std::int64_t run = add_open_run();

    /// A job whose request file has a line for each part: its id.
    std::int64_t add_texts(const std::vector<asked_text>& texts, kind k = kind::embeddings) {
        auto p = plan(run, k);
        p.dimensions = k == kind::embeddings ? 3 : 0;
        p.max_line_bytes = 10'000;
        p.file_name = "r1-first.requests.jsonl";
        const auto id = l->jobs().create(p, job::goal::merged, noon);
        std::string lines;
        std::int64_t number = 0;
        for (std::size_t t = 0; t < texts.size(); ++t) {
            const auto first = number;
            for (std::uint32_t part = 0; part < texts[t].parts; ++part) {
                new_request r;
                r.number = number++;
                r.text = first;
                r.custom_id = id_of(t, part);
                r.hash = hash_of(t);
                r.input_tokens = 100;
                p.totals.input_tokens += 100;
                r.part = part;
                r.parts = texts[t].parts;
                if (k == kind::embeddings) r.chunk_tokens = {100};
                r.bound = cent;
                r.file_offset = lines.size();
                lines += r.custom_id + "\n";
                r.file_length = lines.size() - r.file_offset;
                p.totals.bound += cent;
                l->requests().add(id, r);
            }
            for (const auto& key : texts[t].keys)
                l->requests().add_row(id, p.target, k, {first, key, "openssl"});
        }
        p.totals.requests = static_cast<std::uint64_t>(number);
        p.file_sha256 = to_hex(sha256::of(lines));
        l->jobs().set_plan(id, p);
        write_file(files.request_file(p.file_name), lines);
        return id;
    }

    /// The batch has ended with this output, and the job is at its merge.
    void answer(std::int64_t id, const std::string& output, batch_status ended_as = batch_status::completed) {
        job::fetched f;
        f.submission = fmt::format("s{}", id);
        f.batch_id = fmt::format("batch_{}", id);
        f.ended_as = ended_as;
        f.has_output = true;
        f.next.lines = merger.slice_lines();
        write_file(files.results_file(f.batch_id), output);
        put(id, f);
    }

    /// The effect that is owed, performed; the daemon dies before it is recorded.
    effect_outcome merge_slice_and_die(std::int64_t id) {
        const auto row = job(id);
        auto owed = std::get<job::effect::merge>(next_effect(row.state, row.wishes));
        return wait(merger.merge(std::move(owed), row, database));
    }
    /// Turns until the job has ended.
    void merge(std::int64_t id) {
        merging world{merger, database};
        job_driver driver(*l, world, now, [] { return 0.5; });
        for (int turns = 0; turns < 20 && !job::has_ended(job(id).state); ++turns)
            wait(turn(driver, id));
        REQUIRE(job::has_ended(job(id).state));
    }
    void answer_and_merge(std::int64_t id, const std::string& output) {
        answer(id, output);
        merge(id);
    }

    /// True if all of the run's jobs have ended.
    bool settle() {
        const auto settled = wait(settler.settle(run));
        INFO((settled ? "" : settled.error().detail));
        REQUIRE(settled.has_value());
        return *settled;
    }
    /// The same, while `meanwhile` happens as soon as it waits for something.
    template <class F>
    bool settle_while(F meanwhile) {
        std::optional<bool> settled;
        boost::asio::co_spawn(loop, settler.settle(run), [&](std::exception_ptr thrown, result<bool> all) {
            if (!thrown && all) settled = *all;
        });
        boost::asio::post(loop, [&] {
            REQUIRE_FALSE(settled);
            meanwhile();
        });
        loop.restart();
        loop.run();
        REQUIRE(settled);
        return *settled;
    }
    /// The run's newest job.
    job_row newest() { return l->jobs().of_run(run).back(); }
    std::size_t jobs() { return l->jobs().of_run(run).size(); }
    outcome_tallies::counts rows_of(std::int64_t id) { return l->requests().tallies(id).rows; }

    template <class T>
    T wait(boost::asio::awaitable<T> a) {
        return enrichd::tests::await(loop, std::move(a));
    }

private:
    struct merging final : effects {
        merging(enrichd::merger& m, std::shared_ptr<target::database> into) : m_(m), into_(std::move(into)) {}
        boost::asio::awaitable<effect_outcome> perform(job::effect::any what, job_row row) override {
            return m_.merge(std::get<job::effect::merge>(std::move(what)), std::move(row), into_);
        }
        enrichd::merger& m_;
        std::shared_ptr<target::database> into_;
    };
    static boost::asio::awaitable<bool> turn(job_driver& driver, std::int64_t id) {
        co_await driver.take_turn(id);
        co_return true;
    }
};

} // namespace enrichd::test

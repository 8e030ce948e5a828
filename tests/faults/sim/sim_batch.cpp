// The life of a simulated batch: validated, worked on, ended in one of many ways, answered and billed.
// SPDX-License-Identifier: Apache-2.0
#include "core/batch_result.hpp"
#include "core/sha256.hpp"
#include "daemon/bill.hpp"
#include "tests/faults/sim/sim_provider.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <sstream>

namespace enrichd::faults {

namespace {

constexpr std::string_view marker_begin = "doc-";
constexpr std::size_t marker_length = 13; // "doc-00042-001"

// The whole usage of one request: less than any request of the simulation is projected at, though not by
// much.
token_usage usage_of(kind k, const std::string& marker) {
    const auto n = static_cast<std::int64_t>(marker.back() - '0');
    return {15 + n, 0, k == kind::summaries ? 160 + n : 0, 0};
}

std::string good_body(kind k, const std::string& marker) {
    const auto u = usage_of(k, marker);
    if (k == kind::summaries)
        return fmt::format(
            R"({{"choices":[{{"finish_reason":"stop","message":{{"content":"{}"}}}}],"usage":{{"prompt_tokens":{},"completion_tokens":{}}}}})",
            summary_of(marker), u.input_tokens, u.output_tokens);
    const auto v = embedding_of(marker);
    return fmt::format(
        R"({{"data":[{{"index":0,"embedding":[{},{},{},{}]}}],"usage":{{"prompt_tokens":{}}}}})", v[0], v[1],
        v[2], v[3], u.input_tokens);
}

std::string line_of(const std::string& id, int status, const std::string& body) {
    return fmt::format(R"({{"custom_id":"{}","response":{{"status_code":{},"body":{}}},"error":null}})"
                       "\n",
                       id, status, body);
}

std::string unran_line(const std::string& id, std::string_view code) {
    return fmt::format(
        R"({{"custom_id":"{}","response":null,"error":{{"code":"{}","message":"did not run"}}}})"
        "\n",
        id, code);
}

kind kind_of(const sim_batch& b) {
    return b.told.endpoint == endpoint(kind::summaries) ? kind::summaries : kind::embeddings;
}

} // namespace

std::string summary_of(const std::string& marker) {
    return "This is about " + marker + ".";
}

std::vector<float> embedding_of(const std::string& marker) {
    const auto digest = sha256{}.update(marker).finish();
    std::vector<float> v;
    double length = 0;
    for (std::size_t i = 0; i < sim_dimensions; ++i) {
        v.push_back(1 + static_cast<float>(digest[i]));
        length += static_cast<double>(v.back()) * static_cast<double>(v.back());
    }
    for (auto& x : v)
        x = static_cast<float>(x / std::sqrt(length));
    return v;
}

result<batch_object> sim_provider::make_batch(const provider::batch_order& order) {
    const auto file = files_.find(order.input_file_id);
    if (file == files_.end())
        return error{errc::provider_rejected, "Cannot find file " + order.input_file_id};
    sim_batch b;
    b.told.id = fmt::format("batch_{}", next_id_++);
    b.told.created_at = time_.now_ms() / 1000;
    b.told.input_file_id = order.input_file_id;
    b.told.endpoint = order.endpoint;
    b.told.metadata = order.metadata;
    std::istringstream lines(file->second.content);
    for (std::string line; std::getline(lines, line);) {
        b.tokens += static_cast<std::int64_t>(line.size()) / 4; // another count than ours
        const auto marker = line.find(marker_begin);
        b.requests.push_back({read_custom_id(line).value_or(""),
                              marker == std::string::npos ? "" : line.substr(marker, marker_length), false,
                              false});
    }
    plan_life(b);
    batches_.push_back(std::move(b));
    return tell(batches_.back());
}

void sim_provider::plan_life(sim_batch& b) {
    const auto now = time_.now_ms();
    const auto& f = scenario_.batches;
    const bool faulty = !calm();
    // Where any lag breaks the promise, most do: each is a second batch, or one that its job did not wait
    // for.
    const auto least_lag = scenario_.list_lag > promised_list_lag ? promised_list_lag : 0;
    b.listed_ms = now + (scenario_.list_lag > 0 ? chance_.number(least_lag, scenario_.list_lag) : 0);
    b.starts_ms = now + chance_.number(5 * second, 5 * minute);
    b.ends_ms = b.starts_ms + chance_.number(scenario_.batch_life / 10, scenario_.batch_life);
    b.settled_ms = b.ends_ms + chance_.number(second, 2 * minute);
    b.uncancellable = faulty && chance_.happens(f.uncancellable);
    const auto late = faulty && chance_.happens(f.files_late) ? chance_.number(minute, 6 * hour) : 0;
    if ((faulty && chance_.happens(f.queue_full)) || overfills_queue(b)) {
        b.ends_as = batch_status::failed;
        b.failure = "token_limit_exceeded";
    } else if (faulty && chance_.happens(f.fails)) {
        b.ends_as = batch_status::failed;
        b.failure = "invalid_json_line";
    } else if (faulty && chance_.happens(f.expires)) {
        b.ends_as = batch_status::expired;
        b.ends_ms = b.settled_ms = now + 24 * hour;
    } else if (faulty && chance_.happens(f.sticks)) {
        b.settled_ms = b.ends_ms + chance_.number(20 * hour, 60 * hour);
    }
    // Named before the daemon's deadline, up to which it promises to wait for them.
    b.files_ms = std::max(b.settled_ms, std::min(b.settled_ms + late, now + 25 * hour));
}

bool sim_provider::overfills_queue(const sim_batch& b) {
    if (scenario_.queue_tokens == 0) return false;
    auto sum = b.tokens;
    for (auto& other : batches_) {
        update(other);
        if (!other.finished && other.told.endpoint == b.told.endpoint) sum += other.tokens;
    }
    return sum > scenario_.queue_tokens;
}

// Brings it to where it stands now.
void sim_provider::update(sim_batch& b) {
    const auto now = time_.now_ms();
    if (b.finished) return;
    const auto all = b.requests.size();
    const auto done_by = [&](std::int64_t at) {
        if (at <= b.starts_ms) return std::size_t{0};
        const auto part =
            static_cast<double>(at - b.starts_ms) / static_cast<double>(b.ends_ms - b.starts_ms);
        return std::min(all, static_cast<std::size_t>(part * static_cast<double>(all)));
    };
    if (b.ends_as == batch_status::failed && now >= b.starts_ms) return finish(b, batch_status::failed, 0);
    if (b.cancel_ms && *b.cancel_ms < b.settled_ms && now >= *b.cancel_ms + 3 * minute)
        return finish(b, batch_status::cancelled, done_by(*b.cancel_ms));
    if (b.cancel_ms && *b.cancel_ms < b.settled_ms) return;
    if (now >= b.settled_ms)
        finish(b, b.ends_as, b.ends_as == batch_status::expired ? done_by(now) * 2 / 3 : all);
}

void sim_provider::finish(sim_batch& b, batch_status how, std::size_t ran) {
    b.finished = true;
    b.ends_as = how;
    if (how == batch_status::cancelled) b.files_ms = time_.now_ms();
    if (how == batch_status::failed) return;
    for (std::size_t i = 0; i < b.requests.size(); ++i) {
        if (i < ran) {
            answer(b, b.requests[i]);
        } else {
            ++b.failed;
            b.errors += unran_line(b.requests[i].custom_id,
                                   how == batch_status::expired ? "batch_expired" : "batch_cancelled");
        }
    }
    if (!b.output.empty()) b.told.output_file_id = store(b.told.id + "_output.jsonl", b.output);
    if (!b.errors.empty() && (calm() || !chance_.happens(scenario_.batches.no_error_file)))
        b.told.error_file_id = store(b.told.id + "_error.jsonl", b.errors);
    const auto k = kind_of(b);
    const auto model = models_.find(k == kind::summaries ? "gpt-4o-mini" : "text-embedding-3-small", k);
    b.billed = cost(b.usage, model.value().batch);
}

void sim_provider::answer(sim_batch& b, sim_request& r) {
    const auto& f = scenario_.batches;
    const auto k = kind_of(b);
    if (!calm() && chance_.happens(f.line_error)) {
        ++b.failed;
        b.errors +=
            line_of(r.custom_id, chance_.one_in(2) ? 429 : 500, R"({"error":{"message":"overloaded"}})");
        return;
    }
    if (!calm() && chance_.happens(f.line_refused)) {
        ++b.failed;
        b.errors += line_of(r.custom_id, 400, R"({"error":{"message":"bad request"}})");
        return;
    }
    ++b.completed;
    r.billed = true;
    b.usage += usage_of(k, r.marker);
    if (!calm() && chance_.happens(f.line_missing)) return;
    auto line = line_of(r.custom_id, 200, good_body(k, r.marker));
    if (!calm() && chance_.happens(f.line_garbled)) {
        b.output += line.substr(0, line.size() / 2) + "\n";
        return;
    }
    r.answered = true;
    b.output += line;
    if (!calm() && chance_.happens(f.line_twice)) b.output += line;
}

batch_object sim_provider::tell(sim_batch& b) {
    update(b);
    const auto now = time_.now_ms();
    auto t = b.told;
    t.total = static_cast<std::int64_t>(b.requests.size());
    if (!b.finished) {
        t.status = now < b.starts_ms ? batch_status::validating
                   : now < b.ends_ms ? batch_status::in_progress
                                     : batch_status::finalizing;
        if (b.cancel_ms) t.status = batch_status::cancelling;
        t.output_file_id.reset();
        t.error_file_id.reset();
    } else {
        t.status = b.ends_as;
        t.completed = b.completed;
        t.failed = b.failed;
        if (now < b.files_ms) {
            t.output_file_id.reset();
            t.error_file_id.reset();
        }
        if (scenario_.tells_usage) t.usage = b.usage;
        if (b.ends_as == batch_status::failed) t.errors = {{b.failure, "simulated", std::nullopt}};
        if (b.failure == "token_limit_exceeded" && scenario_.queue_tokens > 0)
            t.errors.front().message = fmt::format("Enqueued token limit reached. Limit: {} enqueued tokens.",
                                                   scenario_.queue_tokens);
    }
    t.status_word = name(t.status);
    return t;
}

} // namespace enrichd::faults

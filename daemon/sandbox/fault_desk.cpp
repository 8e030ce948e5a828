// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/fault_desk.hpp"

#include "daemon/sandbox/words.hpp"

#include <algorithm>

namespace enrichd::sandbox {

namespace {

bool counted(const occurrence& when, std::uint64_t number, std::uint64_t hits) {
    if (when.times > 0 && hits >= when.times) return false;
    if (!when.nth.empty() && std::find(when.nth.begin(), when.nth.end(), number) == when.nth.end())
        return false;
    return when.every == 0 || number % when.every == 0;
}

// 53 bits of a hash as a number from 0 to 1.
double fraction_of(std::uint64_t hash) {
    return static_cast<double>(hash >> 11) * 0x1.0p-53;
}

} // namespace

fault_desk::fault_desk(scenario s, std::uint64_t seed)
    : scenario_(std::make_shared<scenario>(std::move(s))),
      dice_(scenario_->seed ? scenario_->seed : seed),
      calls_(scenario_->calls.size()),
      batches_(scenario_->batches.size()) {}

bool fault_desk::hit(const occurrence& when, tally& t) {
    ++t.seen;
    if (!counted(when, t.seen, t.hits)) return false;
    if (when.probability < 1 && fraction_of(dice_()) >= when.probability) return false;
    ++t.hits;
    return true;
}

call_fault fault_desk::on_call(operation o) {
    call_fault out;
    for (std::size_t i = 0; i < calls_.size(); ++i) {
        const auto& rule = scenario_->calls[i];
        if (rule.on != o || !hit(rule.when, calls_[i])) continue;
        switch (rule.what) {
        case call_action::delay: out.delay_seconds += rule.seconds; break;
        case call_action::slow: out.bytes_per_second = rule.bytes; break;
        case call_action::cut: out.cut_after = rule.bytes; break;
        case call_action::no_range: out.no_range = true; break;
        case call_action::other_file: out.other_file = true; break;
        case call_action::status:
        case call_action::drop:
            if (!out.failure) out.failure = rule;
            break;
        }
    }
    return out;
}

void fault_desk::on_batch(batch_record& b) {
    b.in_scenario = ++created_;
    b.rule_hits.assign(scenario_->lines.size(), 0);
    for (std::size_t i = 0; i < batches_.size(); ++i) {
        const auto& rule = scenario_->batches[i];
        if (!rule.endpoint.empty() && rule.endpoint != b.endpoint) continue;
        if (!hit(rule.when, batches_[i])) continue;
        auto& f = b.faults;
        switch (rule.what) {
        case batch_action::fail:
            f.fail_code = rule.code;
            f.fail_message = rule.message;
            break;
        case batch_action::expire: f.expire_at = rule.fraction; break;
        case batch_action::cancel: f.cancel_at = rule.fraction; break;
        case batch_action::never_finish: f.stall_at = rule.fraction; break;
        case batch_action::seconds: f.seconds = rule.seconds; break;
        case batch_action::list_lag:
            f.hidden_ms = static_cast<std::int64_t>(rule.seconds * 1000);
            f.hidden_calls = static_cast<std::int64_t>(rule.calls);
            break;
        case batch_action::reorder: f.reorder = true; break;
        case batch_action::null_output_file: f.null_output_file = true; break;
        case batch_action::empty_error_file_id: f.empty_error_file_id = true; break;
        }
    }
}

const line_rule* line_fault(const scenario& s, const line_place& line, std::vector<std::uint64_t>& hits) {
    hits.resize(s.lines.size()); // another scenario may have come into force since the batch began
    for (std::size_t i = 0; i < s.lines.size(); ++i) {
        const auto& rule = s.lines[i];
        if (!rule.endpoint.empty() && rule.endpoint != line.batch.endpoint) continue;
        const auto batch = static_cast<std::uint64_t>(line.batch.in_scenario);
        if (!rule.batches.empty() &&
            std::find(rule.batches.begin(), rule.batches.end(), batch) == rule.batches.end())
            continue;
        if (!rule.custom_id.empty() && rule.custom_id != line.custom_id) continue;
        if (!rule.contains.empty() && line.text.find(rule.contains) == std::string_view::npos) continue;
        if (!counted(rule.when, line.number, hits[i])) continue;
        const auto seed = s.seed * 1'000'003 + static_cast<std::uint64_t>(line.batch.ordinal) * 1009 + i;
        if (rule.when.probability < 1 && fraction_of(hash_of(line.custom_id, seed)) >= rule.when.probability)
            continue;
        ++hits[i];
        return &rule;
    }
    return nullptr;
}

} // namespace enrichd::sandbox

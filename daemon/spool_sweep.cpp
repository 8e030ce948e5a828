// SPDX-License-Identifier: Apache-2.0
#include "daemon/spool_sweep.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace enrichd {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view adopted = "adopted-";
constexpr std::string_view requests = ".requests.jsonl";

enum class leftover { no, at_once, when_old };

// A run that has ended makes no copies any more. One that this ledger does not know may be of a later life of
// it, which somebody puts back.
leftover judge_requests(ledger& l, std::string_view name) {
    if (name.starts_with(adopted)) {
        name.remove_prefix(adopted.size());
        name.remove_suffix(requests.size());
        return l.jobs().find_batch(std::string(name)) ? leftover::no : leftover::at_once;
    }
    const auto id = parse_run_name(name.substr(0, name.find('-')));
    if (!id) return leftover::no;
    const auto run = l.runs().find(*id);
    if (!run) return leftover::when_old;
    return run::has_ended(run->state) ? leftover::at_once : leftover::no;
}

leftover judge(ledger& l, std::string_view name) {
    if (name.ends_with(requests)) return judge_requests(l, name);
    const bool results = name.ends_with(".results.jsonl") || name.ends_with(".errors.jsonl");
    return results ? leftover::when_old : leftover::no;
}

std::int64_t age_ms(const fs::path& file, std::int64_t now_ms) {
    std::error_code gone;
    const auto written = fs::last_write_time(file, gone);
    if (gone) return 0;
    const auto since_1970 = std::chrono::file_clock::to_sys(written).time_since_epoch();
    return now_ms - std::chrono::duration_cast<std::chrono::milliseconds>(since_1970).count();
}

std::set<std::string> names_of_jobs(ledger& l, const spool& s) {
    std::set<std::string> names;
    for (const auto& [file_name, batch_id] : l.files_of_jobs()) {
        names.insert(file_name);
        if (!batch_id) continue;
        names.insert(s.results_file(*batch_id).filename().string());
        names.insert(s.errors_file(*batch_id).filename().string());
    }
    return names;
}

} // namespace

std::size_t sweep_spool(ledger& l, const spool& s, std::int64_t now_ms, std::int64_t retention_ms) {
    std::vector<fs::path> candidates;
    std::error_code ec;
    for (const auto& entry : fs::directory_iterator(s.batch_folder(), ec)) {
        const auto verdict = judge(l, entry.path().filename().string());
        if (verdict == leftover::at_once ||
            (verdict == leftover::when_old && age_ms(entry.path(), now_ms) > retention_ms))
            candidates.push_back(entry.path());
    }
    if (candidates.empty()) return 0;
    const auto needed = names_of_jobs(l, s);
    std::size_t deleted = 0;
    for (const auto& file : candidates)
        if (!needed.contains(file.filename().string()) && fs::remove(file, ec)) ++deleted;
    return deleted;
}

} // namespace enrichd

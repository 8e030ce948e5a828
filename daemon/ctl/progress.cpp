// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "daemon/ctl/text.hpp"

namespace enrichd::ctl {

namespace {

constexpr std::size_t bar_width = 24;

std::string bar(double part) {
    const auto full = static_cast<std::size_t>(std::clamp(part, 0.0, 1.0) * bar_width);
    return "[" + std::string(full, '#') + std::string(bar_width - full, '.') + "]";
}

double part_of(std::int64_t done, std::int64_t all) {
    return all > 0 ? static_cast<double>(done) / static_cast<double>(all) : 0;
}

// "2 polling, 1 merged"
std::string stages(const std::vector<job_view>& jobs) {
    std::vector<std::pair<std::string, int>> counts;
    for (const auto& j : jobs) {
        const auto stage = j.stage();
        const auto at =
            std::find_if(counts.begin(), counts.end(), [&](const auto& c) { return c.first == stage; });
        if (at == counts.end())
            counts.emplace_back(stage, 1);
        else
            ++at->second;
    }
    std::string out;
    for (const auto& [stage, n] : counts)
        out += fmt::format("{}{} {}", out.empty() ? "" : ", ", n, stage);
    return out;
}

// What stands in the way, if anything does.
std::string obstacle(const job_view& j) {
    if (j.blocked) return fmt::format("; job {} waits: {}", j.id, one_line(j.blocked->message));
    return {};
}

} // namespace

void progress::show(const run_view& run) {
    if (run.is_building()) {
        const auto seen = run.rows.find("seen");
        const auto waits = run.waiting_for.empty() ? "" : "; waits: " + one_line(run.waiting_for);
        draw(fmt::format("run {} {}: {} read, {}{}", run.id, run.state,
                         counted(seen == run.rows.end() ? 0 : seen->second, "row"),
                         counted(run.requests, "request"), waits),
             -1);
        return;
    }
    std::string waits;
    for (const auto& j : run.jobs)
        if (waits.empty()) waits = obstacle(j);
    tell(waits);
    draw(fmt::format("run {} {}: {}; jobs: {}; spent {}{}", run.id, run.state, requests_of(run),
                     run.jobs.empty() ? "none" : stages(run.jobs), dollars(run.spent_usd), waits),
         part_of(ended_requests(run), run.requests));
}

void progress::show(const job_view& job) {
    const auto at_provider =
        job.batch_status.empty() ? std::string() : fmt::format(" ({})", escape(job.batch_status));
    const auto id = job.batch_id.empty() ? "job " + job.id : job.batch_id;
    draw(fmt::format("{} {}{}: {}{}", escape(id), job.state, at_provider, requests_of(job), obstacle(job)),
         part_of(job.ended(), job.requests));
}

void progress::draw(const std::string& what, double part) {
    if (silent_) return;
    if (term_.live) {
        const auto text = part < 0 ? what : bar(part) + " " + what;
        fmt::print(stderr, "\r\x1b[2K{}", cut(text, std::max<std::size_t>(term_.live_columns(), 2) - 1));
        drawn_ = true;
    } else if (what != last_) {
        fmt::print(stderr, "{}\n", what);
        last_ = what;
    }
    std::fflush(stderr);
}

// A terminal's line has no room for it at its end.
void progress::tell(const std::string& obstacle) {
    if (silent_ || !term_.live || obstacle == obstacle_) return;
    obstacle_ = obstacle;
    if (!obstacle.empty()) note(obstacle.substr(2));
}

void progress::note(const std::string& text) {
    clear();
    fmt::print(stderr, "{}\n", text);
    std::fflush(stderr);
}

void progress::clear() {
    if (!drawn_) return;
    fmt::print(stderr, "\r\x1b[2K");
    std::fflush(stderr);
    drawn_ = false;
}

} // namespace enrichd::ctl

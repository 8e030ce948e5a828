// SPDX-License-Identifier: Apache-2.0
#include "core/report.hpp"

#include "core/iso_time.hpp"
#include "core/json_edge.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

namespace enrichd {

namespace {

constexpr std::size_t longest_text = 200; // characters of anything from outside

// Text from outside: one line of plain characters, and no markup.
std::string plain(std::string_view text) {
    static constexpr std::string_view special = "\\`*_[]<>|&~";
    const auto safe = safe_excerpt(text, longest_text);
    const auto is_word = [&](std::size_t at) {
        return at < safe.size() && std::isalnum(static_cast<unsigned char>(safe[at])) != 0;
    };
    std::string escaped;
    for (std::size_t i = 0; i < safe.size(); ++i) {
        // An underscore inside a word is none: ids stay readable.
        const bool inside = safe[i] == '_' && i > 0 && is_word(i - 1) && is_word(i + 1);
        if (!inside && special.find(safe[i]) != std::string_view::npos) escaped += '\\';
        escaped += safe[i];
    }
    return escaped;
}

// 1,234,567
std::string grouped(std::int64_t n) {
    auto digits = std::to_string(n);
    for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > (n < 0 ? 1 : 0); at -= 3)
        digits.insert(static_cast<std::size_t>(at), 1, ',');
    return digits;
}
std::string grouped(std::uint64_t n) {
    return grouped(static_cast<std::int64_t>(n));
}

std::string duration(const std::optional<std::int64_t>& ms) {
    if (!ms) return "-";
    if (*ms < 60'000) return fmt::format("{:.1f} s", static_cast<double>(*ms) / 1000);
    const auto minutes = *ms / 60'000;
    if (minutes < 60) return fmt::format("{} min {:02} s", minutes, *ms / 1000 % 60);
    return fmt::format("{} h {:02} min", minutes / 60, minutes % 60);
}

std::string order_text(const report_facts& f) {
    std::vector<std::string> kinds;
    kinds.reserve(f.order.kinds.size());
    for (const auto k : f.order.kinds)
        kinds.emplace_back(name(k));
    auto text = fmt::format("{}", fmt::join(kinds, ", "));
    if (f.order.since_ms) text += fmt::format("; dated {} or later", format_iso_time(*f.order.since_ms));
    if (f.order.limit) text += fmt::format("; at most {} rows of each kind", grouped(*f.order.limit));
    if (f.order.refresh_legacy) text += "; rows of the original module too";
    if (f.order.authorities.empty()) return text;
    std::vector<std::string> authorities;
    authorities.reserve(f.order.authorities.size());
    for (const auto& a : f.order.authorities)
        authorities.push_back(plain(a));
    return text + fmt::format("; authorities {}", fmt::join(authorities, ", "));
}

std::string head(const report_facts& f) {
    return fmt::format(
        "# Enrichment report: run {}\n\n"
        "| | |\n| --- | --- |\n"
        "| Command | {} |\n| State | {} |\n| Started | {} |\n| Ended | {} |\n| Duration | {} |\n"
        "| Order | {} |\n| Budget | {} (profile {}) |\n| enrichd | {} |\n\n",
        f.run, f.command, f.state, format_iso_time(f.started_ms), format_iso_time(f.written_ms),
        duration(f.written_ms - f.started_ms), order_text(f), display_dollars(f.limit),
        plain(f.order.profile), plain(f.program_version));
}

std::string money_table(const report_facts& f) {
    std::string text =
        "## Tokens and money\n\n"
        "Projected is an upper bound: exact input tokens, and the output cap. Actual is what the provider "
        "counted.\n\n"
        "| Kind | Model | Requests | Input projected | Input actual | Output at most | Output actual | "
        "Projected | Actual |\n"
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n";
    for (const auto& k : f.kinds)
        text += fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} | {} |\n", name(k.built.kind),
                            plain(k.built.model), grouped(k.built.totals.requests),
                            grouped(k.built.totals.input_tokens), grouped(k.used.input_tokens),
                            grouped(k.built.totals.output_cap), grouped(k.used.output_tokens),
                            display_dollars(k.built.totals.bound), display_dollars(k.actual));
    return text + fmt::format("| **Total** | | | | | | | **{}** | **{}** |\n\n",
                              display_dollars(projected(f)), display_dollars(actual(f)));
}

std::string skipped_table(const row_counts& r) {
    const std::pair<const char*, std::int64_t> reasons[] = {
        {"done already", r.done},          {"done by the original module", r.legacy},
        {"another version, kept", r.kept}, {"no text", r.no_text},
        {"too short", r.too_short},        {"in flight in another job", r.in_flight},
        {"quarantined", r.quarantined},
    };
    std::string text = "| Skipped before building | Rows |\n| --- | ---: |\n";
    for (const auto& [reason, n] : reasons)
        text += fmt::format("| {} | {} |\n", reason, grouped(n));
    return text + "\n";
}

std::string outcome_table(const report_kind& k) {
    std::string text = "| Outcome | Rows |\n| --- | ---: |\n";
    for (const auto how : all_outcomes) {
        const auto it = k.rows.find(how);
        text += fmt::format("| {} | {} |\n", name(how), grouped(it == k.rows.end() ? 0 : it->second));
    }
    if (k.open_rows > 0) text += fmt::format("| not ended | {} |\n", grouped(k.open_rows));
    return text + "\n";
}

std::string kind_section(const report_kind& k) {
    const auto updated = k.rows.find(outcome::ok);
    auto text =
        fmt::format("## {}: {}\n\nValue version {}. {} rows seen, {} selected, {} updated.\n",
                    k.built.kind == kind::summaries ? "Summaries" : "Embeddings", plain(k.built.model),
                    plain(k.built.version), grouped(k.built.rows.seen), grouped(k.built.rows.selected),
                    grouped(updated == k.rows.end() ? 0 : updated->second));
    if (k.built.rows.identical > 0)
        text += fmt::format("{} rows had the text of another row and cost nothing.\n",
                            grouped(k.built.rows.identical));
    if (k.built.replaced_texts > 0)
        text += fmt::format("{} texts held invalid UTF-8, which was sent as U+FFFD.\n",
                            grouped(k.built.replaced_texts));
    if (k.resent > 0) text += fmt::format("{} requests were sent again.\n", grouped(k.resent));
    if (k.unsent > 0)
        text += fmt::format("{} requests were worth another try that the budget did not cover.\n",
                            grouped(k.unsent));
    for (const auto& warning : k.built.warnings)
        text += fmt::format("\nWarning: {}\n", plain(warning));
    return text + "\n" + outcome_table(k) + skipped_table(k.built.rows);
}

std::string job_table(const report_facts& f) {
    if (f.jobs.empty()) return "## Jobs\n\nNone: there was nothing to do.\n\n";
    std::string text = "## Jobs\n\n"
                       "| Job | Kind | Try | State | Batch | Ended as | Requests | Projected | Actual | "
                       "Queue | Run | Merge |\n"
                       "| --- | --- | ---: | --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n";
    std::int64_t strays = 0;
    for (const auto& j : f.jobs) {
        text += fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |\n", j.id,
                            name(j.kind), j.attempt, j.state, plain(j.batch_id), plain(j.batch_status),
                            grouped(j.requests), display_dollars(j.bound), display_dollars(j.actual),
                            duration(j.queue_ms), duration(j.run_ms), duration(j.merge_ms));
        strays += j.strays;
    }
    if (strays > 0)
        text += fmt::format("\n{} result lines answered no open request of ours, and were left alone.\n",
                            grouped(strays));
    return text + "\n";
}

std::string twin_table(const report_facts& f) {
    std::string rows;
    for (const auto& j : f.jobs)
        for (const auto& t : j.twins)
            rows += fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |\n", j.id, plain(t.batch_id),
                                plain(t.batch_status), grouped(t.completed), grouped(t.used.input_tokens),
                                grouped(t.used.output_tokens), t.ended ? display_dollars(t.actual) : "-",
                                t.unproven > money{} ? display_dollars(t.unproven) : "-");
    if (rows.empty()) return {};
    return "## Second batches\n\n"
           "Made of a job's requests beside its own batch, and cancelled when they were found. What they did "
           "is paid for and part of their job's cost, and written to no row. Not proven: what one may have "
           "cost at most, where the provider tells no tokens.\n\n"
           "| Job | Batch | Ended as | Requests done | Input | Output | Actual | Not proven |\n"
           "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |\n" +
           rows + "\n";
}

std::string cause_table(const report_facts& f) {
    if (f.causes.empty()) return "## Errors by cause\n\nNone.\n";
    std::string text =
        "## Errors by cause\n\nRequests, each try counted; with the key of a row that is concerned.\n\n"
        "| Kind | Outcome | Status | Requests | Reason | Row |\n"
        "| --- | --- | ---: | ---: | --- | --- |\n";
    for (const auto& c : f.causes)
        text += fmt::format("| {} | {} | {} | {} | {} | {} |\n", name(c.kind), name(c.how),
                            c.http_status == 0 ? "-" : std::to_string(c.http_status), grouped(c.count),
                            plain(c.reason), plain(c.sample_key));
    if (f.causes_left_out > 0)
        text += fmt::format("\n{} more causes are not listed.\n", grouped(f.causes_left_out));
    return text;
}

} // namespace

std::string report_markdown(const report_facts& f) {
    auto text = head(f) + money_table(f);
    for (const auto& k : f.kinds)
        text += kind_section(k);
    return text + job_table(f) + twin_table(f) + cause_table(f);
}

} // namespace enrichd

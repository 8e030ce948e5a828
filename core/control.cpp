// SPDX-License-Identifier: Apache-2.0
#include "core/control.hpp"

#include <algorithm>
#include <cassert>

namespace enrichd {

namespace {

using a_flag = flag_id;

const std::vector<flag_id> order_flags = {a_flag::kind,   a_flag::since,   a_flag::limit,
                                          a_flag::budget, a_flag::profile, a_flag::authorities,
                                          a_flag::refresh};

std::vector<flag_id> order_and(std::initializer_list<flag_id> more) {
    auto all = order_flags;
    all.insert(all.end(), more);
    return all;
}

const operand nothing = {};
const operand a_job = {"JOB", "a job's id, or a batch's", true};
const operand an_id = {"ID", "a job's id, or a batch's"};
const operand an_id_or_run = {"ID", "a job's id, a batch's, or a run's"};

std::vector<command> make_commands() {
    using c = command_id;
    using r = route_id;
    return {
        {c::run,
         "run",
         "Enrich what needs it: build, check the budget, submit, poll, merge, report",
         nothing,
         order_and({a_flag::mode, a_flag::automatic, a_flag::wait, a_flag::timeout}),
         {},
         r::start_run,
         "enrichctl run --auto --wait"},
        {c::plan,
         "plan",
         "Show what a run would do and cost; sends nothing",
         nothing,
         order_flags,
         {},
         r::plan,
         "enrichctl plan --since 2025-07-01"},
        {c::status,
         "status",
         "Show the daemon, or one batch, job or run",
         an_id_or_run,
         {a_flag::batch_id},
         {},
         r::status,
         "enrichctl status"},
        {c::jobs,
         "jobs",
         "List jobs",
         nothing,
         {a_flag::run, a_flag::all},
         {},
         r::jobs,
         "enrichctl jobs --all"},
        {c::job,
         "job",
         "Show one job: its life, why it waits, what is next",
         a_job,
         {a_flag::out},
         {},
         r::job,
         "enrichctl job 7"},
        {c::build,
         "build",
         "Build request files and show their cost; sends nothing",
         nothing,
         order_and({a_flag::out, a_flag::timeout}),
         {a_flag::kind},
         r::build,
         "enrichctl build --kind summaries --limit 100 --out data/batch/test.jsonl --budget 1.0"},
        {c::submit,
         "submit",
         "Send what was built",
         nothing,
         {a_flag::kind, a_flag::input, a_flag::budget, a_flag::no_wait, a_flag::timeout},
         {a_flag::kind, a_flag::input},
         r::submit,
         "enrichctl submit --kind summaries --input data/batch/test.jsonl"},
        {c::poll,
         "poll",
         "Wait until a batch has ended, or a run",
         an_id_or_run,
         {a_flag::batch_id, a_flag::no_wait, a_flag::timeout},
         {},
         r::poll,
         "enrichctl poll --batch-id batch_abc123"},
        {c::merge,
         "merge",
         "Write a batch's results into the rows",
         an_id,
         {a_flag::kind, a_flag::batch_id, a_flag::timeout},
         {},
         r::merge,
         "enrichctl merge --kind summaries --batch-id batch_abc123"},
        {c::cancel,
         "cancel",
         "Cancel a batch, a job or a whole run; what was done by then is still merged",
         an_id_or_run,
         {a_flag::batch_id, a_flag::abandon},
         {},
         r::cancel,
         "enrichctl cancel --batch-id batch_abc123"},
        {c::discard,
         "discard",
         "Drop a job that was built and never sent",
         a_job,
         {},
         {},
         r::discard,
         "enrichctl discard 7"},
        {c::retry,
         "retry",
         "Let a job that waits for the world try again now",
         a_job,
         {},
         {},
         r::retry,
         "enrichctl retry 7"},
        {c::resolve,
         "resolve",
         "Say what became of a submission that the provider may or may not have taken",
         a_job,
         {a_flag::adopt, a_flag::resubmit},
         {},
         r::resolve,
         "enrichctl resolve 7 --adopt batch_abc123"},
        {c::pause,
         "pause",
         "Submit nothing new; polling and merging go on",
         nothing,
         {},
         {},
         r::pause,
         "enrichctl pause"},
        {c::resume, "resume", "Submit again", nothing, {}, {}, r::resume, "enrichctl resume"},
        {c::quarantine_list,
         "quarantine list",
         "List rows that used up their tries",
         nothing,
         {},
         {},
         r::quarantine,
         "enrichctl quarantine list"},
        {c::quarantine_release,
         "quarantine release",
         "Let the next run take quarantined rows again",
         {"KEY", "keys of rows", false, true},
         {a_flag::all},
         {},
         r::release,
         "enrichctl quarantine release e-17"},
        {c::adopt,
         "adopt",
         "Show batches at the provider that the ledger does not know, or take them into it",
         {"BATCH", "the provider's id of a batch"},
         {a_flag::all, a_flag::leave},
         {},
         r::adoptable,
         "enrichctl adopt --all"},
        {c::budget,
         "budget",
         "Show what was spent, is reserved and may still be, by day and limit; or all bookings",
         nothing,
         {a_flag::csv, a_flag::out},
         {},
         r::budget,
         "enrichctl budget"},
        {c::report,
         "report",
         "Print the newest report, or a run's",
         nothing,
         {a_flag::run, a_flag::out},
         {},
         r::report,
         "enrichctl report --out enrichment_report.md"},
        {c::migrate,
         "migrate",
         "Add the columns to the target that enrichment needs",
         nothing,
         {a_flag::plan},
         {},
         r::migrate,
         "enrichctl migrate --plan"},
        {c::backup,
         "backup",
         "Write a copy of the ledger, as it is at one moment; work goes on meanwhile",
         nothing,
         {a_flag::out},
         {a_flag::out},
         r::ledger,
         "enrichctl backup --out enrichd-ledger.db"},
        {c::verify,
         "verify",
         "Check that the ledger is sound and its books add up; changes nothing",
         nothing,
         {},
         {},
         r::verification,
         "enrichctl verify"},
        {c::tokens,
         "tokens",
         "Count the tokens of a text; needs no daemon",
         {"FILE", "a file, or - for standard input", true},
         {a_flag::encoding, a_flag::model, a_flag::jsonl},
         {},
         std::nullopt,
         "enrichctl tokens --model gpt-4o-mini README.md"},
        {c::version,
         "version",
         "Print the versions of this program and of the daemon",
         nothing,
         {},
         {},
         r::version,
         "enrichctl version"},
    };
}

} // namespace

std::span<const command> commands() {
    static const auto table = make_commands();
    return table;
}

const command& find_command(command_id id) {
    const auto all = commands();
    const auto found = std::find_if(all.begin(), all.end(), [&](const command& x) { return x.id == id; });
    assert(found != all.end());
    return *found;
}

// Where a flag does something else than elsewhere.
std::string_view meaning_of(const command& c, flag_id id) {
    using k = command_id;
    const auto is = [&](command_id command, flag_id flag) { return c.id == command && id == flag; };
    if (is(k::build, a_flag::kind)) return "summaries or embeddings: one of them";
    if (is(k::submit, a_flag::kind)) return "what the file holds; another kind is exit 7";
    if (is(k::merge, a_flag::kind))
        return "what the batch is to hold; another kind is exit 7, and nothing is merged";
    if (is(k::submit, a_flag::budget)) return "spend less than the build's budget on this set";
    if (is(k::jobs, a_flag::run)) return "the jobs of this run, ended or not";
    if (is(k::report, a_flag::run)) return "the report of this run (r12, or latest) instead of the newest";
    if (is(k::jobs, a_flag::all)) return "the ended jobs too";
    if (is(k::quarantine_release, a_flag::all)) return "every quarantined row";
    if (is(k::adopt, a_flag::all)) return "every batch that can be adopted, newest first";
    if (is(k::report, a_flag::out)) return "write it to this file (- is standard output); folders are made";
    if (is(k::budget, a_flag::out)) return "with --csv: write it to this file; folders are made";
    if (is(k::backup, a_flag::out))
        return "the copy; what was there is replaced once it is whole (- is standard output)";
    if (is(k::job, a_flag::out))
        return "write a copy of its request file here, as build does (- is standard output)";
    if (is(k::submit, a_flag::no_wait)) return "do not stay until the provider has taken the batch";
    if (is(k::poll, a_flag::no_wait)) return "look once";
    return find_flag(id).meaning;
}

bool needs_operator(const command& c) {
    return c.calls && find_route(*c.calls).needs == access::operate;
}

} // namespace enrichd

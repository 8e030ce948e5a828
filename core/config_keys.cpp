// SPDX-License-Identifier: Apache-2.0
#include "core/config_keys.hpp"

#include "core/config_values.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace enrichd {

namespace {

using keys = std::vector<config_key>;

void add_places(keys& k) {
    k.push_back(text_key("provider.base_url", [](config& c) -> std::string& { return c.provider.base_url; },
                         {.expected = "a URL that begins with https:// (http:// for this machine alone)",
                          .meaning = "Where the provider's API is.",
                          .environment = {"OPENAI_BASE_URL"},
                          .valid = is_provider_url,
                          .secret = true}));
    k.push_back(text_key("provider.api_key_file",
                         [](config& c) -> std::string& { return c.provider.api_key_file; },
                         {.expected = "a path",
                          .default_text = "systemd's credential openai-api-key, else OPENAI_API_KEY",
                          .meaning = "A file that holds the API key and nothing else."}));
    k.push_back(text_key("provider.api_key", [](config& c) -> std::string& { return c.provider.api_key; },
                         {.expected = "printable characters without spaces",
                          .default_text = "none",
                          .meaning = "The API key itself, never in the configuration file.",
                          .environment = {"OPENAI_API_KEY"},
                          .valid = is_token,
                          .secret = true,
                          .in_file = false}));
    k.push_back(text_key("provider.ca_file", [](config& c) -> std::string& { return c.provider.ca_file; },
                         {.expected = "a path",
                          .default_text = "none",
                          .meaning = "Certificates (PEM) that are trusted besides the system's."}));
    k.push_back(text_key("provider.completion_window",
                         [](config& c) -> std::string& { return c.provider.completion_window; },
                         {.expected = "hours or days, such as \"24h\"",
                          .meaning = "How long the provider may take for a batch.",
                          .environment = {"BATCH_COMPLETION_WINDOW"},
                          .valid = is_window}));
    k.push_back(switch_key(
        "provider.delete_results_after_merge", [](config& c) -> bool& { return c.provider.delete_results; },
        {.meaning = "Whether output and error files are deleted at the provider once their merge is durable; "
                    "otherwise it lets them expire. The copies here stay for state.retention_days."}));
    k.push_back(text_key("database.url", [](config& c) -> std::string& { return c.database_url; },
                         {.expected = "postgresql://... or sqlite:PATH",
                          .default_text = "a SQLite file in the state directory",
                          .meaning = "The target: the database whose rows are enriched.",
                          .environment = {"ENRICHD_DATABASE_URL", "NEON_DATABASE_URL", "DATABASE_URL"},
                          .valid = is_database_url,
                          .secret = true}));
    k.push_back(
        text_key("database.name", [](config& c) -> std::string& { return c.database_name; },
                 {.expected = "at most 500 printable characters",
                  .default_text = "its address, as enrichctl status shows it before the table",
                  .meaning = "What the ledger knows the database by. Results are merged into the target "
                             "that their rows came from and into no other: where the same database "
                             "has moved to another address, its old name goes here.",
                  .valid = is_printable}));
    k.push_back(text_key("state.directory", [](config& c) -> std::string& { return c.state_directory; },
                         {.expected = "a path",
                          .default_text = "/var/lib/enrichd; without root ~/.local/state/enrichd",
                          .meaning = "Where the ledger, the request and result files and the reports are."}));
    k.push_back(count_key<std::uint32_t>(
        "state.retention_days", [](config& c) -> std::uint32_t& { return c.retention_days; }, 1, 3650,
        {.meaning = "How long request and result files of ended jobs are kept."}));
    k.push_back(
        text_key("control.socket", [](config& c) -> std::string& { return c.control_socket; },
                 {.expected = "a path of at most 107 bytes",
                  .default_text = "/run/enrichd/enrichd.sock; without root $XDG_RUNTIME_DIR/enrichd.sock, "
                                  "else enrichd.sock in the state directory",
                  .meaning = "The Unix socket that enrichctl talks to.",
                  .environment = {"ENRICHD_SOCKET"},
                  .valid = is_socket_path}));
}

void add_pace(keys& k) {
    k.push_back(seconds_key(
        "poll.first_seconds", [](config& c) -> double& { return c.poll.first_seconds; }, 0.05, 3600,
        {.meaning = "The wait before the first look at a batch, and the shortest between two."}));
    k.push_back(
        seconds_key("poll.max_seconds", [](config& c) -> double& { return c.poll.max_seconds; }, 0.05, 3600,
                    {.meaning = "The longest wait between two looks; not below poll.first_seconds."}));
    k.push_back(seconds_key(
        "poll.deadline_hours", [](config& c) -> double& { return c.poll.deadline_hours; }, 0.0001, 720,
        {.meaning = "After this time, by the provider's created_at, a batch is cancelled; what it "
                    "did is still merged."}));
    k.push_back(seconds_list_key(
        "submit.reconcile_seconds",
        [](config& c) -> std::vector<double>& { return c.submit.reconcile_seconds; }, 0.05, 86400,
        {.meaning = "The waits between looks at the provider's list after an ambiguous answer."}));
    k.push_back(flag_key(
        "submit.submit_unknown", [](config& c) -> bool& { return c.submit.hold_unknown; }, "reconcile",
        "hold",
        {.meaning =
             "What follows the last of these looks, if none found the batch: it is sent again under the same "
             "submission, or it waits for `enrichctl resolve`."}));
    k.push_back(count_key<std::uint64_t>(
        "batch.max_requests", [](config& c) -> std::uint64_t& { return c.batch.max_requests; }, 1, 50'000,
        {.meaning = "Requests of one file, at most; more make further files.",
         .environment = {"BATCH_MAX_REQUESTS"}}));
    k.push_back(count_key<std::uint64_t>(
        "batch.max_file_mb", [](config& c) -> std::uint64_t& { return c.batch.max_file_mb; }, 1, 200,
        {.meaning = "Megabytes of one request file, at most.", .environment = {"BATCH_MAX_FILE_MB"}}));
    k.push_back(count_key<std::uint64_t>(
        "batch.max_output_mb", [](config& c) -> std::uint64_t& { return c.batch.max_output_mb; }, 1, 512,
        {.meaning = "Megabytes of results that one file may lead to; larger downloads are known to break."}));
    k.push_back(count_key<std::uint64_t>(
        "batch.merge_rows", [](config& c) -> std::uint64_t& { return c.batch.merge_rows; }, 1, 10'000,
        {.meaning = "Rows that one transaction of a merge writes, at most."}));
    k.push_back(money_key(
        "budget.test_usd", [](config& c) -> money& { return c.budget.test; },
        {.meaning = "What a run with --profile test may cost.", .environment = {"ENRICH_MAX_USD_TEST"}}));
    k.push_back(
        money_key("budget.full_usd", [](config& c) -> money& { return c.budget.full; },
                  {.meaning = "What any other run may cost.", .environment = {"ENRICH_MAX_USD_FULL"}}));
    k.push_back(optional_money_key(
        "budget.day_usd", [](config& c) -> std::optional<money>& { return c.budget.day; },
        {.meaning = "What all runs together may cost on one day (UTC), with what is reserved."}));
    k.push_back(optional_money_key(
        "budget.month_usd", [](config& c) -> std::optional<money>& { return c.budget.month; },
        {.meaning = "What all runs together may cost in one month (UTC), with what is reserved."}));
    k.push_back(
        optional_money_key("budget.month_summaries_usd",
                           [](config& c) -> std::optional<money>& { return c.budget.month_summaries; },
                           {.meaning = "The same, of summaries alone."}));
    k.push_back(
        optional_money_key("budget.month_embeddings_usd",
                           [](config& c) -> std::optional<money>& { return c.budget.month_embeddings; },
                           {.meaning = "The same, of embeddings alone."}));
}

void add_quota(keys& k) {
    constexpr std::uint64_t most_tokens = 1'000'000'000'000;
    k.push_back(optional_count_key<std::uint32_t>(
        "quota.tier", [](config& c) -> std::optional<std::uint32_t>& { return c.quota.tier; }, 1, 5,
        {.meaning =
             "The usage tier of the account: what its queue takes is looked up in the table of models."}));
    k.push_back(optional_count_key<std::uint64_t>(
        "quota.summaries_tokens",
        [](config& c) -> std::optional<std::uint64_t>& { return c.quota.summaries_tokens; }, 1, most_tokens,
        {.default_text = "by the tier, else what the provider's refusals tell",
         .meaning = "Input tokens of the model of summaries that batches may hold at a time."}));
    k.push_back(optional_count_key<std::uint64_t>(
        "quota.embeddings_tokens",
        [](config& c) -> std::optional<std::uint64_t>& { return c.quota.embeddings_tokens; }, 1, most_tokens,
        {.default_text = "by the tier, else what the provider's refusals tell",
         .meaning = "The same of the model of embeddings."}));
    k.push_back(optional_count_key<std::uint64_t>(
        "quota.requests", [](config& c) -> std::optional<std::uint64_t>& { return c.quota.requests; }, 1,
        most_tokens, {.meaning = "Requests that batches of all models may hold at a time."}));
    k.push_back(count_key<std::uint32_t>(
        "quota.batches_per_hour", [](config& c) -> std::uint32_t& { return c.quota.batches_per_hour; }, 1,
        1'000'000, {.meaning = "Batches that are asked for within any hour, at most."}));
}

void add_work(keys& k) {
    k.push_back(text_key("summaries.model", [](config& c) -> std::string& { return c.summaries.model; },
                         {.expected = "the name of a model",
                          .meaning = "The model of summaries.",
                          .environment = {"SUMMARY_MODEL"},
                          .valid = is_token}));
    k.push_back(text_key("summaries.prompt", [](config& c) -> std::string& { return c.summaries.prompt; },
                         {.expected = "a text",
                          .default_text = "two sentences, in English",
                          .meaning = "What the model is told to do with the text."}));
    k.push_back(
        count_key<std::uint32_t>("summaries.max_input_tokens",
                                 [](config& c) -> std::uint32_t& { return c.summaries.max_input_tokens; }, 1,
                                 1'000'000, {.meaning = "A longer text is cut to this many tokens."}));
    k.push_back(count_key<std::uint32_t>(
        "summaries.max_output_tokens",
        [](config& c) -> std::uint32_t& { return c.summaries.max_output_tokens; }, 1, 100'000,
        {.meaning = "The cap of a summary, and the upper bound in projections."}));
    k.push_back(count_key<std::uint32_t>(
        "summaries.min_characters", [](config& c) -> std::uint32_t& { return c.summaries.min_characters; }, 0,
        1'000'000, {.meaning = "Rows with a shorter text are skipped."}));
    k.push_back(text_key("embeddings.model", [](config& c) -> std::string& { return c.embeddings.model; },
                         {.expected = "the name of a model",
                          .meaning = "The model of embeddings.",
                          .environment = {"EMBED_MODEL"},
                          .valid = is_token}));
    k.push_back(optional_count_key<std::uint32_t>(
        "embeddings.dimensions",
        [](config& c) -> std::optional<std::uint32_t>& { return c.embeddings.dimensions; }, 1, 16'000,
        {.default_text = "the column's, else the model's own",
         .meaning = "Numbers of one embedding; the n of a vector(n) column counts before it.",
         .environment = {"EMBED_DIMENSIONS"}}));
    k.push_back(count_key<std::uint32_t>(
        "embeddings.chunk_tokens", [](config& c) -> std::uint32_t& { return c.embeddings.chunk_tokens; }, 1,
        8191, {.meaning = "Tokens of one chunk of a text, at most."}));
    k.push_back(
        count_key<std::uint32_t>("embeddings.overlap_percent",
                                 [](config& c) -> std::uint32_t& { return c.embeddings.overlap_percent; }, 0,
                                 50, {.meaning = "What neighbouring chunks share, of chunk_tokens."}));
    k.push_back(count_key<std::uint32_t>(
        "embeddings.min_characters", [](config& c) -> std::uint32_t& { return c.embeddings.min_characters; },
        0, 1'000'000, {.meaning = "Rows with a shorter text are skipped."}));
    k.push_back(choice_key(
        "embeddings.encoding_format", [](config& c) -> std::string& { return c.embeddings.encoding_format; },
        {"base64", "float"}, {.meaning = "How the provider is asked to write vectors; both are read."}));
    k.push_back(flag_key(
        "versions.on_version_change", [](config& c) -> bool& { return c.keep_versions; }, "refresh", "keep",
        {.meaning = "Whether rows with a value of another model or prompt are enriched again."}));
}

void add_rows(keys& k) {
    k.push_back(text_key("source.query", [](config& c) -> std::string& { return c.source.query; },
                         {.expected = "a SELECT statement",
                          .default_text = "the tables events and documents",
                          .meaning = "Yields the rows, as columns key, text, title, date, authority.",
                          .valid = is_select}));
    k.push_back(
        text_key("source.text_column", [](config& c) -> std::string& { return c.source.text_column; },
                 {.expected = "the name of a column",
                  .default_text = "none",
                  .meaning = "Of the target table: a row's text, where there is no table documents."}));
    k.push_back(text_key(
        "source.url", [](config& c) -> std::string& { return c.source.url; },
        {.expected = "postgresql://... or sqlite:PATH",
         .default_text = "database.url",
         .meaning = "Another connection for reading, such as a replica's; what needs work is asked of "
                    "database.url again.",
         .valid = is_database_url,
         .secret = true}));
    k.push_back(text_key("target.table", [](config& c) -> std::string& { return c.target.table; },
                         {.expected = "the name of a table, with its schema if need be",
                          .meaning = "The table that values are merged into; in PostgreSQL as SQL writes it, "
                                     "quoted where it holds blanks or capitals."}));
    k.push_back(text_key("target.key_column", [](config& c) -> std::string& { return c.target.key_column; },
                         {.expected = "the name of a column", .meaning = "Its key, of any scalar type."}));
    k.push_back(text_key("target.summary_column",
                         [](config& c) -> std::string& { return c.target.summary_column; },
                         {.expected = "the name of a column", .meaning = "Where summaries go."}));
    k.push_back(text_key(
        "target.embedding_column", [](config& c) -> std::string& { return c.target.embedding_column; },
        {.expected = "the name of a column",
         .meaning = "Where embeddings go: vector(n), halfvec(n), real[], double precision[], or a "
                    "BLOB in SQLite."}));
    k.push_back(
        text_key("models.file", [](config& c) -> std::string& { return c.models_file; },
                 {.expected = "a path",
                  .default_text = "none",
                  .meaning = "Prices and families of models, over the ones that the program brings."}));
    k.push_back(choice_key("log.level", [](config& c) -> std::string& { return c.log_level; },
                           {"error", "warning", "notice", "info", "debug"},
                           {.meaning = "Entries less grave than this are left out."}));
}

keys make_keys() {
    keys k;
    add_places(k);
    add_pace(k);
    add_quota(k);
    add_work(k);
    add_rows(k);
    return k;
}

} // namespace

const std::vector<config_key>& config_keys() {
    static const keys table = make_keys();
    return table;
}

std::string config_key_listing() {
    std::string out;
    for (const auto& k : config_keys()) {
        out += fmt::format("{}\n    {}\n    {}; default: {}\n", k.in_file ? k.name : k.environment.front(),
                           k.meaning, k.expected, k.default_text);
        if (k.in_file && !k.environment.empty())
            out += fmt::format("    environment: {}\n", fmt::join(k.environment, ", "));
    }
    return out;
}

} // namespace enrichd

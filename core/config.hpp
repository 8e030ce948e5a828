// The configuration as the daemon uses it. core/config_keys.hpp is the table of its keys,
// docs/configuration.md the same for people.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"
#include "core/money.hpp"
#include "core/recipe.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace enrichd {

struct provider_config {
    std::string base_url = "https://api.openai.com/v1";
    std::string
        api_key_file;    ///< empty: the systemd credential "openai-api-key" if there, then OPENAI_API_KEY
    std::string api_key; ///< from OPENAI_API_KEY or an env file only; the file format has no such key
    std::string ca_file; ///< trusted besides the system's certificates
    std::string completion_window = "24h";
    bool delete_results = true;        ///< of a batch, at the provider, once their merge is durable
    std::string credentials_directory; ///< what systemd's LoadCredential= filled; empty without systemd
};

struct poll_config {
    double first_seconds = 5;   ///< wait before the first look at a batch, and the shortest between two
    double max_seconds = 60;    ///< the longest between two looks
    double deadline_hours = 26; ///< by the provider's created_at; then the batch is cancelled
};

struct submit_config {
    std::vector<double> reconcile_seconds = {10, 30, 120,
                                             600}; ///< waits between looks after an ambiguous answer
    bool hold_unknown = false; ///< after the last look a person decides, instead of sending again
};

struct batch_config {
    std::uint64_t max_requests = 20'000;
    std::uint64_t max_file_mb = 100;
    std::uint64_t max_output_mb = 180;
    std::uint64_t merge_rows = 1000; ///< rows of one merge transaction, at most
};

struct budget_config {
    money test = {25 * picodollars_per_dollar};
    money full = {200 * picodollars_per_dollar};
    // Over all runs, by UTC; absent: no limit.
    std::optional<money> day;
    std::optional<money> month;
    std::optional<money> month_summaries;
    std::optional<money> month_embeddings;
};

/// What the provider's queue takes; absent: what the table of models says for the tier, else what the
/// provider's refusals tell.
struct quota_config {
    std::optional<std::uint32_t> tier;              ///< of the account, 1 to 5
    std::optional<std::uint64_t> summaries_tokens;  ///< that may be enqueued, of the model of summaries
    std::optional<std::uint64_t> embeddings_tokens; ///< the same of embeddings
    std::optional<std::uint64_t> requests;          ///< that may be enqueued, of all models
    std::uint32_t batches_per_hour = 2000;          ///< that are asked for
};

/// Where rows come from. Without a query, the original's schema: events joined with documents where that
/// exists.
struct source_config {
    std::string query;       ///< SELECT yielding the columns key, text, title, date, authority
    std::string text_column; ///< of the target table: the text of a row where there is no documents table
    std::string url;         ///< another connection for reading; empty: [database] url
};

/// Where values go.
struct target_config {
    std::string table = "events";
    std::string key_column = "event_id";
    std::string summary_column = "summary_en";
    std::string embedding_column = "embedding";
};

struct config {
    provider_config provider;
    std::string database_url;  ///< "postgresql://..." or "sqlite:PATH"; empty: sqlite in the state directory
    std::string database_name; ///< what the ledger knows the target by; empty: its address and table
    std::string state_directory;
    std::uint32_t retention_days = 30;
    std::string control_socket;
    poll_config poll;
    submit_config submit;
    batch_config batch;
    budget_config budget;
    quota_config quota;
    summary_settings summaries;
    embedding_settings embeddings;
    bool keep_versions = false; ///< [versions] on_version_change = "keep"
    source_config source;
    target_config target;
    std::string models_file; ///< overlay of prices and families
    std::string log_level = "info";
};

/// What the surroundings say, so that reading a configuration stays pure.
struct surroundings {
    std::map<std::string, std::string, std::less<>> environment;
    bool root = false; ///< /var/lib/enrichd, /run/enrichd and /etc/enrichd; else the XDG folders
};

/// One input of the configuration.
struct config_text {
    std::string name; ///< for messages
    std::string text;
};

/// Later wins: default, file, env file, environment (an empty variable counts as not set). Of several
/// variables of one key the first of its list wins. Unknown keys of the file are errors with a "did you
/// mean"; unknown variables are not ours and are passed over. Every error of one reading is reported, one a
/// line, as "file:line: key: expected ..., got ..."; values that may hold a secret are never repeated.
result<config> read_config(const std::optional<config_text>& toml, const std::optional<config_text>& env_file,
                           const surroundings& around);

/// Where the configuration file is looked for when --config is not given.
std::string default_config_path(const surroundings& around);

/// Where the state is when [state] directory is not given. Empty if the surroundings do not tell (no HOME).
std::string default_state_directory(const surroundings& around);

/// Where the socket is when [control] socket is not given: beside the state where there is no better place.
std::string default_socket(const surroundings& around, const std::string& state_directory);

/// Where a client looks for the daemon's socket, best first: ENRICHD_SOCKET alone if set, else the user's own
/// daemon, then the system's.
std::vector<std::string> client_sockets(const surroundings& around);

} // namespace enrichd

// enrichd as a user has it: the real programs, a sandbox as provider, a target, a folder of their own.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/support/process.hpp"
#include "tests/support/temp_folder.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace enrichd::test {

struct deployment_options {
    std::string database_url = {};     ///< empty: a SQLite file of real rows
    int rows = 60;                     ///< of real text, in the SQLite file
    nlohmann::json scenario = {};      ///< of the sandbox; null: no faults
    std::string batch_seconds = "0.2"; ///< how long the sandbox takes over a batch
    std::string more_config = {};      ///< TOML, appended
    std::string more_provider = {};    ///< the same, within [provider]
    std::string more_poll = {};        ///< within [poll]
    std::string more_submit = {};      ///< within [submit]
    std::string api_key = {};          ///< that the sandbox demands; empty: it takes any, or none
    environment variables = {};        ///< of the daemon
};

class deployment {
public:
    explicit deployment(deployment_options o = {});
    ~deployment();

    /// Starts the daemon and returns when it has said READY=1, as it says to systemd.
    void start_daemon();
    /// Starts it, and returns at once. What it says to systemd goes to path("notify.sock").
    void launch_daemon();
    /// With SIGHUP; returns when the daemon says that it has read its configuration again, or kept the old
    /// one.
    void reload_daemon();
    /// With SIGKILL, at whatever it is doing.
    void kill_daemon();
    /// With SIGTERM; returns its exit status.
    int stop_daemon();

    /// Runs enrichctl against this daemon.
    finished ctl(arguments verb) const;
    /// The same with --json, and the reply.
    nlohmann::json ctl_json(arguments verb) const;
    /// A job, as soon as it is as a test wants it; as it is after two thousand looks, if that never comes.
    nlohmann::json job_when(const std::string& id,
                            const std::function<bool(const nlohmann::json&)>& is_so) const;

    /// The sandbox's own truth: what was uploaded, created and billed.
    nlohmann::json truth() const;
    /// Input and output tokens: what the sandbox bills for all batches, and what the ledger books for all
    /// jobs.
    std::int64_t billed_tokens() const;
    std::int64_t booked_tokens() const;
    void set_scenario(const nlohmann::json& scenario) const;

    /// The running daemon, or the one that ended last.
    process& daemon() const { return *daemon_; }
    const std::filesystem::path& folder() const { return folder_.path(); }
    std::filesystem::path state() const { return folder_ / "state"; }
    std::filesystem::path config_file() const { return folder_ / "enrichd.toml"; }
    std::filesystem::path news() const { return folder_ / "news.db"; } ///< the SQLite target
    std::filesystem::path path(const std::string& name) const { return folder_ / name; }
    std::string daemon_log() const { return read_file(folder_ / "enrichd.log"); }
    const std::string& provider_url() const { return provider_url_; }

    /// The first column of the first row, of the SQLite target.
    std::string query(const std::string& sql) const;

private:
    void start_sandbox(const deployment_options& o);
    void write_config(const deployment_options& o) const;

    temp_folder folder_;
    environment variables_;
    std::string provider_url_;
    std::unique_ptr<process> sandbox_;
    std::unique_ptr<process> daemon_;
};

/// How many entries a folder has.
std::size_t files_in(const std::filesystem::path& folder);

} // namespace enrichd::test

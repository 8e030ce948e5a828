// The ledger as a whole: a copy of it, and whether it is sound.
// SPDX-License-Identifier: Apache-2.0
#include "daemon/operations/live_operations.hpp"

#include "daemon/on_pool.hpp"
#include "daemon/request_files.hpp"
#include "state/ledger_backup.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <utility>

namespace enrichd {

namespace fs = std::filesystem;
using json = nlohmann::json;

namespace {

// What the work threw, as an error for the caller: a look at the ledger is no reason for the daemon to stop.
std::optional<error> failure_of(const std::function<void()>& work) {
    try {
        work();
        return std::nullopt;
    } catch (const fatal_error& e) {
        return e.what_error();
    } catch (const sqlite::sqlite_error& e) {
        return error{e.is_disk_full() ? errc::disk_full : errc::io, e.what()};
    } catch (const fs::filesystem_error& e) {
        return error{errc::io, e.what()};
    }
}

// What is to be sent still must be what was built. Empty: it is.
std::string fault_of_file(const spool& s, const job_row& job) {
    if (!std::holds_alternative<job::built>(job.state) &&
        !std::holds_alternative<job::intent_upload>(job.state))
        return {};
    const auto path = s.request_file(job.plan.file_name);
    const auto sha = hash_file(path);
    if (sha && *sha == job.plan.file_sha256) return {};
    return fmt::format("job {}: {}", job.id, fault_of_request_file(path, job.plan));
}

} // namespace

control::awaitable<result<live_operations::handed_file>> live_operations::ledger_copy() {
    if (!copy_.expired()) co_return error{errc::state_conflict, "another backup is being made"};
    const handed_file copy(new std::string(parts_.ledger_path + ".copy"), [](const std::string* path) {
        std::error_code ignored;
        fs::remove(*path, ignored);
        delete path;
    });
    copy_ = copy;
    const auto make = [&] { back_up_ledger(parts_.ledger_path, *copy); };
    auto failed = co_await on_pool(parts_.pool, [&] { return failure_of(make); });
    if (failed) co_return std::move(*failed);
    co_return copy;
}

control::awaitable<result<json>> live_operations::verification() {
    auto jobs = parts_.ledger.jobs().list(true, std::numeric_limits<std::int64_t>::max());
    std::erase_if(jobs, [this](const job_row& job) { // its file is whole once its run is built
        const auto run = parts_.ledger.runs().find(job.plan.run_id)->state;
        return run == run::state::requested || run == run::state::building;
    });
    ledger_findings found;
    const auto look = [&] {
        found = verify_ledger(parts_.ledger_path);
        for (const auto& job : jobs)
            if (auto fault = fault_of_file(parts_.spool, job); !fault.empty())
                found.faults.push_back(std::move(fault));
    };
    auto failed = co_await on_pool(parts_.pool, [&] { return failure_of(look); });
    if (failed) co_return std::move(*failed);
    co_return json{{"status", found.faults.empty() ? "sound" : "faulty"},
                   {"faults", std::move(found.faults)},
                   {"jobs", found.jobs},
                   {"requests", found.requests}};
}

} // namespace enrichd

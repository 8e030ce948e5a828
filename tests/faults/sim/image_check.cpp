// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/sim/image_check.hpp"

#include "core/overloaded.hpp"
#include "core/sha256.hpp"
#include "daemon/spool.hpp"
#include "state/job_table.hpp"
#include "state/ledger_backup.hpp"
#include "state/ledger_check.hpp"
#include "state/run_table.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sqlite3.h>

#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <stdexcept>

namespace enrichd::faults {

namespace fs = std::filesystem;

namespace {

using violations = std::vector<std::string>;

// Only for what is there to be read: the ledger's own statements are the daemon's.
class reading {
public:
    reading(sqlite3* db, const std::string& sql) {
        if (sqlite3_prepare_v2(db, sql.c_str(), -1, &statement_, nullptr) != SQLITE_OK)
            throw std::runtime_error(sql + ": " + sqlite3_errmsg(db));
    }
    ~reading() { sqlite3_finalize(statement_); }
    reading(const reading&) = delete;
    reading& operator=(const reading&) = delete;
    bool next() {
        const auto came_of_it = sqlite3_step(statement_);
        if (came_of_it != SQLITE_ROW && came_of_it != SQLITE_DONE)
            throw std::runtime_error(std::string(sqlite3_sql(statement_)) + ": " +
                                     sqlite3_errstr(came_of_it));
        return came_of_it == SQLITE_ROW;
    }
    int columns() const { return sqlite3_column_count(statement_); }
    std::string value(int column) const {
        const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
        return fmt::format("{}:{}:", sqlite3_column_type(statement_, column), size) +
               (bytes ? std::string(bytes, size) : std::string());
    }
    std::string text(int column) const {
        const auto* t = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
        return t ? t : "";
    }

private:
    sqlite3_stmt* statement_ = nullptr;
};

std::optional<std::string> content_of(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(in), {});
}

// What was built and is in the ledger as such is what will be sent, or sent again.
void check_request_files(sqlite::database& db, const fs::path& state, violations& out) {
    reading jobs(db.handle(), "SELECT id, file_name, file_sha256, state FROM jobs WHERE file_sha256 <> ''");
    while (jobs.next()) {
        const auto sha = hash_file(state / "batch" / jobs.text(1));
        if (!sha || *sha != jobs.text(2))
            out.push_back(fmt::format("I1: job {} is {}, and its request file {} is {}", jobs.text(0),
                                      jobs.text(3), jobs.text(1), sha ? "another one" : "gone"));
    }
}

void check_results(sqlite::database& db, const fs::path& state, sim_provider& provider, violations& out) {
    for (const auto& job : job_table(db).list(true, std::numeric_limits<std::int64_t>::max())) {
        const auto* here = std::get_if<job::fetched>(&job.state);
        if (!here) continue;
        const auto beside = [&](const char* ending) {
            return content_of(state / "batch" / (safe_file_name(here->batch_id) + ending)).value_or("(none)");
        };
        for (const auto& b : provider.batches()) {
            if (b.told.id != here->batch_id) continue;
            if ((here->has_output && beside(".results.jsonl") != b.output) ||
                (here->has_errors && beside(".errors.jsonl") != b.errors))
                out.push_back(fmt::format("I2: {} was fetched, and its results are not here as the provider "
                                          "gave them",
                                          b.told.id));
        }
    }
}

// A run that has ended by itself always has a report, and "latest" leads to one.
void check_reports(sqlite::database& db, const fs::path& state, violations& out) {
    const auto reports = state / "output" / "validation";
    reading runs(db.handle(), "SELECT id, created_ms FROM runs WHERE state = 'done'");
    bool any = false;
    while (runs.next()) {
        any = true;
        const auto run = run_name(std::stoll(runs.text(0)));
        const auto folder = reports / report_folder(std::stoll(runs.text(1)), run);
        const auto json = content_of(folder / "enrichment_report.json");
        const auto words = content_of(folder / "enrichment_report.md");
        if (!json || !nlohmann::json::accept(*json) || !words || words->empty())
            out.push_back(fmt::format("I1: run {} is done, and its report is not there, or not whole", run));
    }
    if (any && !fs::exists(reports / "latest"))
        out.push_back("I1: a run is done, and output/validation/latest leads to no report");
}

} // namespace

std::string content_of(sqlite3* ledger) {
    sha256 digest;
    reading tables(ledger, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
    while (tables.next()) {
        reading rows(ledger, "SELECT * FROM " + tables.text(0));
        digest.update(tables.value(0));
        while (rows.next())
            for (int i = 0; i < rows.columns(); ++i)
                digest.update(rows.value(i));
    }
    return to_hex(digest.finish());
}

looked_into look_into(const fs::path& state, sim_provider& provider) {
    looked_into found;
    const auto path = (state / "ledger.db").string();
    try {
        refuse_broken_ledger(path);
        if (!fs::exists(path)) return found;
        sqlite::database db(path, sqlite::open_mode::read_write);
        reading tables(db.handle(), "SELECT 1 FROM sqlite_schema WHERE name = 'jobs'");
        if (!tables.next()) return found; // power was lost while it was made
        for (const auto& fault : verify_ledger(path).faults)
            found.violations.push_back("I1: the ledger is not sound: " + fault);
        found.content = content_of(db.handle());
        check_request_files(db, state, found.violations);
        check_results(db, state, provider, found.violations);
        check_reports(db, state, found.violations);
    } catch (const std::exception& e) {
        found.violations.push_back(fmt::format("I1: the ledger is refused: {}", e.what()));
    }
    return found;
}

} // namespace enrichd::faults

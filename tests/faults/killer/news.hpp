// The database of a round: real rows, of which the killer knows what was done to them besides.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/faults/killer/plan.hpp"

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace enrichd::tests {
class postgres_server;
}

namespace enrichd::killer {

/// A summary that enrichd did not write.
inline constexpr const char* not_ours = "Summarised by another program.";

/// A fault of a database that is begun, and healed later in the round.
struct trick {
    std::string name;
    std::vector<std::string> begin; ///< statements, each a transaction
    std::vector<std::string> heal;  ///< none: it passes by itself
};

class news {
public:
    virtual ~news() = default;

    /// As enrichd is told it, password and all.
    virtual std::string url() const = 0;
    /// One or more statements, as the database's owner; the first column of the first row. Throws
    /// std::runtime_error, also where somebody else holds a lock for seconds.
    virtual std::string exec(const std::string& sql) = 0;
    /// Keeps everybody else out of the rows, until let_go().
    virtual void hold() = 0;
    virtual void let_go() = 0;
    /// Stops the server as a crash would; a file has none.
    virtual void crash() {}
    virtual void restart() {}
    virtual std::vector<trick> tricks() const = 0;
    /// Every row with its values, as a JSON array of {key, summary, summary_version, embedding,
    /// embedding_version}.
    virtual std::string snapshot() = 0;
    /// From here on the table killer_audit has, by triggers, a row's text beside the hash that enrichd wrote
    /// with each value. To be called once the columns are there.
    virtual void audit() = 0;
    /// How many rows got a value of a text that was another by then; once all have their last value.
    int stale_writes();
    /// How many values were written more than once; of each text one is.
    int rewrites();
    /// A copy of the rows as they are by now, without any value; its URL. Nobody may be connected.
    virtual std::string copy_without_values() = 0;
    /// Of the copy.
    virtual std::string snapshot_of_copy() = 0;
    /// What the server itself wrote into its log.
    virtual std::string log() const { return ""; }

    // Somebody else at work; each returns what it did.
    std::string edit_row(chance& c);
    std::string delete_row(chance& c);
    std::string enrich_elsewhere(chance& c);
    const std::set<std::string>& enriched_elsewhere() const { return enriched_elsewhere_; }

private:
    std::string any_key(chance& c);
    std::set<std::string> enriched_elsewhere_;
};

/// Fills a new database with this round's rows.
std::unique_ptr<news> make_news(const round_plan& p, const std::filesystem::path& folder);

/// The server of PostgreSQL rounds; one for all of them, as it takes seconds to make.
tests::postgres_server& news_server();

} // namespace enrichd::killer

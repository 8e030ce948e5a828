// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/killer/round.hpp"

#include "tests/faults/killer/books.hpp"
#include "tests/faults/killer/ledger_loss.hpp"
#include "tests/faults/killer/mischief.hpp"
#include "tests/faults/killer/settle.hpp"

#include <fmt/format.h>

#include <csignal>
#include <fstream>

namespace enrichd::killer {

namespace {

using nlohmann::json;

constexpr const char* states[] = {"built",          "intent_upload", "uploaded", "intent_submit",
                                  "submit_unknown", "submitted",     "polling",  "fetched"};

test::deployment_options options_for(const round_plan& p, const news& n,
                                     const std::filesystem::path& folder) {
    test::deployment_options o;
    o.database_url = p.url_in_environment ? "sqlite:/nonexistent/not-this-one.db" : n.url();
    if (p.url_in_environment) o.variables["ENRICHD_DATABASE_URL"] = n.url();
    if (p.postgres && p.password == password_place::environment)
        o.variables["PGPASSWORD"] = p.password_text();
    o.scenario = p.scenario;
    o.batch_seconds = p.batch_seconds;
    o.api_key = p.api_key();
    o.more_provider = fmt::format("delete_results_after_merge = {}\n", !p.keeps_results);
    if (p.key_in_file) {
        test::write_file(folder / "openai.key", p.api_key() + "\n");
        o.more_provider += fmt::format("api_key_file = \"{}\"\n", (folder / "openai.key").string());
    } else {
        o.variables["OPENAI_API_KEY"] = p.api_key();
    }
    o.more_config = fmt::format("[batch]\nmax_requests = {}\nmerge_rows = {}\n[log]\nlevel = \"debug\"\n",
                                p.max_requests, p.merge_rows);
    return o;
}

std::vector<std::string> names_of(const test::environment& variables) {
    std::vector<std::string> names;
    for (const auto& [name, value] : variables)
        names.push_back(name);
    return names;
}

class round {
public:
    round(const round_plan& p, bool trace)
        : plan_(p),
          trace_(trace),
          dice_(p.seed * 2 + 0xd1ce),
          news_(make_news(p, folder_.path())),
          options_(options_for(p, *news_, folder_.path())),
          deployment_(options_),
          canaries_(planted_by(p)),
          victim_(deployment_, canaries_, names_of(options_.variables), result_.found),
          mischief_(*news_, [this](const std::string& what) { say(what); }),
          loss_(deployment_, victim_, p) {}

    round_result take() {
        try {
            victim_.rise(dice_);
            if (victim_.ask({"migrate"}).code != 0) throw std::runtime_error("the migration failed");
            news_->audit();
            harass();
            mischief_.heal_all();
            say("all is healed");
            settle(victim_, loss_.has_struck(), result_.found);
            check();
        } catch (const std::exception& e) {
            result_.found.emplace_back(e.what());
        }
        result_.kills = victim_.kills();
        result_.stops = mischief_.stops();
        return result_;
    }

    void keep(const std::filesystem::path& where) const {
        std::filesystem::create_directories(where);
        (void)test::run({"cp", "-r", deployment_.folder().string() + "/.", where.string()});
    }

private:
    void say(const std::string& what) {
        const auto line = fmt::format("-- {}", what);
        if (trace_) fmt::print(stderr, "{}\n", line);
        std::ofstream(deployment_.path("enrichd.log"), std::ios::app) << line << '\n';
    }

    void harass() {
        victim_.order_run(dice_);
        wait_for_a_run();
        for (int deed = 0; deed < plan_.deeds; ++deed) {
            lose_ledger_at(deed);
            if (loss_.has_struck() && dice_.one_in(5))
                (void)take_in(victim_);
            else if (dice_.one_in(3))
                kill_somehow();
            else if (dice_.one_in(4))
                command();
            else if (dice_.one_in(4))
                mischief_.touch_row(dice_);
            else if (plan_.postgres && dice_.one_in(5))
                crash_server();
            else if (dice_.one_in(2))
                mischief_.go_on(dice_);
            else
                wait_ms(dice_.number(0, 400));
        }
    }

    void lose_ledger_at(int deed) {
        if (plan_.fate == ledger_fate::restored && deed == plan_.copied_at) {
            loss_.back_up();
            say("a copy of the ledger is made");
        }
        if (plan_.fate == ledger_fate::kept || deed != plan_.lost_at) return;
        say("SIGKILL, and the ledger is lost");
        loss_.strike(dice_);
        if (dice_.one_in(2)) victim_.order_run(dice_); // a user who does not know yet
    }

    // A round without work would prove little; how far the building has come is left to chance.
    void wait_for_a_run() {
        for (int looks = 0; looks < 100 && victim_.ask_json({"status"})["runs"].empty(); ++looks)
            wait_ms(10);
    }

    void kill_somehow() {
        if (dice_.one_in(6)) {
            if (plan_.seed % 2 == 0) { // no dice: other seeds' deeds are what they were
                say("SIGTERM, and again");
                return victim_.restart_at_once(dice_);
            }
            say("SIGTERM");
            return victim_.restart();
        }
        if (dice_.one_in(3)) {
            const auto* state = states[dice_.number(0, std::size(states) - 1)];
            wait_for(state);
            say(fmt::format("SIGKILL, wanted at {}", state));
        } else {
            wait_ms(dice_.number(0, 300));
            say("SIGKILL");
        }
        victim_.kill(dice_);
    }

    void crash_server() {
        if (dice_.one_in(2)) wait_for("fetched"); // in the middle of a merge, if there is luck
        mischief_.crash_server(dice_);
    }

    // Until a job is in this state, or for some looks.
    void wait_for(const char* state) {
        for (int looks = 0; looks < 30 && !is_a_job(state); ++looks) {
        }
    }

    bool is_a_job(const char* state) {
        const auto reply = victim_.ask_json({"jobs"});
        if (!reply.contains("jobs")) return false;
        for (const auto& job : reply["jobs"])
            if (job["state"] == state) return true;
        return false;
    }

    void command() {
        switch (dice_.number(0, 7)) {
        case 0: return victim_.order_run(dice_);
        case 1: (void)victim_.ask({"plan"}, 90); break;
        case 2: (void)victim_.ask({"status"}); break;
        case 3: (void)victim_.ask({"jobs", "--all"}); break;
        case 4: (void)victim_.ask({"adopt"}); break;
        case 5: (void)victim_.ask({"backup", "--out", deployment_.path("backup.db").string()}); break;
        case 6: deployment_.daemon().signal(SIGHUP); break;
        default: (void)victim_.ask({"report"});
        }
    }

    void check() {
        const auto acknowledged = victim_.acknowledged();
        result_.acknowledged = static_cast<int>(acknowledged.size());
        books b(deployment_, victim_, plan_, loss_, result_.found);
        b.check_runs(acknowledged);
        b.check_outcomes();
        b.check_batches();
        b.check_bills();
        result_.requests = b.requests();
        (void)victim_.ask({"status"});
        (void)victim_.ask({"report"});
        victim_.stop();
        check_secrets();
        compare_with_calm_run();
    }

    void check_secrets() {
        const auto found = [&](const std::vector<leak>& leaks) {
            for (const auto& l : leaks)
                result_.found.push_back(fmt::format("I6: {} in {} at byte {}", l.what, l.where, l.offset));
        };
        const auto key_file = folder_.path() / "openai.key";
        found(canaries_.in_folder(deployment_.folder(),
                                  {deployment_.config_file(), deployment_.path("scenario.json")}));
        found(canaries_.in_folder(folder_.path(), {key_file}));
        found(canaries_.in_text(news_->log(), "the log of the database's server"));
    }

    void compare_with_calm_run() {
        test::deployment calm({.database_url = news_->copy_without_values(),
                               .batch_seconds = "0",
                               .more_config = options_.more_config});
        calm.start_daemon();
        if (calm.ctl({"run", "--auto", "--wait"}).code != 0) throw std::runtime_error("the calm run failed");
        calm.stop_daemon();
        const auto rows = news_->snapshot();
        result_.rows = json::parse(rows).size();
        if (const int stale = news_->stale_writes(); stale > 0)
            result_.found.push_back(
                fmt::format("I5: {} rows got values of texts that they had before", stale));
        if (const int again = news_->rewrites(); again > 0)
            result_.found.push_back(fmt::format("I5: {} values were written more than once", again));
        check_rows(rows, news_->snapshot_of_copy(), news_->enriched_elsewhere(), result_.found);
    }

    const round_plan& plan_;
    bool trace_;
    chance dice_;
    test::temp_folder folder_; ///< of what the user brings: the key, the SQLite file
    std::unique_ptr<news> news_;
    test::deployment_options options_;
    test::deployment deployment_;
    canaries canaries_;
    round_result result_;
    victim victim_;
    mischief mischief_;
    ledger_loss loss_;
};

} // namespace

round_result play(const round_plan& p, const std::filesystem::path& keep, bool trace) {
    round r(p, trace);
    auto result = r.take();
    if (!result.found.empty() && !keep.empty()) r.keep(keep / fmt::format("seed-{}", p.seed));
    return result;
}

} // namespace enrichd::killer

// The daemon of a round: started, asked, and killed as often as the round wants.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/faults/killer/canaries.hpp"
#include "tests/faults/killer/notify_log.hpp"
#include "tests/faults/killer/plan.hpp"
#include "tests/support/deployment.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace enrichd::killer {

using violations = std::vector<std::string>;

class victim {
public:
    /// `given`: the variables that hold secrets because the round put them there.
    victim(test::deployment& d, const canaries& c, std::vector<std::string> given, violations& out);

    /// Returns when it is ready. I7: it has a minute for that.
    void start();
    /// Starts it, and now and then kills it on its way up, once or twice before the start that counts.
    void rise(chance& c);
    /// With SIGKILL; it runs afterwards. With the deaths of its rise that is up to three deep.
    void kill(chance& c);
    /// The same, and it stays dead until it rises.
    void die();
    /// With SIGTERM; I7: it ends with 0 within a minute. It runs afterwards.
    void restart();
    /// The same with a second SIGTERM meanwhile, of somebody who is in a hurry.
    void restart_at_once(chance& c);
    void stop();

    /// Runs enrichctl, whose words are kept in the round's folder. I7: it answers or gives up in `seconds`.
    test::finished ask(test::arguments verb, int seconds = 60);
    /// The reply, be it a refusal. Throws std::runtime_error without one.
    nlohmann::json ask_json(test::arguments verb, int seconds = 60);
    /// Runs `run --auto` beside everything else; what it answered is known by acknowledged().
    void order_run(chance& c);
    /// The runs that were acknowledged, as they were then; waits for the orders.
    std::vector<nlohmann::json> acknowledged();
    /// Those of orders that were answered by now; waits for none.
    std::vector<nlohmann::json> acknowledged_by_now();
    /// The ledger that knew of the orders is gone, but for these runs. Waits for orders that are under way.
    void forget_orders(std::vector<nlohmann::json> but);
    /// It may end so from now on.
    void cancel_run(const std::string& id);
    bool is_cancelled(const std::string& run_id) const { return cancelled_.count(run_id) > 0; }

    int kills() const { return kills_; }

private:
    void check_alive();
    void wait_for_end(std::initializer_list<int> codes);
    test::arguments ctl(test::arguments verb, int seconds) const;

    test::deployment& deployment_;
    const canaries& canaries_;
    std::vector<std::string> given_;
    violations& out_;
    notify_log notify_;
    std::vector<std::pair<std::unique_ptr<test::process>, std::filesystem::path>> orders_;
    std::vector<nlohmann::json> known_; ///< runs of orders that are not in the list any more
    int ordered_ = 0;
    std::set<std::string> cancelled_; ///< runs
    int kills_ = 0;
};

/// The last line of an output that is a JSON object; null if there is none.
nlohmann::json last_object(const std::string& output);

void wait_ms(std::int64_t milliseconds);

} // namespace enrichd::killer

// One turn of a job: ask what it owes, do it, record what came of it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/schedule.hpp"
#include "daemon/clock.hpp"
#include "daemon/effects.hpp"
#include "daemon/quota_gate.hpp"
#include "state/ledger.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace enrichd {

/// The settings that turns depend on.
struct turn_rules {
    poll_rhythm rhythm;
    std::vector<double> reconcile_seconds = {10, 30, 120, 600};
    std::chrono::milliseconds deadline = std::chrono::hours(26); ///< by the provider's created_at
    bool hold_unknown = false; ///< after the last look for a batch a person decides, instead of sending again
};

/// Turns start from the ledger and nothing else, so a restart is the ordinary path. A turn in flight is the
/// only one that changes its job's state; commands only record wishes, which the next turn sees.
class job_driver {
public:
    /// `random` gives numbers in [0, 1) for jitter. All references outlive the driver.
    job_driver(ledger& l, effects& e, const clock& c, std::function<double()> random);

    void set_rules(turn_rules rules) { rules_ = std::move(rules); }
    /// What the provider's queue takes. What waits for it is looked at again by the new limits.
    void set_quota(quota_config c, std::shared_ptr<const model_catalogue> models);

    /// Takes one turn. Whatever happens is in the ledger when it returns; sqlite_error passes through.
    boost::asio::awaitable<void> take_turn(std::int64_t job_id);

private:
    std::string next_submission(const job_row& row) const;
    bool note_deadline(const job_row& row);
    bool apply_cancel(const job_row& row);
    void end_abandoned(const job_row& row);
    bool holds_unknown(const job_row& row) const;
    bool hold_while_paused(const job_row& row, const job::effect::any& what);
    bool hold_at_gate(const job_row& row, const job::effect::any& what);
    bool hold_for_queue(const job_row& row, const job::effect::any& what);
    void note_queue(const job_row& before, const job::state& next, const job::event::any& what);
    void heed_now(std::int64_t job_id);
    void record(const job_row& before, const effect_done& done);
    void postpone(const job_row& row, const error& why);
    waiting wait_after(const job_row& before, const job::state& next, const job::event::any& what) const;

    ledger& ledger_;
    effects& effects_;
    const clock& clock_;
    std::function<double()> random_;
    turn_rules rules_;
    quota_gate quota_;
};

} // namespace enrichd

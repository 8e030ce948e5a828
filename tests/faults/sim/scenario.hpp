// What happens in one simulated case: everything follows from its seed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/kind.hpp"
#include "core/money.hpp"
#include "tests/faults/sim/fail_points.hpp"
#include "tests/faults/sim/power_loss.hpp"

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace enrichd::faults {

/// Numbers from a seed; the same on every machine.
class chance {
public:
    explicit chance(std::uint64_t seed) : engine_(seed) {}
    /// In [0, 1).
    double real() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }
    bool one_in(double n) { return real() * n < 1; }
    bool happens(double probability) { return real() < probability; }
    /// From `least` to `most`, both included.
    std::int64_t number(std::int64_t least, std::int64_t most) {
        return least + static_cast<std::int64_t>(real() * static_cast<double>(most - least + 1));
    }

private:
    std::mt19937_64 engine_;
};

inline constexpr std::int64_t second = 1000;
inline constexpr std::int64_t minute = 60 * second;
inline constexpr std::int64_t hour = 60 * minute;

/// How often a provider's call goes wrong, and how.
struct call_faults {
    double busy = 0;      ///< refused for now, cleanly
    double lost = 0;      ///< no answer, and no effect
    double unheard = 0;   ///< an effect, and no answer
    double late = 0;      ///< no answer, and an effect some time later
    double not_found = 0; ///< reads: the object is not there yet
    double refused = 0;   ///< creations: for good, and without an effect
    double passed_on = 0; ///< creations: refused for now, and an effect all the same
    double cut = 0;       ///< downloads: they end early, and nothing tells so
};

/// A time in which calls fail one way and another, and some get through.
struct outage {
    std::int64_t at_ms = 0; ///< since the beginning
    std::int64_t for_ms = 0;
    double gets_through = 0;
};

/// How often a request or a batch ends how, of those that end while faults last.
struct batch_faults {
    double line_error = 0;   ///< status 429 or 500
    double line_refused = 0; ///< status 400
    double line_garbled = 0; ///< billed, and unreadable
    double line_missing = 0; ///< billed, and in neither file
    double line_twice = 0;
    double expires = 0;
    double fails = 0;      ///< in validation
    double queue_full = 0; ///< token_limit_exceeded, told late
    double sticks = 0;     ///< in finalizing, for more than the deadline
    double files_late = 0; ///< ended, and the files are named hours later
    double no_error_file = 0;
    double uncancellable = 0; ///< it goes its way, whoever asks it not to
};

struct target_faults {
    double unavailable = 0; ///< before the transaction
    double ack_lost = 0;    ///< committed, and the connection is gone
    double refused_row = 0; ///< of a row: the database refuses its value
};

enum class deed {
    pause,
    resume,
    cancel,
    abandon,
    poll_now,
    edit_row,
    delete_row,
    block_target,
    unblock_target,
    set_clock,
    restart,
    save_ledger,   ///< a copy is made of it, to be put back
    lose_ledger,   ///< nothing of the state directory is left
    restore_ledger ///< the copy is put in its place; where there is none, it is lost
};

struct planned_deed {
    std::int64_t at_ms = 0; ///< since the beginning
    deed what{};
    std::int64_t number = 0; ///< which row; by how much
};

/// What becomes of the ledger where the machine dies for the first time.
enum class ledger_fate { kept, lost, restored };

/// Beside the ledger: how long a person takes.
struct repair {
    std::int64_t down = 0;      ///< until the daemon is started again
    std::int64_t unheeded = 0;  ///< from then until its unknown batches are adopted
    bool begins_runs = false;   ///< meanwhile
    bool spool_is_lost = false; ///< though the ledger is put back
    bool keeps_files = false;   ///< results are not deleted at the provider
};

struct scenario {
    std::uint64_t seed = 0;
    std::vector<kind> kinds;
    int rows = 5;
    std::uint64_t file_requests = 20; ///< of one request file, at most
    std::uint64_t merge_rows = 3;
    std::size_t page = 3;                ///< batches in one page of the list
    std::optional<double> budget_factor; ///< of what the rows cost at most; absent: more than enough
    double poll_first = 30, poll_max = 900;
    std::int64_t longest_sleep =
        6 * hour; ///< of the alarm: longer than the real one, so that no lost wake-up heals
    std::int64_t batch_life = 8 * hour; ///< at most; a batch takes from a tenth of it
    std::int64_t list_lag = 0;          ///< the list shows a batch after so long, at most
    std::int64_t calm_at = 0;           ///< faults end
    bool tells_usage = true;
    bool oldest_first = false; ///< the list's order
    int strangers = 0;         ///< batches of others in the list, at the beginning
    call_faults calls;
    struct outage outage;
    batch_faults batches;
    std::int64_t queue_tokens = 0; ///< of a model's queue, as the provider counts them; 0: it takes all
    target_faults database;
    std::vector<planned_deed> deeds;
    ledger_fate at_death = ledger_fate::kept;
    std::int64_t saved_with_commit = 0; ///< a copy of the ledger is made after so many of them; 0: none
    struct repair repair;
    std::vector<crash> crashes;
    std::vector<power_loss> losses;
    bool models_disk = false; ///< from an empty disk on, which can lose what was not synced
};

/// How long after its creation the provider's list may not show a batch yet, and still no batch is paid for
/// twice: less than the looks through it take together (10 + 30 + 120 + 600 s).
inline constexpr std::int64_t promised_list_lag = 12 * minute;

/// Beyond that a submission may be sent again though its batch exists. Up to this, which is less than the
/// looks and the wait for the one that follows them (600 s) take together, the second batch is found,
/// stopped and booked.
inline constexpr std::int64_t longest_list_lag = 20 * minute;

/// Without faults, crashes and deeds; the shape of the work alone is drawn.
scenario calm_scenario(std::uint64_t seed);
/// With some of everything.
scenario draw_scenario(std::uint64_t seed);
/// The calm one, where the ledger may not be what it was when the machine has died for the first time.
scenario forgetful_scenario(std::uint64_t seed, ledger_fate what);
/// " --ledger lost", as the simulation's program takes it; empty where it is kept.
std::string to_argument(ledger_fate what);
/// For the losses of power: everything that is written in a job's life is written in this one. The ledger is
/// made, the daemon is stopped and started twice, lines of batches fail and are sent again.
scenario scripted_life(std::uint64_t seed);

} // namespace enrichd::faults

// The effects for real: provider, spool, target.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/clock.hpp"
#include "daemon/effects.hpp"
#include "daemon/merger.hpp"
#include "daemon/provider/provider.hpp"
#include "daemon/result_files.hpp"
#include "daemon/spool.hpp"
#include "daemon/target/target.hpp"
#include "state/ledger.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <memory>
#include <string>

namespace enrichd {

class live_effects final : public effects {
public:
    /// References outlive the object.
    live_effects(ledger& l, spool& s, const clock& c, boost::asio::any_io_executor pool);

    /// The world as the configuration has it now. Effects under way end with what they began with.
    void set_world(std::shared_ptr<provider::client> client, std::shared_ptr<target::database> database);
    /// How often the provider's list is looked through before a submission counts as never made.
    void set_looks(std::size_t looks) { looks_ = looks; }
    void set_slice_lines(std::size_t lines) { merger_.set_slice_lines(lines); }

    boost::asio::awaitable<effect_outcome> perform(job::effect::any what, job_row job) override;

private:
    template <class T>
    using awaitable = boost::asio::awaitable<T>;

    awaitable<effect_outcome> upload(job_row job);
    awaitable<effect_outcome> find_file(job::effect::find_file what, job_row job);
    awaitable<effect_outcome> create_batch(job::effect::create_batch what, job_row job);
    awaitable<std::optional<effect_outcome>> find_refused(job::intent_submit what);
    awaitable<effect_outcome> find_batch(job::effect::find_batch what);
    awaitable<effect_outcome> poll(job::effect::poll what);
    awaitable<effect_outcome> cancel_batch(job::effect::cancel_batch what, job_row job);
    awaitable<effect_outcome> merge(job::effect::merge what, job_row job);
    awaitable<void> write_timeout_note(std::string batch_id, job_row job);

    ledger& ledger_;
    spool& spool_;
    const clock& clock_;
    boost::asio::any_io_executor pool_;
    result_files results_;
    merger merger_;
    std::shared_ptr<provider::client> client_;
    std::shared_ptr<target::database> target_;
    std::size_t looks_ = 4;
};

} // namespace enrichd

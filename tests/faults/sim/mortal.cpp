// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/sim/mortal.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sqlite3.h>

#include <string>
#include <utility>
#include <vector>

namespace enrichd::faults {

namespace asio = boost::asio;

namespace {

const fail_point upload_point("provider.upload");
const fail_point find_files_point("provider.find_files");
const fail_point list_files_point("provider.list_files");
const fail_point create_batch_point("provider.create_batch");
const fail_point get_batch_point("provider.get_batch");
const fail_point cancel_batch_point("provider.cancel_batch");
const fail_point list_batches_point("provider.list_batches");
const fail_point download_point("provider.download");
const fail_point delete_file_point("provider.delete_file");

class mortal_provider final : public provider::client {
public:
    template <class T>
    using awaitable = asio::awaitable<T>;

    mortal_provider(fate& f, provider::client& inner) : fate_(f), inner_(inner) {}

    awaitable<result<provider::remote_file>> upload(std::filesystem::path file,
                                                    std::string filename) override {
        return pass_through(fate_, upload_point, inner_.upload(std::move(file), std::move(filename)));
    }
    awaitable<result<std::vector<provider::remote_file>>> find_files(std::string filename,
                                                                     std::uint64_t bytes) override {
        return pass_through(fate_, find_files_point, inner_.find_files(std::move(filename), bytes));
    }
    awaitable<result<std::vector<provider::remote_file>>> list_files(std::string prefix) override {
        return pass_through(fate_, list_files_point, inner_.list_files(std::move(prefix)));
    }
    awaitable<result<batch_object>> create_batch(provider::batch_order order) override {
        return pass_through(fate_, create_batch_point, inner_.create_batch(std::move(order)));
    }
    awaitable<result<batch_object>> get_batch(std::string id) override {
        return pass_through(fate_, get_batch_point, inner_.get_batch(std::move(id)));
    }
    awaitable<result<batch_object>> cancel_batch(std::string id) override {
        return pass_through(fate_, cancel_batch_point, inner_.cancel_batch(std::move(id)));
    }
    awaitable<result<batch_list>> list_batches(std::string after) override {
        return pass_through(fate_, list_batches_point, inner_.list_batches(std::move(after)));
    }
    awaitable<result<std::uint64_t>> download(std::string file_id, std::filesystem::path to,
                                              provider::download_limits limits) override {
        return pass_through(fate_, download_point,
                            inner_.download(std::move(file_id), std::move(to), limits));
    }
    awaitable<result<void>> delete_file(std::string id) override {
        return pass_through(fate_, delete_file_point, inner_.delete_file(std::move(id)));
    }

private:
    fate& fate_;
    provider::client& inner_;
};

const fail_point inspect_point("target.inspect");
const fail_point read_point("target.read");
const fail_point next_point("target.next");
const fail_point merge_point("target.merge");
const fail_point plan_migration_point("target.plan_migration");
const fail_point migrate_point("target.migrate");

class mortal_rows final : public target::row_stream {
public:
    mortal_rows(fate& f, std::unique_ptr<target::row_stream> inner) : fate_(f), inner_(std::move(inner)) {}
    asio::awaitable<result<std::vector<source_row>>> next() override {
        return pass_through(fate_, next_point, inner_->next());
    }

private:
    fate& fate_;
    std::unique_ptr<target::row_stream> inner_;
};

class mortal_target final : public target::database {
public:
    template <class T>
    using awaitable = asio::awaitable<T>;

    mortal_target(fate& f, target::database& inner) : fate_(f), inner_(inner) {}

    std::string identity() const override { return inner_.identity(); } // no I/O: it does not die
    awaitable<result<target::column_report>> inspect(kind k) override {
        return pass_through(fate_, inspect_point, inner_.inspect(k));
    }
    awaitable<result<std::unique_ptr<target::row_stream>>> read(target::selection s) override {
        auto rows = co_await pass_through(fate_, read_point, inner_.read(std::move(s)));
        if (!rows) co_return rows.error();
        co_return std::make_unique<mortal_rows>(fate_, std::move(*rows));
    }
    awaitable<result<target::merge_reply>> merge(target::merge_slice slice) override {
        return pass_through(fate_, merge_point, inner_.merge(std::move(slice)));
    }
    awaitable<result<std::vector<target::migration_step>>> plan_migration() override {
        return pass_through(fate_, plan_migration_point, inner_.plan_migration());
    }
    awaitable<result<std::vector<target::migration_step>>> migrate() override {
        return pass_through(fate_, migrate_point, inner_.migrate());
    }

private:
    fate& fate_;
    target::database& inner_;
};

const fail_point commit_point("ledger.commit");

} // namespace

asio::awaitable<void> pass(fate& f, const fail_point& p, moment when) {
    if (!f.ends_life(p, when)) co_return;
    asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
    for (;;) {
        boost::system::error_code cancelled; // the dead do not hear it
        co_await never.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    }
}

std::shared_ptr<provider::client> make_mortal(fate& f, provider::client& inner) {
    return std::make_shared<mortal_provider>(f, inner);
}

std::shared_ptr<target::database> make_mortal(fate& f, target::database& inner) {
    return std::make_shared<mortal_target>(f, inner);
}

mortal_ledger::mortal_ledger(fate& f, sqlite3* db, std::function<void(int)> committed)
    : fate_(f), db_(db), committed_(std::move(committed)) {
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    sqlite3_commit_hook(db, before_commit, this);
    sqlite3_wal_hook(db, after_commit, this);
}

void mortal_ledger::stop_cleanly() {
    sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
}

int mortal_ledger::before_commit(void* self) {
    return static_cast<mortal_ledger*>(self)->fate_.ends_life(commit_point, moment::before) ? 1 : 0;
}

int mortal_ledger::after_commit(void* self, sqlite3*, const char*, int pages) {
    auto& ledger = *static_cast<mortal_ledger*>(self);
    if (ledger.fate_.ends_life(commit_point, moment::after)) return SQLITE_ABORT;
    ledger.committed_(pages);
    return ledger.fate_.dead() ? SQLITE_ABORT : SQLITE_OK;
}

} // namespace enrichd::faults

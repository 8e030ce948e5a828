// A ledger that knows nothing of the batches that a provider of the test's own has.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/batch_label.hpp"
#include "core/sha256.hpp"
#include "daemon/adopter.hpp"
#include "daemon/row_survey.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_provider.hpp"
#include "tests/support/operations_fixture.hpp"

#include <memory>
#include <string>
#include <vector>

namespace enrichd::test {

struct lost_ledger : operations_fixture {
    std::shared_ptr<fake_provider> provider = std::make_shared<fake_provider>();
    std::string file; ///< that the batch was made from

    lost_ledger() {
        adoptions.set_provider(provider);
        provider->pages.push_back({{}, false});
    }

    source_row add_row(const std::string& key, const std::string& beginning, need why = need::value) {
        source_row row;
        row.key = key;
        row.authority = "openssl";
        row.title = "A title";
        row.text = beginning + ": a text that is long enough to be worth a summary of its own, by far.";
        row.why = why;
        database->rows.push_back(row);
        return row;
    }

    enrichd::recipe recipe() { return wait(recipe_for(kind::summaries, parts().settings())).value(); }

    /// As another ledger would have made it of these rows.
    batch_object batch_of(const std::vector<source_row>& rows, const std::string& id = "batch_a") {
        const auto r = recipe();
        token_counter counter(parse_encoding(r.model.tokenizer).value());
        file.clear();
        for (const auto& row : rows)
            for (const auto& line : build_requests(row, r, counter).lines)
                file += line.json;
        batch_object b;
        b.id = id;
        b.status = batch_status::in_progress;
        b.status_word = "in_progress";
        b.created_at = noon / 1000 - 3600;
        b.input_file_id = "file-in";
        b.total = static_cast<std::int64_t>(rows.size());
        b.metadata = to_metadata({"ed1-1a2b3c4d-7-1", "1a2b3c4d", "7", kind::summaries, r.version,
                                  to_hex(sha256::of(file)), target_mark(database->identity()), false, false});
        provider->content["file-in"] = file;
        return b;
    }

    void list_it(batch_object b) { provider->pages.back().batches.push_back(std::move(b)); }

    unknown_batches list() { return wait(adoptions.list(parts().settings())).value(); }
    result<adoption> adopt(const std::string& id) { return wait(adoptions.adopt(id, parts().settings())); }

    /// What adopting it is refused with; nothing of it is in the ledger then.
    error refusal_of(const std::string& id) {
        const auto done = adopt(id);
        REQUIRE_FALSE(done);
        CHECK_FALSE(l->jobs().find_batch(id));
        CHECK(l->jobs().list(false, 100).size() == jobs_before);
        return done.error();
    }
    std::size_t jobs_before = 0;
};

} // namespace enrichd::test

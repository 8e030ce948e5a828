// SPDX-License-Identifier: Apache-2.0
#include "daemon/target/identity.hpp"

#include "tests/support/catch.hpp"

using namespace enrichd::target;

TEST_CASE("back to another table of the same database it takes the table alone", "[target][identity]") {
    CHECK(how_to_return(make_identity("postgresql:host/db", "events"),
                        make_identity("postgresql:host/db", "articles")) ==
          "set [target] table = 'events' again");
    CHECK(how_to_return(make_identity("sqlite:/srv/rows.db", "app.\"My Events\""),
                        make_identity("sqlite:/srv/rows.db", "events")) ==
          "set [target] table = 'app.\"My Events\"' again");
}

TEST_CASE("back to the same table of another database it takes the URL, or the name where it has moved",
          "[target][identity]") {
    CHECK(how_to_return(make_identity("postgresql:old.host:5433/db", "events"),
                        make_identity("postgresql:new.host/db", "events")) ==
          "set [database] url again; or, if it is the same database under another address, set [database] "
          "name = 'postgresql:old.host:5433/db'");
}

TEST_CASE("back to another table of another database it takes both", "[target][identity]") {
    CHECK(how_to_return(make_identity("postgresql:host/db", "events"),
                        make_identity("sqlite:/srv/rows.db", "articles")) ==
          "set [database] url and [target] table = 'events' again");
}

TEST_CASE("a database that was named is told by its name", "[target][identity]") {
    CHECK(how_to_return("production/events", "postgresql:host/db/events")
              .ends_with("set [database] name = 'production'"));
}

// Where files and sockets are: a user's, the system's, a unit's.
// SPDX-License-Identifier: Apache-2.0
#include "core/config.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/config_fixture.hpp"

using namespace enrichd;
using namespace enrichd::test;

TEST_CASE("files are in the user's folders, the system's, or where systemd says", "[core][config]") {
    SECTION("a user") {
        const auto c = read_config(std::nullopt, std::nullopt, somebody()).value();
        CHECK(default_config_path(somebody()) == "/home/ann/.config/enrichd/enrichd.toml");
        CHECK(c.state_directory == "/home/ann/.local/state/enrichd");
        CHECK(c.control_socket == "/run/user/1000/enrichd.sock");
    }
    SECTION("a user with folders elsewhere; a relative one is passed over") {
        const auto around =
            somebody({{"XDG_CONFIG_HOME", "/c"}, {"XDG_STATE_HOME", "rel"}, {"XDG_RUNTIME_DIR", ""}});
        const auto c = read_config(std::nullopt, std::nullopt, around).value();
        CHECK(default_config_path(around) == "/c/enrichd/enrichd.toml");
        CHECK(c.state_directory == "/home/ann/.local/state/enrichd");
        CHECK(c.control_socket == "/home/ann/.local/state/enrichd/enrichd.sock");
    }
    SECTION("without a runtime folder the socket is beside the state that was configured") {
        const auto c =
            from_toml("[state]\ndirectory = 'data'\n", somebody({{"XDG_RUNTIME_DIR", ""}})).value();
        CHECK(c.control_socket == "data/enrichd.sock");
    }
    SECTION("root") {
        surroundings root{{}, true};
        const auto c = read_config(std::nullopt, std::nullopt, root).value();
        CHECK(default_config_path(root) == "/etc/enrichd/enrichd.toml");
        CHECK(c.state_directory == "/var/lib/enrichd");
        CHECK(c.control_socket == "/run/enrichd/enrichd.sock");
    }
    SECTION("a unit of systemd, whatever the user") {
        surroundings unit{{{"STATE_DIRECTORY", "/s:/other"},
                           {"RUNTIME_DIRECTORY", "/r"},
                           {"CONFIGURATION_DIRECTORY", "/c"},
                           {"CREDENTIALS_DIRECTORY", "/creds"}},
                          false};
        const auto c = read_config(std::nullopt, std::nullopt, unit).value();
        CHECK(default_config_path(unit) == "/c/enrichd.toml");
        CHECK(c.state_directory == "/s");
        CHECK(c.control_socket == "/r/enrichd.sock");
        CHECK(c.provider.credentials_directory == "/creds");
    }
    SECTION("nobody knows") {
        const auto c = read_config(std::nullopt, std::nullopt, surroundings{});
        REQUIRE(c.has_error());
        CHECK(c.error().detail ==
              "environment: HOME: expected a path, got none; set it, or [state] directory");
    }
}

TEST_CASE("a client looks for the user's own daemon first, then for the system's", "[core][config]") {
    CHECK(client_sockets(somebody()) ==
          std::vector<std::string>{"/run/user/1000/enrichd.sock",
                                   "/home/ann/.local/state/enrichd/enrichd.sock",
                                   "/run/enrichd/enrichd.sock"});
    CHECK(client_sockets(surroundings{{}, true}) == std::vector<std::string>{"/run/enrichd/enrichd.sock"});
    CHECK(client_sockets(somebody({{"ENRICHD_SOCKET", "/x"}})) == std::vector<std::string>{"/x"});
}

TEST_CASE("a socket's path must fit the system's limit", "[core][config]") {
    CHECK(from_toml("[control]\nsocket = '/" + std::string(106, 'x') + "'\n").has_value());
    CHECK(from_toml("[control]\nsocket = '/" + std::string(107, 'x') + "'\n").has_error());
}

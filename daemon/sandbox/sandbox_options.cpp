// SPDX-License-Identifier: Apache-2.0
#include "daemon/sandbox/sandbox_options.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <sysexits.h>

namespace enrichd::sandbox {

namespace {

constexpr double usual_batch_seconds =
    480; // the median that is reported of real batches lies at 7 to 15 minutes
constexpr double usual_window_seconds = 86'400; // "24h"

constexpr auto about =
    R"(A local stand-in for a provider of the Batch API, to rehearse with: no key, no money, no network.
Its summaries are extractive (a text's own leading sentences) and its embeddings lexical (hashed words and
character n-grams): real, deterministic and free, but no language model. Replies say so: their
system_fingerprint is "enrich-sandbox".)";

void read_listen(const std::string& listen, sandbox_options& out) {
    const auto colon = listen.rfind(':');
    unsigned port = 65'536;
    if (colon != std::string::npos) {
        const char* end = listen.data() + listen.size();
        const auto [stop, ec] = std::from_chars(listen.data() + colon + 1, end, port);
        if (ec != std::errc() || stop != end) port = 65'536;
    }
    if (port > 65'535)
        throw fatal_error(errc::invalid_input,
                          fmt::format("--listen: expected ADDRESS:PORT, got \"{}\"", listen));
    out.port = static_cast<std::uint16_t>(port);
    out.address = listen.substr(0, colon);
    if (out.address.size() > 1 && out.address.front() == '[')
        out.address = out.address.substr(1, out.address.size() - 2);
}

std::filesystem::path temporary_folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "enrich-sandbox-XXXXXX").native();
    if (!::mkdtemp(pattern.data()))
        throw fatal_error(errc::io, fmt::format("{}: cannot be made; give --data", pattern));
    return pattern;
}

scenario read_scenario(const std::string& path) {
    std::ifstream in(path);
    if (!in) throw fatal_error(errc::invalid_input, fmt::format("--scenario: {} cannot be read", path));
    std::ostringstream text;
    text << in.rdbuf();
    return parse_scenario(text.str(), path).value();
}

} // namespace

sandbox_options read_command_line(int argc, char** argv) {
    sandbox_options out;
    std::string listen = "127.0.0.1:8090", data, scenario_file;
    double speed = 1, batch_seconds = 0, window_seconds = 0;
    CLI::App app(about, "enrich-sandbox");
    app.add_option("--listen", listen, "Where to listen; port 0 takes a free one and prints it")
        ->type_name("ADDRESS:PORT")
        ->capture_default_str();
    app.add_option(
           "--data", data,
           "Folder of files and batches, which survive a restart (default: a temporary one, gone at the end)")
        ->type_name("DIR");
    app.add_option("--speed", speed,
                   "The clock runs so many times faster: a batch takes 480 s / X, its window is 24 h / X")
        ->type_name("X")
        ->check(CLI::Range(0.001, 1e9))
        ->capture_default_str();
    auto* seconds = app.add_option("--batch-seconds", batch_seconds,
                                   "How long a batch takes, whatever the speed; 0: at once")
                        ->type_name("S")
                        ->check(CLI::Range(0.0, 86'400.0));
    auto* window =
        app.add_option("--window-seconds", window_seconds, "When a batch expires, whatever the speed")
            ->type_name("S")
            ->check(CLI::Range(0.001, 86'400.0));
    app.add_option("--scenario", scenario_file, "Faults to meet, as docs/sandbox.md describes them")
        ->type_name("FILE");
    std::uint64_t seed = 0;
    auto* seed_option =
        app.add_option("--seed", seed,
                       "Makes ids and dice the same each time (default: random, kept with the data)")
            ->type_name("N")
            ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{0x7FFFFFFFFFFFFFFF}));
    app.add_option("--api-key", out.service.api_key, "Answer 401 without this key")->type_name("KEY");
    app.add_option("--ready-file", out.ready_file, "Write the URL there once it answers")->type_name("PATH");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) { // CLI11 speaks in exceptions, --help among them
        out.exit_code = app.exit(e) == 0 ? 0 : EX_USAGE;
        return out;
    }
    read_listen(listen, out);
    if (!scenario_file.empty()) out.service.faults = read_scenario(scenario_file);
    out.temporary = data.empty();
    out.service.data = data.empty() ? temporary_folder() : std::filesystem::path(data);
    out.service.clock.batch_seconds = seconds->count() ? batch_seconds : usual_batch_seconds / speed;
    out.service.clock.window_seconds = window->count() ? window_seconds : usual_window_seconds / speed;
    if (seed_option->count()) out.service.seed = seed;
    return out;
}

} // namespace enrichd::sandbox

#!/bin/bash
# Builds enrichd and enriches a few hundred rows of real text on this machine: no key, no server, no questions.
# SPDX-License-Identifier: Apache-2.0
#
#   ./quickstart.sh
#
# The rows are the changelogs of this machine's packages, in a SQLite file; the provider is enrich-sandbox. All
# of it is in .quickstart/, which git ignores; delete that folder to begin anew. What is started here is
# stopped at the end. As a plain user it asks sudo for apt alone.
set -euo pipefail
cd "$(dirname "$0")"

home=.quickstart
programs=build/release/daemon
started=()

step() { printf '\n== %s\n' "$*"; }
die() { echo "quickstart: $*" >&2; exit 1; }

# Whatever happens: what was started here ends, by its pid, the daemon before the sandbox.
stop_all() {
    trap - EXIT INT TERM
    for ((i = ${#started[@]} - 1; i >= 0; i--)); do
        kill "${started[i]}" 2> /dev/null && wait "${started[i]}" 2> /dev/null || true
    done
}
trap stop_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# start NAME COMMAND...: in the background, its words in .quickstart/NAME.log
start() {
    local name=$1
    shift
    "$@" > "$home/$name.log" 2>&1 &
    started+=($!)
}

# wait_for NAME COMMAND...: until the command succeeds, as long as NAME, the last one started, is alive.
wait_for() {
    local name=$1
    shift
    for _ in $(seq 300); do
        "$@" > /dev/null 2>&1 && return 0
        kill -0 "${started[-1]}" 2> /dev/null || break
        sleep 0.1
    done
    tail -n 20 "$home/$name.log" >&2
    die "$name did not start; all it said is in $home/$name.log"
}

enrichctl() { "$programs/enrichctl" --socket "$home/enrichd.sock" "$@"; }

mkdir -p "$home"

step "1 of 4: packages"
scripts/install-deps.sh

step "2 of 4: building enrichd, enrichctl and enrich-sandbox (some minutes the first time)"
build() {
    cmake --preset release > "$home/build.log" 2>&1 || { tail -n 40 "$home/build.log" >&2; return 1; }
    cmake --build --preset release --parallel "$(scripts/jobs.sh)" \
        --target enrichd enrichctl enrich-sandbox changelog_rows
}
if [ -t 1 ]; then
    build || die "the build failed; the lines above say where"
else
    build >> "$home/build.log" 2>&1 || { tail -n 40 "$home/build.log" >&2; die "the build failed"; }
fi

step "3 of 4: rows of real text"
tests/support/real_rows.sh "$home/packages" build/release/tests/support/changelog_rows --sqlite "$home/news.db"

step "4 of 4: summaries and embeddings"
rm -f "$home/sandbox.url"
start sandbox "$programs/enrich-sandbox" --listen 127.0.0.1:0 --data "$home/sandbox" --batch-seconds 3 \
    --ready-file "$home/sandbox.url"
wait_for sandbox test -s "$home/sandbox.url"

(umask 077 && echo sk-quickstart > "$home/api-key")
cat > "$home/enrichd.toml" <<TOML
# Written by quickstart.sh, anew on every run.
[database]
url = "sqlite:$home/news.db"
[provider]
base_url = "$(cat "$home/sandbox.url")/v1"
api_key_file = "$home/api-key"
[state]
directory = "$home/state"
[control]
socket = "$home/enrichd.sock"
[poll]
first_seconds = 0.5
max_seconds = 2
TOML
# Without the caller's variables: a DATABASE_URL or OPENAI_API_KEY of theirs must not count here.
start enrichd env -i PATH="$PATH" HOME="$HOME" "$programs/enrichd" --config "$home/enrichd.toml"
wait_for enrichd enrichctl status

enrichctl migrate
# 3: finished, and some rows failed. They are in the report; the rest is worth looking at.
enrichctl run --auto --wait || { status=$?; [ $status = 3 ] || exit $status; }

step "done"
echo "the report:    $home/state/output/validation/latest/enrichment_report.md"
echo "the database:  $home/news.db"
echo "three of its rows:"
sqlite3 -readonly "$home/news.db" "
    SELECT char(10) || substr(pub_date, 1, 10) || '  ' || title || char(10) ||
           '    ' || replace(summary_en, char(10), char(10) || '    ') || char(10) ||
           '    and an embedding of ' || (length(embedding) / 4) || ' numbers'
    FROM events WHERE summary_en IS NOT NULL AND embedding IS NOT NULL
    ORDER BY pub_date DESC, event_id LIMIT 3"
echo
echo "The sandbox stands in for a provider: its summaries are leading sentences, and no model is behind them."
echo "Run it again, and it finds nothing to do. For your own database, see README.md."

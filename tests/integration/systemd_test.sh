#!/bin/bash
# The unit in a real systemd: the main job, a SIGKILL in the middle of it, and its life in the journal.
# SPDX-License-Identifier: Apache-2.0
#
#   systemd_test.sh BUILD      BUILD is a build folder; `cmake --install` puts it into the container
#
# Needs root. As a plain user it says so and exits 77, which ctest counts as skipped; in CI (CI=true) that fails.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
build=$(realpath "$1")
lab=$here/systemd_lab.sh
cache=$here/../../.cache

if [ "$(id -u)" != 0 ]; then
    echo "systemd_test: NOT RUN, for it needs root to boot a systemd in a container" >&2
    [ -n "${CI:-}" ] && exit 1
    exit 77
fi

# The container needs the packages that the programs' libraries are in. dpkg knows a library under /usr/lib or
# /lib, whichever the package was built with.
libraries() {
    ldd "$build"/daemon/{enrichd,enrichctl,enrich-sandbox} | awk '$3 ~ /^\// { print $3 }' | sort -u
}
packages=$(libraries | while read -r library; do
    file=$(realpath "$library")
    { dpkg-query -S "$file" || dpkg-query -S "${file#/usr}" || dpkg-query -S "$library"; } 2> /dev/null |
        head -n 1 | sed 's/:.*//'
done | sort -u)
[ -n "$packages" ] || { echo "systemd_test: the programs' libraries belong to no package" >&2; exit 1; }

# One container at a time makes the tree; two tests at once would make it twice.
root=$cache/systemd-lab
mkdir -p "$cache"
exec 9> "$cache/systemd-lab.lock"
flock 9
# shellcheck disable=SC2086 # a list of words
"$lab" create "$root" $packages
flock -u 9

given=$(mktemp -d)
trap 'rm -rf "$given"' EXIT
"$here/../support/real_rows.sh" "$cache/packages" "$build/tests/support/changelog_rows" --limit 60 \
    --sqlite "$given/news.db" > /dev/null
cp "$here/systemd_inside.sh" "$given/"

timeout 300 "$lab" run "$root" --install "$build" --bind-ro "$given:/given" -- bash /given/systemd_inside.sh

#!/bin/bash
# Runs changelog_rows; where this machine was trimmed of its changelogs, on packages fetched for it.
# SPDX-License-Identifier: Apache-2.0
#
#   real_rows.sh CACHE PROGRAM [ARGUMENT...]
#
# PROGRAM is changelog_rows, the ARGUMENTs are its own. Container images often keep no documentation; then
# some packages with long histories are downloaded into CACHE and unpacked there, and nothing is installed.
set -euo pipefail
[ $# -ge 2 ] || { sed -n '5s/^# *//p' "$0" >&2; exit 2; }
cache=$1
shift

status=0
"$@" || status=$?
[ $status = 3 ] || exit $status

packages=(apt bash curl dpkg git libc6 linux-libc-dev openssl perl-base systemd tar vim-common)
if [ ! -e "$cache/done" ]; then
    mkdir -p "$cache"
    cache=$(realpath "$cache")
    echo "real_rows: downloading ${#packages[@]} packages with long histories" >&2
    (cd "$cache" && apt-get -qq -o APT::Sandbox::User= download "${packages[@]}") ||
        { echo "apt-get download failed; run apt-get update and try again" >&2; exit 1; }
    for package in "$cache"/*.deb; do
        dpkg-deb --fsys-tarfile "$package" | tar -x -C "$cache" --wildcards './usr/share/doc/*/changelog*' || true
        rm "$package"
    done
    touch "$cache/done"
fi
"$@" --docs /usr/share/doc "$cache/usr/share/doc"

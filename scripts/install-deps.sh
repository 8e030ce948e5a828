#!/bin/bash
# Installs with apt what is missing to build enrichd; with --tests or --full also what its tests need.
# SPDX-License-Identifier: Apache-2.0
#
#   install-deps.sh [--tests | --full]
#
# For Debian 12 and 13. As a plain user it asks sudo for apt-get alone. Where nothing is missing it says so
# and needs neither a network nor any right.
set -euo pipefail
cd "$(dirname "$0")/.."

level=build
case ${1:-} in
"") ;;
--tests) level=tests ;;
--full) level=full ;;
*) sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

say() { echo "install-deps: $*"; }
die() { say "$*" >&2; exit 1; }

. /etc/os-release
[ "${ID:-}" = debian ] || die "this is ${PRETTY_NAME:-an unknown system}; only Debian 12 and 13 are known to work"
release=${VERSION_ID:-13} # testing and unstable have no number
[ "$release" -ge 12 ] || die "Debian $release is too old: its compiler has no C++20 coroutines to rely on"

build=(g++ cmake ninja-build ccache mold pkgconf ca-certificates sqlite3 catch2
       libfmt-dev nlohmann-json3-dev libsqlite3-dev libpq-dev libssl-dev libsystemd-dev libcli11-dev
       libtomlplusplus-dev libsimdjson-dev zlib1g-dev)
if [ "$release" = 12 ]; then
    # Debian 12's libboost-dev is 1.74: too old, and the two exclude each other.
    build+=(libboost1.81-dev libboost-url1.81-dev)
else
    build+=(libboost-dev libboost-url-dev)
fi
tests=(postgresql dpkg-dev make curl procps clang-format systemd-container mmdebstrap)
[ "$release" = 12 ] || tests+=(postgresql-17-pgvector)
# Node.js may well be here from elsewhere, and with npm in it.
command -v node > /dev/null && command -v npm > /dev/null || tests+=(nodejs npm)
# Both releases have this version, and their default ones differ. The last is libFuzzer.
full=(clang-19 clang-tidy-19 libclang-rt-19-dev)

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

missing=()
wanted=("${build[@]}")
[ $level = build ] || wanted+=("${tests[@]}")
[ $level != full ] || wanted+=("${full[@]}")
for package in "${wanted[@]}"; do
    installed "$package" || missing+=("$package")
done

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# apt_get ARGUMENT...: quiet; what apt said is shown if it fails.
apt_get() {
    local command=(apt-get -q -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
    if [ "$(id -u)" = 0 ]; then
        export DEBIAN_FRONTEND=noninteractive
    elif command -v sudo > /dev/null; then
        command=(sudo "${command[@]}")
    else
        die "installing takes root: run as root, or install sudo, or install by hand: ${missing[*]}"
    fi
    "${command[@]}" "$@" < /dev/null > "$log" 2>&1 ||
        { tail -n 30 "$log" >&2; die "apt-get $1 failed"; }
}

updated=
update_once() { [ -n "$updated" ] || apt_get update; updated=yes; }

if [ ${#missing[@]} -gt 0 ]; then
    say "installing ${#missing[@]} packages: ${missing[*]}"
    update_once
    apt_get install -y --no-install-recommends "${missing[@]}"
fi

# Debian 12 has no package of pgvector: it is built from Debian 13's source.
if [ $level != build ] && [ "$release" = 12 ] && ! installed postgresql-15-pgvector; then
    say "building pgvector for PostgreSQL 15"
    update_once
    package_file=$(tests/support/build_pgvector.sh .cache/pgvector)
    missing+=("$package_file")
    apt_get install -y --no-install-recommends "$package_file"
fi

[ ${#missing[@]} -gt 0 ] || say "nothing missing"

#!/bin/bash
# Makes a package of pgvector for the PostgreSQL of this machine, where Debian has none.
# SPDX-License-Identifier: Apache-2.0
#
#   build_pgvector.sh DIR     leaves DIR/postgresql-15-pgvector.deb and prints that path
#
# Debian 12 has PostgreSQL 15 without pgvector; the source package of Debian 13 builds for it unchanged,
# in seconds. apt fetches it, with its own check of the archive's signatures, from the mirror that apt is
# set up with, into folders of this script's own: the machine's package lists are not touched.
# PostgreSQL looks for extensions in one folder of the system only (a path of its own came with 18), so the
# tests need it installed; a package keeps that clean, and lets a plain user do it with sudo for apt alone.
# PostgreSQL's server headers come from their package too, unpacked and not installed, for installed it
# drags half a gigabyte of LLVM along.
set -euo pipefail

[ $# = 1 ] || { echo "usage: $0 DIR" >&2; exit 2; }
mkdir -p "$1"
out=$(realpath "$1")
donor=trixie
die() { echo "build_pgvector: $*" >&2; exit 1; }

pg_config=$(ls -d /usr/lib/postgresql/*/bin/pg_config 2>/dev/null | sort -V | tail -n 1)
[ -n "$pg_config" ] || die "no PostgreSQL in /usr/lib/postgresql: install the package postgresql"
major=$("$pg_config" --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')
package=postgresql-$major-pgvector

mirror=$("$(dirname "$0")/../../scripts/apt-mirror.sh")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir -p etc/sources.list.d lists/partial cache/archives/partial headers
apt-get -qq -o APT::Sandbox::User= download "postgresql-server-dev-$major"
dpkg-deb -x "postgresql-server-dev-${major}"_*.deb headers
echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $donor main" > etc/sources.list
donor_apt=(apt-get -qq -o "Dir::Etc::sourcelist=$work/etc/sources.list"
           -o "Dir::Etc::sourceparts=$work/etc/sources.list.d" -o "Dir::State::lists=$work/lists"
           -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=)
"${donor_apt[@]}" update
"${donor_apt[@]}" source --download-only pgvector
tar -xf pgvector_*.orig.tar.*
cd pgvector-*/
version=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" vector.control)

# Portable code (no -march=native), and no LLVM bitcode: the tests' servers do not use the JIT.
make -s "-j$(nproc)" with_llvm=no OPTFLAGS= "PG_CONFIG=$pg_config" "DESTDIR=$work/made" \
    "includedir_server=$work/headers/usr/include/postgresql/$major/server" \
    all install > "$work/make.log" 2>&1 || { cat "$work/make.log" >&2; die "pgvector did not compile"; }

mkdir -p "$work/root/DEBIAN"
mv "$work/made/usr" "$work/root/"   # without the headers, which followed includedir_server
cat > "$work/root/DEBIAN/control" <<CONTROL
Package: $package
Version: $version-0~local
Architecture: $(dpkg --print-architecture)
Depends: postgresql-$major
Section: database
Priority: optional
Maintainer: built on this machine <root@localhost>
Description: pgvector $version, built from Debian's source for the tests of enrichd
CONTROL
dpkg-deb --root-owner-group -b "$work/root" "$out/$package.deb" > /dev/null
echo "$out/$package.deb"

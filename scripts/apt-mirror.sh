#!/bin/bash
# Prints the mirror that apt is set up with for the running release, whichever of its files names it.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
         awk -v release="$codename" '$1 == release && !seen++ { print $2 }')
[ -n "$mirror" ] || { echo "apt-mirror: apt knows no mirror of $codename; run apt-get update" >&2; exit 1; }
echo "$mirror"

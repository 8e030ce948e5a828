#!/bin/bash
# Prints how many compilers may run at once: one a core, but each wants up to 2 GiB of memory.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cores=$(nproc)
fit=$(awk '/^MemAvailable:/ { print int($2 / (2 * 1024 * 1024)) }' /proc/meminfo)
jobs=$((fit < cores ? fit : cores))
echo $((jobs > 1 ? jobs : 1))

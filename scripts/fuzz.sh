#!/bin/bash
# Builds the fuzz targets with clang's libFuzzer and both sanitizers, and runs them, as many at once as there are cores.
# SPDX-License-Identifier: Apache-2.0
#
#   scripts/fuzz.sh [SECONDS [TARGET...]]
#
# SECONDS is for each target, 60 if not given; without TARGET all are run. What they learn is kept in
# build/fuzz/corpus between runs, a finding in build/fuzz/findings. Exit status 1 if there was one.
# docs/fuzzing.md tells what to do with it.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
[[ $seconds =~ ^[0-9]+$ ]] || { sed -n '5,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
shift $(($# > 0 ? 1 : 0))
targets=("$@")
if [ ${#targets[@]} = 0 ]; then
    for folder in tests/fuzz/corpus/*/; do
        targets+=("$(basename "$folder")")
    done
fi
for target in "${targets[@]}"; do
    [ -f "tests/fuzz/$target.cpp" ] || { echo "fuzz: no target $target in tests/fuzz" >&2; exit 2; }
done

mkdir -p build build/fuzz/findings
cmake --preset fuzz > build/fuzz.log 2>&1 &&
    cmake --build --preset fuzz --parallel "$(scripts/jobs.sh)" --target "${targets[@]/#/fuzz_}" >> build/fuzz.log 2>&1 || {
    grep -E -A 12 'error|FAILED' build/fuzz.log | head -n 40
    echo "the build failed; all of its output is in build/fuzz.log"
    exit 1
}

# fuzz TARGET: says what came of it; fails if there was a finding. A limit for the stack as on a user's machine;
# allocations beyond the limit are findings.
fuzz() {
    local target=$1 grown=build/fuzz/corpus/$1 log=build/fuzz/$1.log status=0 runs merged
    mkdir -p "$grown"
    "build/fuzz/tests/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -use_value_profile=1 \
        -print_final_stats=1 -artifact_prefix="build/fuzz/findings/$target-" "$grown" "tests/fuzz/corpus/$target" \
        > "$log" 2>&1 || status=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    if [ $status != 0 ]; then
        echo "$target: FINDING after ${runs:-?} executions
$(grep -a -E 'broken:|ERROR: |runtime error|SUMMARY|Test unit written' "$log" | head -n 5 | sed 's/^/    /')"
        return 1
    fi
    # Only what reaches something that the smaller ones do not is kept for the next time.
    merged=$grown.merged
    rm -rf "$merged"
    mkdir "$merged"
    "build/fuzz/tests/fuzz/fuzz_$target" -merge=1 "$merged" "$grown" > /dev/null 2>&1 &&
        rm -rf "$grown" && mv "$merged" "$grown"
    rm -rf "$merged"
    echo "$target: ${runs:-?} executions, $(find "$grown" -type f | wc -l) inputs kept, nothing found"
}

# What runs in the background of a script does not hear Ctrl-C.
trap 'trap - INT TERM; kill 0' INT TERM

failed=0
running=0
for target in "${targets[@]}"; do
    if [ "$running" -ge "$(nproc)" ]; then
        wait -n || failed=$((failed + 1))
        running=$((running - 1))
    fi
    fuzz "$target" &
    running=$((running + 1))
done
while [ "$running" -gt 0 ]; do
    wait -n || failed=$((failed + 1))
    running=$((running - 1))
done
[ $failed = 0 ] || { echo "findings in $failed targets: see build/fuzz/findings and docs/fuzzing.md"; exit 1; }

#!/bin/bash
# Installs what is missing, builds, and runs every test.
# SPDX-License-Identifier: Apache-2.0
#
#   ./test.sh           formatting; the release build and all its tests, the slow ones too; the unit tests
#                       once more under AddressSanitizer and UndefinedBehaviorSanitizer. This is what CI runs.
#   ./test.sh --full    also all tests under the sanitizers, a build by clang with clang-tidy over it, and a minute of
#                       fuzzing for each target
#
# The last line is "N passed, N failed"; the exit status is 0 if and only if nothing failed.
set -euo pipefail
cd "$(dirname "$0")"

full=
case ${1:-} in
"") ;;
--full) full=yes ;;
*) sed -n '4,11s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

passed=0
failed=0
failures=()

step() { printf '\n== %s (%s s)\n' "$*" "$SECONDS"; }

# check NAME COMMAND...: one thing that passes or fails.
check() {
    local name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        failures+=("$name")
    fi
}

# build PRESET [CMAKE ARGUMENT...] -- TARGET...: a build that fails ends everything, for nothing can be run.
build() {
    local preset=$1 configure=()
    shift
    while [ "$1" != -- ]; do
        configure+=("$1")
        shift
    done
    shift
    local log=build/$preset.log
    mkdir -p build
    cmake --preset "$preset" "${configure[@]}" > "$log" 2>&1 &&
        cmake --build --preset "$preset" --parallel "$(scripts/jobs.sh)" --target "$@" >> "$log" 2>&1 || {
        grep -E -A 12 'error|FAILED' "$log" | head -n 80
        echo "the build failed; all of its output is in $log"
        echo "$passed passed, $((failed + 1)) failed"
        exit 1
    }
}

# run_tests PRESET [CTEST ARGUMENT...]: counts test cases, not test programs.
run_tests() {
    local preset=$1 status=0 counts
    shift
    ctest --preset "$preset" -j "$(nproc)" --timeout 900 --no-tests=error "$@" || status=$?
    counts=$(awk -f scripts/count_tests.awk "build/$preset/Testing/Temporary/LastTest.log")
    passed=$((passed + ${counts% *}))
    failed=$((failed + ${counts#* }))
    if [ $status != 0 ]; then
        failures+=("ctest --preset $preset")
        [ "${counts#* }" != 0 ] || failed=$((failed + 1))
    fi
}

# clang-format's versions differ in taste: the tree is written with that of Debian 12.
check_format() {
    clang-format --version | grep -q 'version 14\.' || { echo "not checked: clang-format is not 14"; return 0; }
    find core state daemon tests \( -name '*.cpp' -o -name '*.hpp' \) -print0 |
        xargs -0 clang-format --dry-run --Werror
}

check_scripts() {
    local script
    for script in ./*.sh .ci/run scripts/*.sh tests/*/*.sh; do
        bash -n "$script" || return 1
    done
}

step "installing what is missing"
scripts/install-deps.sh "$([ -n "$full" ] && echo --full || echo --tests)"

step "formatting"
check format check_format
check scripts check_scripts

step "release build"
build release -DENRICHD_WERROR=OFF -- all
step "all tests"
run_tests release

if [ -n "$full" ]; then
    step "sanitizer build"
    build sanitize -- all
    step "all tests under the sanitizers"
    run_tests sanitize
    step "clang build with clang-tidy"
    build tidy "-DCMAKE_CXX_CLANG_TIDY=clang-tidy-19;--warnings-as-errors=*" -- all
    passed=$((passed + 1))
    step "fuzzing"
    check fuzzing scripts/fuzz.sh 60
else
    step "sanitizer build of the unit tests"
    build sanitize -- unit_tests
    step "unit tests under the sanitizers"
    run_tests sanitize -L unit
fi

step "done"
[ ${#failures[@]} = 0 ] || printf 'failed: %s\n' "${failures[@]}"
echo "$passed passed, $failed failed"
[ $failed = 0 ]

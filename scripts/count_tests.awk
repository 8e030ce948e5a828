# Reads ctest's LastTest.log and prints "PASSED FAILED": test cases where a program ran many, else programs.
# SPDX-License-Identifier: Apache-2.0

# A Catch2 program closes with one of these two lines.
/^All tests passed \([0-9]+ assertions? in [0-9]+ test cases?\)/ { match($0, / in [0-9]+/); ok = substr($0, RSTART + 4, RLENGTH - 4) }
/^test cases: / {
    if (match($0, /[0-9]+ passed/)) ok = substr($0, RSTART, RLENGTH) + 0
    if (match($0, /[0-9]+ failed/)) bad = substr($0, RSTART, RLENGTH) + 0
}
# Node's test runner closes with these two.
/^# pass [0-9]+/ { ok = $3 }
/^# fail [0-9]+/ { bad = $3 }

/^Test Passed\.$/ { passed += ok ? ok : 1; ok = bad = 0 }
/^Test Failed\.$/ { passed += ok; failed += bad ? bad : 1; ok = bad = 0 }

END { print passed + 0, failed + 0 }

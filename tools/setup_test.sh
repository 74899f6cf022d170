#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The counting behind "N passed, M failed" and the package list, on inputs whose answer is known.
#   sh tools/setup_test.sh
set -eu
cd "$(dirname "$0")/.."
. tools/setup.sh
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
failures=0

expect() {
  if [ "$2" != "$3" ]; then
    say "$1: expected '$2', got '$3'"
    failures=$((failures + 1))
  fi
}

# Each status that ctest 3.25 writes. The output of a test is escaped, so it cannot look like a result.
cat >"$folder/all.xml" <<'XML'
<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="x" tests="8" failures="2" disabled="1" skipped="3">
	<testcase name="ok" classname="ok" time="0.1" status="run">
		<system-out>&lt;testcase status="fail"&gt;</system-out>
	</testcase>
	<testcase name="ok2" classname="ok2" time="0.1" status="run">
		<system-out></system-out>
	</testcase>
	<testcase name="bad &lt;1&gt;" classname="bad" time="0.1" status="fail">
		<failure message=""/>
		<system-out>1 &amp; 2
expected 3</system-out>
	</testcase>
	<testcase name="slow" classname="slow" time="1.0" status="fail">
		<failure message=""/>
	</testcase>
	<testcase name="missing" classname="missing" time="0" status="notrun">
		<skipped message="Unable to find executable"/>
	</testcase>
	<testcase name="fixture" classname="fixture" time="0" status="notrun">
		<skipped message="Fixture dependency failed"/>
	</testcase>
	<testcase name="skip" classname="skip" time="0" status="notrun">
		<skipped message="SKIP_RETURN_CODE=77"/>
	</testcase>
	<testcase name="off" classname="off" time="0" status="disabled">
		<system-out>Disabled</system-out>
	</testcase>
</testsuite>
XML
printf '<testsuite name="x" tests="0">\n</testsuite>\n' >"$folder/none.xml"
expect "every status" "2 4 2" "$(count_results "$folder/all.xml")"
expect "what failed, and what it said" 'FAILED (x): bad <1>
    1 & 2
    expected 3
FAILED (x): slow
FAILED (x): missing
FAILED (x): fixture' "$(print_failures x "$folder/all.xml")"
expect "no test" "0 0 0" "$(count_results "$folder/none.xml")"

expect "malformed lines of the package list" "" "$(
  awk '!/^#/ && NF && ($1 !~ /^(required|optional)$/ || $2 !~ /^(run|test)$/ || NF < 4) { print FNR }' tools/packages.txt
)"
expect "packages named twice" "" "$(awk '!/^#/ && NF { print $3 }' tools/packages.txt | sort | uniq -d)"
expect "purpose of a package" "build" "$(package_purpose cmake)"
expect "jobs when the user says so" "3" "$(CMAKE_BUILD_PARALLEL_LEVEL=3 parallel_jobs)"
if [ "$(CMAKE_BUILD_PARALLEL_LEVEL='' parallel_jobs)" -lt 1 ]; then expect "jobs" "at least 1" "less"; fi

# As on a machine that has cmake and, for the second compiler, the last of the alternatives.
package_installed() { [ "$1" = cmake ] || [ "$1" = clang ]; }
expect "cmake is there" "" "$(missing_packages required run test | grep -x cmake)"
expect "g++ is missing" "g++" "$(missing_packages required run | grep -x 'g++')"
expect "catch2 is no part of run" "" "$(missing_packages required run | grep -x catch2)"
expect "an alternative counts" "" "$(missing_packages required test | grep '^clang')"
expect "catch2 is part of test" "catch2" "$(missing_packages required run test | grep -x catch2)"

if [ "$failures" -ne 0 ]; then exit 1; fi
say "setup_test: the counts and the package list are right"

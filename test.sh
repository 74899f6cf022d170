#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The tests of the project, in legs. The last line of the output is "N passed, M failed", summed over the legs; the
# exit status is 0 only when M is 0. A leg that cannot be built, or that runs no test at all, is a failure.
set -eu
cd "$(dirname "$0")"
. tools/setup.sh

# Labels are a regular expression; - stands for every label but `style`. Targets: what is built, or none.
# LEG            PRESET          LABELS                            TARGETS
# By default what a change to the framework most likely breaks; with --full everything but what is labelled `long`.
legs='
style            release         ^style$                           none
release          release         -                                 all
asan             asan            ^(unit|shared|contract|docs)$     all
no-exceptions    no-exceptions   ^(unit|contract)$                 all
'
full_legs='
tsan             tsan            ^shared$                          tophash_shared_tests
'
# What the leg asan compiles and runs, without the sanitizers: what they would hide.
long_legs='
clang            clang           ^(unit|shared|contract|docs)$     all
'

usage() {
  cat <<'TEXT'
usage: sh test.sh [--no-install] [--full | --long] [--leg NAME]... [--help]

Without --full: the composition and its rules, the map and its layouts, Go's semantics, shared maps, the lab's commands.

  --no-install   install no package; test with what is there
  --full         also the standard doors, storage, collectors, observers, statistics of hashing, the
                 contract by g++ too, the slower commands of the lab, and the leg tsan: what the gate asks for
  --long         all of that, the tests labelled `long`, and the leg clang
  --leg NAME     only this leg; may be repeated:
                   style          layering of the includes, shell scripts, spelling
                   release        g++, everything else: must-fail, consumer, lab; contract with --full; unit and
                                  shared tests with --long, or when this leg is named
                   asan           clang++ with address and undefined-behaviour sanitizers: unit, shared,
                                  contract and documentation tests
                   tsan           clang++ with the thread sanitizer: shared tests alone
                   clang          the same without the sanitizers
                   no-exceptions  g++ -fno-exceptions
TEXT
}

install=yes
full=no
long=no
chosen=
while [ "$#" -gt 0 ]; do
  case $1 in
    --no-install) install=no ;;
    --full) full=yes ;;
    --long) long=yes full=yes ;;
    --leg)
      [ "$#" -ge 2 ] || die "--leg needs a name"
      printf '%s' "$legs$full_legs$long_legs" | grep -q "^$2 " || die "no leg $2: see --help"
      chosen="$chosen $2" full=yes
      shift
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *)
      usage >&2
      exit 64
      ;;
  esac
  shift
done

passed=0
failed=0
skipped=0
failures=

leg_failed() {
  say "leg $1: FAILED: $2"
  failures="$failures
FAILED ($1): $2"
  failed=$((failed + 1))
}

# run_leg NAME PRESET LABELS TARGETS
run_leg() {
  leg_started=$(seconds_now)
  say ""
  say "== leg $1"
  # Tests of single parts run once: compiled by clang++, with the sanitizers. With g++ too in a long run, and in a leg
  # that was asked for by name.
  case $1:$long:${chosen:+chosen} in release:no:) unit_tests=OFF ;; *) unit_tests=ON ;; esac
  case $full in yes) depth=full ;; *) depth=core ;; esac
  if ! configure "$2" "-DTOPHASH_UNIT_TESTS=$unit_tests" "-DTOPHASH_TEST_DEPTH=$depth"; then
    leg_failed "$1" "configure"
    return 0
  fi
  if [ "$4" != none ] && ! build "$2" "$4"; then
    leg_failed "$1" "build"
    return 0
  fi
  built=$(seconds_now)
  results=$(pwd)/build/results-$1.xml
  rm -f "$results"
  if [ "$3" = - ]; then set -- "$1" "$2" -LE "$(excluded_labels style)"; else set -- "$1" "$2" -L "$3" -LE "$(excluded_labels)"; fi
  leg=$1
  folder=build/$2
  shift 2
  status=0
  ctest --test-dir "$folder" --output-on-failure --no-tests=error --parallel "$(parallel_jobs)" \
    --output-junit "$results" "$@" || status=$?
  count_leg "$leg" "$status"
  say "leg $leg: $((built - leg_started)) s to build, $(($(seconds_now) - built)) s to test"
}

# The labels that no test of this run may have.
excluded_labels() {
  labels=${1:-none}
  if [ "$long" = no ]; then labels="$labels|long"; fi
  printf '^(%s)$' "$labels"
}

# count_leg NAME STATUS: adds what ctest wrote, and does not trust it where its exit status says otherwise.
count_leg() {
  leg_passed=0
  leg_failures=0
  leg_skipped=0
  if [ -f "$results" ]; then
    # shellcheck disable=SC2046
    set -- "$1" "$2" $(count_results "$results")
    leg_passed=$3
    leg_failures=$4
    leg_skipped=$5
    what_failed=$(print_failures "$1" "$results")
    failures="$failures${what_failed:+
$what_failed}"
  fi
  passed=$((passed + leg_passed))
  failed=$((failed + leg_failures))
  skipped=$((skipped + leg_skipped))
  if [ $((leg_passed + leg_failures)) -eq 0 ]; then
    leg_failed "$1" "no test ran"
  elif [ "$2" -ne 0 ] && [ "$leg_failures" -eq 0 ]; then
    leg_failed "$1" "ctest ended with status $2"
  fi
  say "leg $1: $leg_passed passed, $leg_failures failed, $leg_skipped skipped"
}

more_legs=
if [ "$full" = yes ]; then more_legs=$full_legs; fi
if [ "$long" = yes ] || [ -n "$chosen" ]; then more_legs=$full_legs$long_legs; fi
if [ "$long" = yes ]; then export TOPHASH_WALK_EVERY_POINT=1; fi
started=$(seconds_now)
install_packages "$install" run test
need_tools cmake ctest ninja g++
while read -r leg preset labels targets; do
  [ -n "$leg" ] || continue
  case " ${chosen:-$leg} " in *" $leg "*) ;; *) continue ;; esac
  run_leg "$leg" "$preset" "$labels" "$targets" </dev/null
done <<LEGS
$legs$more_legs
LEGS

say ""
say "all legs: $(($(seconds_now) - started)) s, $skipped skipped"
if [ -n "$failures" ]; then say "$failures"; fi
say "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# From nothing to findings: installs what is missing, builds the lab, runs its tour on the real traces in
# bench/traces and ends with the path of report.html. Everything it makes is under build/.
set -eu
cd "$(dirname "$0")"
. tools/setup.sh

usage() {
  cat <<'TEXT'
usage: sh run.sh [--no-install] [--help] [-- ARGUMENTS...]

  --no-install   install no package; build with what is there
  -- ARGUMENTS   passed on to `tophash tour`

Installs the missing packages of tools/packages.txt (apt-get, as root or by sudo), builds build/release, runs
  build/release/bench/tophash tour --output build/report
and prints the path of the report. CMAKE_BUILD_PARALLEL_LEVEL sets the number of compile jobs.
TEXT
}

install=yes
while [ "$#" -gt 0 ]; do
  case $1 in
    --no-install) install=no ;;
    -h | --help)
      usage
      exit 0
      ;;
    --)
      shift
      break
      ;;
    *)
      usage >&2
      exit 64
      ;;
  esac
  shift
done

# An example compiles in seconds, the lab takes minutes: what it prints is the first finding.
first_finding() {
  example=02_three_deletions
  build release "examples/example_$example" >build/first-finding.log 2>&1 ||
    { cat build/first-finding.log >&2; die "examples/$example.cpp does not build"; }
  say ""
  say "A first finding, from examples/$example.cpp:"
  "build/release/examples/example_$example" || die "examples/$example.cpp failed"
  say ""
}

started=$(seconds_now)
install_packages "$install" run
need_tools cmake ninja g++
say "Configuring build/release ..."
configure release || die "configure failed"
first_finding
say "Building the lab with $(parallel_jobs) jobs ..."
build release bench/tophash || die "the lab does not build"

rm -f build/report/report.html
build/release/bench/tophash tour --output build/report "$@" ||
  die "tophash tour failed with exit status $?"
[ -s build/report/report.html ] || die "tophash tour wrote no report.html"
say ""
say "Done in $(($(seconds_now) - started)) s. The report, one self-contained page:"
say "$(pwd)/build/report/report.html"

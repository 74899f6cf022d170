#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Plants one bug in a copy of the headers and requires that a test program, the contract battery or another, notices it.
#   planted_bug.sh SOURCE WORK COMPILER LIBRARIES BUG
# SOURCE: the project's folder. WORK: a folder to write to. LIBRARIES: the battery and what it links, in one word
# list. BUG: a file of .ci/bugs, which holds
#   # breaks: the invariant, in words
#   probe: path/of/a/program.cpp   in tests/; contract/probe.cpp where it names none
#   file: path/of/a/header.hpp
#   sed -E commands for that header, each of which must change it
# Exit status 0: noticed. Anything else says what went wrong: a bug that does not apply, or compile, or show.
set -eu
source=$1 work=$2 compiler=$3 libraries=$4 bug=$5
name=$(basename "$bug" .bug)
area=$work/$name
include=$area/include/tophash

fail() {
  printf 'planted bug %s: %s\n' "$name" "$1" >&2
  exit 1
}

rm -rf "$area"
mkdir -p "$include"
for folder in framework policies allocators gc; do cp -R "$source/$folder" "$include/$folder"; done
for door in "$source"/framework/*.hpp; do
  door=$(basename "$door")
  printf '#include <tophash/framework/%s>\n' "$door" >"$include/$door"
done

header=
probe=contract/probe.cpp
planted=0
while IFS= read -r line; do
  case $line in
    '' | '#'*) ;;
    'probe: '*) probe=${line#probe: } ;;
    'file: '*) header=$include/${line#file: } ;;
    *)
      [ -f "$header" ] || fail "no header $header"
      cp "$header" "$area/before"
      sed -E -e "$line" "$area/before" >"$header"
      if cmp -s "$area/before" "$header"; then fail "this changes nothing, follow the header: $line"; fi
      planted=$((planted + 1))
      ;;
  esac
done <"$bug"
[ "$planted" -gt 0 ] || fail "nothing is planted"

# shellcheck disable=SC2086
"$compiler" -std=c++20 -O1 -w -I"$area/include" -I"$source/tests" "$source/tests/$probe" \
  $libraries -pthread -o "$area/probe" || fail "does not compile"

status=0
"$area/probe" >"$area/printed" 2>&1 || status=$?
[ "$status" -ne 0 ] || fail "not noticed"
printf '%s: noticed (status %s)\n' "$name" "$status"
head -n 6 "$area/printed" | cut -c 1-300
rm -rf "$area"

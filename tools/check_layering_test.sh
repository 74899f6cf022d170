#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The layering check must be able to fail: each offence below is planted in a copy of the tree, alone, and must be
# reported with its file, its line and the edge. The untouched copy must pass.
#   sh tools/check_layering_test.sh
set -eu
here=$(cd "$(dirname "$0")" && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT INT TERM
failures=0

# A small tree that keeps the rules: what is checked here is the check, not the project.
fresh_tree() {
  rm -rf "${copy:?}/tree"
  for folder in framework/core framework/concepts framework/layout framework/compose framework/presets policies/growth \
    allocators gc tests bench examples; do
    mkdir -p "$copy/tree/$folder"
  done
  printf '#pragma once\n#include <cstddef>\n' >"$copy/tree/framework/core/load.hpp"
  printf '#pragma once\n#include <tophash/framework/core/load.hpp>\n' >"$copy/tree/framework/concepts/growth.hpp"
  printf '#pragma once\n#include <tophash/framework/concepts/growth.hpp>\n' >"$copy/tree/policies/growth/eager.hpp"
  printf '#pragma once\n#include <tophash/policies/growth/eager.hpp>\n#include <tophash/allocators/system.hpp>\n' \
    >"$copy/tree/framework/presets/defaults.hpp"
  printf '#pragma once\n#include <tophash/framework/presets/defaults.hpp>\n' >"$copy/tree/framework/map.hpp"
  printf '#pragma once\n#include <mimalloc.h>\n' >"$copy/tree/allocators/mimalloc.hpp"
  printf '#include <tophash/map.hpp>\n#include <tophash/gc/facts.hpp>\n' >"$copy/tree/tests/map.cpp"
}

# planted FILE LINE EXPECTED: FILE gets LINE as its last line; the report must hold EXPECTED.
planted() {
  fresh_tree
  mkdir -p "$(dirname "$copy/tree/$1")"
  printf '%s\n' "$2" >>"$copy/tree/$1"
  if sh "$here/check_layering.sh" "$copy/tree" >"$copy/report" 2>&1; then
    echo "not noticed: $2 in $1"
    failures=$((failures + 1))
  elif ! grep -qF -- "$3" "$copy/report"; then
    echo "reported without \"$3\": $2 in $1"
    cat "$copy/report"
    failures=$((failures + 1))
  fi
}

fresh_tree
if ! sh "$here/check_layering.sh" "$copy/tree" >"$copy/report" 2>&1; then
  echo "the tree without an offence was refused:"
  cat "$copy/report"
  failures=$((failures + 1))
fi

planted policies/growth/eager.hpp '#include <tophash/allocators/system.hpp>' \
  'policies/growth/eager.hpp:3: policies/growth must not include allocators/system.hpp'
planted policies/growth/eager.hpp '  #  include <tophash/framework/layout/nodes.hpp>' \
  'policies/growth/eager.hpp:3: policies/growth must not include framework/layout'
planted framework/core/load.hpp '#include <tophash/framework/concepts/growth.hpp>' \
  'framework/core/load.hpp:3: framework/core must not include framework/concepts'
planted framework/core/load.hpp '#include <tophash/map.hpp>' \
  'framework/core/load.hpp:3: framework/core must not include framework: <tophash/map.hpp>'
planted framework/layout/nodes.hpp '#include <tophash/framework/compose/spec.hpp>' \
  'framework/layout/nodes.hpp:1: framework/layout must not include framework/compose'
planted framework/presets/defaults.hpp '#include <tophash/allocators/mimalloc.hpp>' \
  'framework/presets/defaults.hpp:4: framework/presets must not include allocators'
planted gc/boehm.hpp '#include <tophash/framework/layout/nodes.hpp>' \
  'gc/boehm.hpp:1: gc must not include framework/layout'
planted framework/core/load.hpp '#include <absl/hash/hash.h>' \
  'framework/core/load.hpp:3: framework/core must not include outside the standard library'
planted framework/core/load.hpp '#include <random>' 'framework/core/load.hpp:3: too slow to compile'
planted framework/concepts/growth.hpp '#include "../core/load.hpp"' \
  'framework/concepts/growth.hpp:3: project headers are included as <tophash/...>'
planted bench/run.cpp '#include "../framework/map.hpp"' \
  'bench/run.cpp:1: project headers are included as <tophash/...>'
planted framework/utils/strings.hpp '#include <cstddef>' \
  'framework/utils/strings.hpp: is in a folder that tools/layering.txt does not know'
planted tests/map.cpp '#include <tophash/framework/utils/strings.hpp>' \
  'tests/map.cpp:3: includes a header in an unknown folder'

if [ "$failures" -ne 0 ]; then
  echo "check_layering_test: $failures failures"
  exit 1
fi
echo "check_layering_test: the clean tree passes and every planted offence is reported"

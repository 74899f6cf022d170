#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Reads every #include of the project against tools/layering.txt. Prints one line per offence,
#   FILE:LINE: UNIT must not include UNIT: <header>
# and exits 1 if there is any. POSIX sh and awk: it runs on a machine that has nothing else yet.
#   sh tools/check_layering.sh [ROOT]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=${1:-$here/..}
cd "$root"

folders=
for folder in framework policies allocators gc examples tests bench; do
  if [ -d "$folder" ]; then folders="$folders $folder"; fi
done
if [ -z "$folders" ]; then
  echo "check_layering: no source folder under $root" >&2
  exit 2
fi

# shellcheck disable=SC2086  # the folders are the seven words above
find $folders -type f \( -name '*.hpp' -o -name '*.h' -o -name '*.def' -o -name '*.cpp' -o -name '*.ipp' \) |
  LC_ALL=C sort |
  awk -v edges="$here/layering.txt" -f "$here/check_layering.awk"

# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What run.sh and test.sh share: packages, parallelism, configure and build, counting. Sourced, from the root of the
# tree; defines functions and runs nothing. POSIX sh: a fresh Debian has no other tool yet.

say() { printf '%s\n' "$*"; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# --- packages -------------------------------------------------------------------------------------------------------

package_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Any of the alternatives "a|b|c".
any_installed() {
  for alternative in $(printf '%s' "$1" | tr '|' ' '); do
    if package_installed "$alternative"; then return 0; fi
  done
  return 1
}

# missing_packages NEED SET...: the entries of the list that are not installed, one per line.
missing_packages() {
  wanted_need=$1
  shift
  while read -r need set package purpose; do
    case $need in '' | '#'*) continue ;; esac
    case " $* " in *" $set "*) ;; *) continue ;; esac
    if [ "$need" = "$wanted_need" ] && ! any_installed "$package"; then
      printf '%s\n' "$package"
    fi
    : "$purpose"
  done <tools/packages.txt
}

# What a package is for, by the list.
package_purpose() {
  awk -v package="$1" '$3 == package { $1 = $2 = $3 = ""; sub(/^ +/, ""); print }' tools/packages.txt
}

# The first alternative that the configured archives have; nothing when none is there.
available_package() {
  for alternative in $(printf '%s' "$1" | tr '|' ' '); do
    if apt-cache show --no-all-versions "$alternative" >/dev/null 2>&1; then
      printf '%s\n' "$alternative"
      return 0
    fi
  done
}

print_packages() {
  heading=$1
  shift
  if [ "$#" -eq 0 ]; then return 0; fi
  say "$heading"
  for package in "$@"; do
    printf '  %-28s %s\n' "$package" "$(package_purpose "$package")"
  done
}

# apt-get as root, its talk in a log that is shown when it fails.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}
apt_get() {
  mkdir -p build
  if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 "$@" </dev/null >build/apt.log 2>&1; then
    tail -n 25 build/apt.log >&2
    return 1
  fi
}

# install_packages INSTALL(yes|no) SET...
install_packages() {
  install=$1
  shift
  if ! command -v dpkg-query >/dev/null 2>&1; then
    say "This is no Debian: nothing is installed. tools/packages.txt names what is needed."
    return 0
  fi
  required=$(missing_packages required "$@")
  optional=$(missing_packages optional "$@")
  if [ -z "$required$optional" ]; then
    say "Packages: everything is installed."
    return 0
  fi
  # shellcheck disable=SC2086  # one word per package
  {
    print_packages "Missing packages, required:" $required
    print_packages "Missing packages, optional (a feature is off without):" $optional
  }
  if [ "$install" = no ]; then
    say "Not installing (--no-install)."
    return 0
  fi
  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null 2>&1; then
    if [ -z "$required" ]; then
      say "Not root and no sudo: going on without the optional ones."
      return 0
    fi
    # shellcheck disable=SC2086
    die "not root and no sudo; as root: apt-get install --no-install-recommends $(first_alternatives $required)"
  fi
  install_missing
}

first_alternatives() {
  for package in "$@"; do printf '%s ' "${package%%|*}"; done
}

# Installs $required and $optional. An optional package may fail or not exist; a required one may not.
install_missing() {
  say "Reading the package lists ..."
  apt_get update || die "apt-get update failed"
  chosen_required=
  chosen_optional=
  for package in $required; do
    choice=$(available_package "$package")
    if [ -z "$choice" ]; then die "no package $package in the archives that apt knows"; fi
    chosen_required="$chosen_required $choice"
  done
  for package in $optional; do
    choice=$(available_package "$package")
    if [ -z "$choice" ]; then say "No package $package in the archives: its feature stays off."; fi
    chosen_optional="$chosen_optional $choice"
  done
  say "Installing:$chosen_required$chosen_optional"
  # shellcheck disable=SC2086
  if apt_get install --no-install-recommends $chosen_required $chosen_optional; then return 0; fi
  if [ -z "$chosen_required" ]; then
    say "The optional packages could not be installed: going on without them."
    return 0
  fi
  say "Trying the required packages alone."
  # shellcheck disable=SC2086
  apt_get install --no-install-recommends $chosen_required || die "apt-get install failed:$chosen_required"
}

# --- build ----------------------------------------------------------------------------------------------------------

# min(cores, free memory / 0.6 GB): one test translation unit takes up to 0.5 GB to compile.
parallel_jobs() {
  if [ -n "${CMAKE_BUILD_PARALLEL_LEVEL:-}" ]; then
    printf '%s\n' "$CMAKE_BUILD_PARALLEL_LEVEL"
    return 0
  fi
  cores=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
  by_memory=$(awk '/^MemAvailable:/ { print int($2 / 600000) }' /proc/meminfo 2>/dev/null || true)
  jobs=$cores
  if [ -n "$by_memory" ] && [ "$by_memory" -lt "$jobs" ]; then jobs=$by_memory; fi
  if [ "$jobs" -lt 1 ]; then jobs=1; fi
  printf '%s\n' "$jobs"
}

need_tools() {
  for tool in "$@"; do
    if ! command -v "$tool" >/dev/null 2>&1; then
      die "$tool is not here; tools/packages.txt names the packages, run without --no-install to install them"
    fi
  done
}

# configure PRESET: its output is kept; the table of features is shown the first time, as it is the same for each.
features_shown=no
configure() {
  mkdir -p build
  configured=$1
  shift
  if ! cmake --preset "$configured" "$@" >"build/configure-$configured.log" 2>&1; then
    cat "build/configure-$configured.log" >&2
    return 1
  fi
  awk -v brief="$features_shown" '
    /^-- (Configuring|Generating) / { shown = 0 }
    shown && brief == "no"
    /^-- tophash [0-9]/ { shown = 1; print }' "build/configure-$configured.log"
  features_shown=yes
}

# build PRESET [TARGET...]: stops at the first error, as later ones mostly follow from it.
build() {
  preset=$1
  shift
  if [ "$#" -gt 0 ]; then
    cmake --build --preset "$preset" --parallel "$(parallel_jobs)" --target "$@"
  else
    cmake --build --preset "$preset" --parallel "$(parallel_jobs)"
  fi
}

# --- counting -------------------------------------------------------------------------------------------------------

# count_results FILE: "PASSED FAILED SKIPPED" of a JUnit file by ctest. A test whose program is missing or whose
# fixture failed is "notrun" with ctest's exit status alone telling; here it is a failure. Only a test that asked
# to be skipped is skipped.
count_results() {
  awk '
    function settle() {
      if (status == "run") ++passed
      else if (status == "disabled" || (status == "notrun" && asked)) ++skipped
      else if (status != "") ++failed
      status = ""
      asked = 0
    }
    /^[ \t]*<testcase / {
      settle()
      status = "unknown"
      if (match($0, / status="[a-z]*"/)) status = substr($0, RSTART + 9, RLENGTH - 10)
    }
    /^[ \t]*<skipped message="SKIP_/ { asked = 1 }
    END {
      settle()
      print passed + 0, failed + 0, skipped + 0
    }' "$1"
}

# print_failures LEG FILE: each test of the JUnit file that failed, and the last lines that it wrote: at the end of a
# long log, where one looks first.
print_failures() {
  awk -v leg="$1" -v kept=25 '
    function plain(text) {
      gsub(/&lt;/, "<", text); gsub(/&gt;/, ">", text); gsub(/&quot;/, "\"", text); gsub(/&apos;/, "\047", text)
      gsub(/&amp;/, "\\&", text)
      return text
    }
    function settle(  line) {
      if (status != "" && status != "run" && status != "disabled" && !asked) {
        print "FAILED (" leg "): " plain(name)
        for (line = lines > kept ? lines - kept : 0; line < lines; ++line) print "    " plain(said[line])
      }
      status = ""; asked = 0; lines = 0; inside = 0
    }
    /^[ \t]*<testcase / {
      settle()
      status = "unknown"
      if (match($0, / status="[a-z]*"/)) status = substr($0, RSTART + 9, RLENGTH - 10)
      name = $0
      sub(/^[ \t]*<testcase name="/, "", name); sub(/".*/, "", name)
      next
    }
    /^[ \t]*<skipped message="SKIP_/ { asked = 1 }
    /<system-out>/ { inside = 1; sub(/.*<system-out>/, "") }
    /<\/system-out>/ { if (inside) { sub(/<\/system-out>.*/, ""); if ($0 != "") said[lines++] = $0 } inside = 0 }
    inside { said[lines++] = $0 }
    END { settle() }' "$2"
}

seconds_now() { date +%s; }

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs `sh run.sh` and `sh test.sh` in a bare Debian 12, so that a package or a step that only this machine has
# shows. Makes the root with mmdebstrap (else debootstrap) from the archives that apt knows here, puts a clean clone
# of HEAD into it, works in namespaces of its own so that no mount survives, and copies report.html out.
# Needs root; prints how long each command took.
set -eu
cd "$(dirname "$0")/.."
. tools/setup.sh

usage() {
  cat <<'TEXT'
usage: sh tools/fresh.sh [--run-only | --test-only] [--root DIR] [--keep] [--cores N] [--mirror URI]

  --run-only    only `sh run.sh`
  --test-only   only `sh test.sh`
  --root DIR    where the Debian root is made (default: a new folder in $TMPDIR or /tmp); must not exist, or be empty
  --keep        leave the root there afterwards
  --cores N     cores the commands may use (default 2)
  --mirror URI  Debian archive to install from, instead of those in this machine's apt sources
The report is copied to build/fresh/report.html, what the commands said to build/fresh/*.log.
TEXT
}

suite=bookworm
what="run test"
root=
keep=no
cores=2
mirror=
while [ "$#" -gt 0 ]; do
  case $1 in
    --run-only) what='run' ;;
    --test-only) what='test' ;;
    --keep) keep=yes ;;
    --root | --cores | --mirror)
      [ "$#" -ge 2 ] || die "$1 needs a value"
      case $1 in --root) root=$2 ;; --cores) cores=$2 ;; --mirror) mirror=$2 ;; esac
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

[ "$(id -u)" -eq 0 ] || die "tools/fresh.sh makes a root and changes into it: run it as root"
need_tools git unshare chroot taskset

# The Debian archives of this machine, as one-line sources. apt itself is asked, so both file formats are read.
debian_sources() {
  if [ -n "$mirror" ]; then
    say "deb $mirror $suite main"
    return 0
  fi
  # The dollar signs are apt's placeholders.
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    awk -v suite="$suite" '
      ($2 == suite || $2 == suite "-updates" || $2 == suite "-security") && $3 == "main" && !seen[$1 $2]++ {
        print "deb " $1 " " $2 " main"
      }'
}

# How apt reaches the archives here (proxies, checks of dates): part of the machine, not of the project. Hooks and
# index settings stay behind, as they name programs that a bare root lacks.
apt_settings() {
  apt-config dump | grep -E '^Acquire::(http|https|ftp|Retries|ForceIPv4|ForceIPv6|Check-Valid-Until|Check-Date|AllowInsecure|Max-)' || true
}

make_root() {
  sources=$(debian_sources)
  [ -n "$sources" ] || die "apt here knows no archive of Debian $suite; name one: --mirror URI"
  say "Making a bare Debian ($suite) from:"
  say "$sources"
  apt_settings >"$work/apt.conf"
  extra=
  case $sources in *https://*) extra=ca-certificates ;; esac
  if command -v mmdebstrap >/dev/null 2>&1; then
    printf '%s\n' "$sources" | mmdebstrap --quiet --variant=apt ${extra:+--include=$extra} \
      --aptopt="$work/apt.conf" "$suite" "$root" - >"$work/bootstrap.log" 2>&1 ||
      { cat "$work/bootstrap.log" >&2; die "mmdebstrap failed"; }
  elif command -v debootstrap >/dev/null 2>&1; then
    first=$(printf '%s\n' "$sources" | awk -v suite="$suite" '$3 == suite { print $2; exit }')
    debootstrap --variant=minbase ${extra:+--include=$extra} "$suite" "$root" "$first" >"$work/bootstrap.log" 2>&1 ||
      { tail -n 30 "$work/bootstrap.log" >&2; die "debootstrap failed"; }
    printf '%s\n' "$sources" >"$root/etc/apt/sources.list"
    cp "$work/apt.conf" "$root/etc/apt/apt.conf.d/90host"
  else
    die "neither mmdebstrap nor debootstrap is here"
  fi
  if [ -e /etc/resolv.conf ]; then
    rm -f "$root/etc/resolv.conf"
    cat /etc/resolv.conf >"$root/etc/resolv.conf"
  fi
}

# inside COMMAND...: in the root, with its own mounts and processes, and an environment that carries nothing over
# but the proxies.
inside() {
  # shellcheck disable=SC2016
  unshare --mount --pid --fork --kill-child sh -eu -c '
    root=$1
    cores=$2
    shift 2
    mount -t proc proc "$root/proc"
    mount --rbind /sys "$root/sys"
    mount --rbind /dev "$root/dev"
    mount --make-rslave "$root/sys"
    mount --make-rslave "$root/dev"
    exec taskset --cpu-list "$cores" chroot "$root" env -i HOME=/root TERM="${TERM:-dumb}" LC_ALL=C.UTF-8 \
      PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
      ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
      ${no_proxy:+no_proxy="$no_proxy"} "$@"
  ' inside "$root" "$(first_cores)" "$@"
}

# The first N cores that this process may use.
first_cores() {
  taskset --cpu-list --pid $$ | sed 's/.*: //' | tr ',' '\n' |
    awk -F- -v wanted="$cores" '{ for (i = $1; i <= ($2 == "" ? $1 : $2) && n < wanted; ++i) { printf "%s%d", (n++ ? "," : ""), i } }'
}

# command_inside NAME SCRIPT GOAL: GOAL is what it should take, in seconds; it is printed, not enforced.
command_inside() {
  say ""
  say "== sh $2"
  began=$(seconds_now)
  status=0
  { inside sh -c "cd /tophash && exec sh $2" 2>&1 && : >"$work/$1.ok"; } | tee "$results/$1.log" || true
  [ -e "$work/$1.ok" ] || status=1
  durations="$durations
  sh $2$(printf '%*s' $((12 - ${#2})) '')$(($(seconds_now) - began)) s (goal $3 s)"
  if [ "$status" -ne 0 ]; then overall=1; fi
  changed=$(git -C "$root/tophash" status --porcelain)
  if [ -n "$changed" ]; then
    say "sh $2 left the tree changed:"
    say "$changed"
    overall=1
  fi
}

results=$(pwd)/build/fresh
mkdir -p "$results"
rm -f "$results/report.html" "$results"/*.log
work=$(mktemp -d)
if [ -z "$root" ]; then root=$(mktemp -d "${TMPDIR:-/tmp}/tophash-fresh.XXXXXX"); fi
mkdir -p "$root"
[ -z "$(ls -A "$root")" ] || die "$root is not empty"
root=$(cd "$root" && pwd)
# shellcheck disable=SC2317  # called by the trap
tidy() {
  rm -rf "$work"
  if [ "$keep" = no ]; then rm -rf --one-file-system "$root"; else say "The root is kept: $root"; fi
}
trap tidy EXIT
trap 'exit 130' INT TERM

overall=0
durations=
began=$(seconds_now)
make_root
say "The root took $(($(seconds_now) - began)) s."
git clone --quiet --no-hardlinks . "$root/tophash"
# A clone remembers where it came from; nothing in the root may.
git -C "$root/tophash" remote remove origin

case $what in *run*)
  command_inside run run.sh 480
  if [ -s "$root/tophash/build/report/report.html" ]; then cp "$root/tophash/build/report/report.html" "$results/"; fi
  ;;
esac
case $what in *test*) command_inside test test.sh 720 ;; esac

say ""
say "commit $(git rev-parse --short HEAD), $(inside nproc) cores, bare Debian $(cat "$root/etc/debian_version"):$durations"
if [ -s "$results/report.html" ]; then say "  report       $results/report.html"; fi
if [ "$overall" -ne 0 ]; then say "  FAILED"; fi
exit "$overall"

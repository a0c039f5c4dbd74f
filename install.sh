#!/bin/sh
# Installs bocker.
#
#   curl -fsSL URL/install.sh | BOCKER_URL=URL sh      a released binary for this machine
#   ./install.sh                                       in a checkout: build it, with what the build needs
#
# A binary is downloaded beside its destination, its checksum compared, started once, and only then renamed
# into place: a failed or interrupted run changes nothing. All code is in functions that the last line
# calls, so a script cut short by a broken connection does nothing either.
set -eu

PROGRAM=bocker
DEFAULT_PREFIX=/usr/local

usage() {
  cat <<'END'
Usage: install.sh [options]

In a checkout of bocker, builds and installs it from source; otherwise installs a released binary.

  --prefix DIR     install to DIR/bin (default /usr/local; BOCKER_PREFIX)
  --version V      release to install (default: the latest; BOCKER_VERSION)
  --url URL        where releases are: URL/latest, URL/vV/SHA256SUMS, … (BOCKER_URL)
  --release        install a release although this is a checkout
  --help           show this page

Example: curl -fsSL https://example.org/bocker/install.sh | BOCKER_URL=https://example.org/bocker sh
END
}

say() { printf '%s\n' "$*"; }

# die MESSAGE [HINT]
die() {
  printf 'install.sh: %s\n' "$1" >&2
  if [ "${2-}" ]; then printf 'hint: %s\n' "$2" >&2; fi
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# --- clean-up -------------------------------------------------------------------------------------------

WORK=
CHILD=

clean_up() {
  if [ "$CHILD" ]; then kill "$CHILD" 2>/dev/null || :; fi
  if [ "$WORK" ]; then rm -rf "$WORK"; fi
}

on_signal() {
  trap - EXIT
  clean_up
  printf 'install.sh: interrupted, nothing was installed\n' >&2
  exit "$1"
}

arm_clean_up() {
  trap clean_up EXIT
  trap 'on_signal 129' HUP
  trap 'on_signal 130' INT
  trap 'on_signal 143' TERM
}

# make_work_dir BINDIR: WORK is a private directory on the file system of BINDIR, so that rename is atomic.
make_work_dir() {
  mkdir -p "$1" 2>/dev/null || die "cannot create \"$1\"" "$(privilege_hint)"
  WORK=$(mktemp -d "$1/.$PROGRAM-install.XXXXXX" 2>/dev/null) ||
    die "cannot write to \"$1\"" "$(privilege_hint)"
}

privilege_hint() {
  if [ "$(id -u)" = 0 ]; then
    say "choose another directory with --prefix"
  elif have sudo; then
    say "run it with sudo, or choose a directory of yours with --prefix"
  else
    say "run it as root, or choose a directory of yours with --prefix"
  fi
}

# put_in_place FILE BINDIR: FILE (inside WORK) becomes BINDIR/bocker, after it has proved that it starts.
put_in_place() {
  chmod 0755 "$1"
  reported=$("$1" --version 2>&1) ||
    die "the new $PROGRAM does not start on this machine: $reported" "on musl systems install libstdc++ first"
  mv -f "$1" "$2/$PROGRAM" || die "cannot replace \"$2/$PROGRAM\""
  say "installed $2/$PROGRAM ($reported)"
  case ":$PATH:" in
    *":$2:"*) ;;
    *) say "note: $2 is not in PATH" ;;
  esac
}

# --- a released binary ----------------------------------------------------------------------------------

# The words of the asset names: linux-x64, linux-arm64-musl …
detect_target() {
  [ "$(uname -s)" = Linux ] || die "bocker runs on Linux, and this is $(uname -s)"
  case $(uname -m) in
    x86_64 | amd64) arch=x64 ;;
    aarch64 | arm64) arch=arm64 ;;
    *) die "there is no release for the architecture \"$(uname -m)\"" "releases are for x86_64 and aarch64" ;;
  esac
  if is_musl; then say "linux-$arch-musl"; else say "linux-$arch"; fi
}

# musl's loader is there and glibc's is not (a glibc system may have musl installed beside it).
is_musl() {
  for loader in /lib/ld-musl-*.so.1; do
    [ -e "$loader" ] || return 1
  done
  for loader in /lib/ld-linux-*.so.* /lib64/ld-linux-*.so.*; do
    if [ -e "$loader" ]; then return 1; fi
  done
}

# download URL FILE: in the background, so that a signal is answered at once and not after the transfer.
download() {
  if have curl; then
    curl -fsSL --connect-timeout 20 --retry 2 -o "$2" "$1" 2>"$WORK/log" &
  elif have wget; then
    wget -q -O "$2" "$1" 2>"$WORK/log" &
  else
    die "neither curl nor wget is installed"
  fi
  CHILD=$!
  status=0
  wait "$CHILD" || status=$?
  CHILD=
  if [ "$status" -ne 0 ]; then
    reason=$(tail -n 1 "$WORK/log")
    die "cannot download \"$1\": ${reason:-exit status $status}" "${3-}"
  fi
}

sha256_of() {
  if have sha256sum; then
    sha256sum "$1"
  elif have shasum; then
    shasum -a 256 "$1"
  elif have openssl; then
    openssl dgst -sha256 -r "$1"
  else
    die "nothing here computes SHA-256" "install coreutils, perl or openssl"
  fi | cut -d ' ' -f 1
}

# verify FILE NAME: compares with the line of NAME in WORK/SHA256SUMS.
verify() {
  wanted=$(awk -v name="$2" '{ sub(/^\*/, "", $2) } $2 == name { print $1; exit }' "$WORK/SHA256SUMS")
  [ "$wanted" ] || die "SHA256SUMS has no line for \"$2\"" "this release was not built for this machine"
  got=$(sha256_of "$1")
  [ "$wanted" = "$got" ] ||
    die "checksum of \"$2\" does not match: want $wanted, got $got" "try again; if it stays, do not trust this server"
}

install_release() {
  [ "$URL" ] || die "where releases are is not known" "pass --url URL, set BOCKER_URL, or run ./install.sh in a checkout"
  target=$(detect_target)
  make_work_dir "$BINDIR"
  if [ -z "$VERSION" ]; then
    download "$URL/latest" "$WORK/latest" "pass --version to choose a release"
    VERSION=$(head -n 1 "$WORK/latest" | tr -d '\r')
  fi
  case $VERSION in
    '' | *[!0-9A-Za-z.+-]*) die "\"$VERSION\" is not a version" ;;
  esac
  asset=$PROGRAM-$target.gz
  say "installing $PROGRAM $VERSION for $target to $BINDIR"
  download "$URL/v$VERSION/SHA256SUMS" "$WORK/SHA256SUMS" "is there a version $VERSION?"
  download "$URL/v$VERSION/$asset" "$WORK/$asset"
  verify "$WORK/$asset" "$asset"
  gzip -dc "$WORK/$asset" >"$WORK/$PROGRAM" || die "cannot unpack \"$asset\"" "is the disk full?"
  put_in_place "$WORK/$PROGRAM" "$BINDIR"
  warn_missing_tools
}

# Containers start without these, but not on the default network.
warn_missing_tools() {
  have ip || say "note: bridge networks need \"ip\" (package iproute2)"
  have nft || have iptables || say "note: published ports and outgoing traffic need \"nft\" (package nftables)"
}

# --- from source ----------------------------------------------------------------------------------------

package_manager() {
  for manager in apt-get dnf apk zypper pacman; do
    if have "$manager"; then
      say "$manager"
      return
    fi
  done
}

# package_for MANAGER NEED: the package that brings NEED.
package_for() {
  case $2:$1 in
    cc:apt-get) say "gcc libc6-dev" ;;
    cc:dnf) say "gcc glibc-devel" ;;
    cc:apk) say "gcc musl-dev" ;;
    cc:zypper) say "gcc glibc-devel" ;;
    cc:pacman) say "gcc" ;;
    ip:dnf) say "iproute" ;;
    ip:*) say "iproute2" ;;
    nft:*) say "nftables" ;;
    busybox:apt-get | busybox:apk | busybox:zypper) say "busybox-static" ;;
    busybox:*) say "busybox" ;;
    npm:apk) say "nodejs npm libstdc++" ;;
    npm:pacman) say "nodejs npm" ;;
    npm:*) say "npm" ;;
  esac
}

has_need() {
  case $1 in
    cc) have cc || have gcc || have clang ;;
    busybox) is_static_busybox /bin/busybox || is_static_busybox /bin/busybox.static || is_static_busybox /usr/bin/busybox ;;
    *) have "$1" || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ] ;;
  esac
}

# A dynamically linked program names its loader in the first page.
is_static_busybox() {
  [ -x "$1" ] && ! head -c 4096 "$1" | grep -q -e '/ld-linux' -e '/ld-musl'
}

install_missing() {
  missing=
  packages=
  manager=$(package_manager)
  for need in cc ip nft busybox npm; do
    if ! has_need "$need"; then
      missing="$missing $need"
      if [ "$manager" ]; then packages="$packages $(package_for "$manager" "$need")"; fi
    fi
  done
  [ "$missing" ] || return 0
  [ "$manager" ] || die "missing:$missing" "install them; no package manager that this script knows is here"
  [ "$(id -u)" = 0 ] || die "missing:$missing" "run it with sudo, or install them first:$packages"
  say "missing:$missing"
  say "installing with $manager:$packages"
  # shellcheck disable=SC2086 # a list of words
  run_package_manager "$manager" $packages || die "$manager could not install:$packages"
}

run_package_manager() {
  manager=$1
  shift
  case $manager in
    apt-get)
      apt-get update -q -q </dev/null &&
        DEBIAN_FRONTEND=noninteractive apt-get install -q -q -y --no-install-recommends "$@" </dev/null >/dev/null
      ;;
    dnf) dnf install -q -y "$@" </dev/null ;;
    apk) apk add --quiet "$@" </dev/null ;;
    zypper) zypper --quiet --non-interactive install "$@" </dev/null ;;
    pacman) pacman -Sy --noconfirm --needed "$@" </dev/null ;;
  esac
}

install_from_source() {
  say "installing $PROGRAM from the checkout $CHECKOUT to $BINDIR"
  make_work_dir "$BINDIR"
  install_missing
  cd "$CHECKOUT"
  if ! node_modules/.bin/bun --version >/dev/null 2>&1; then
    say "npm ci: fetching the toolchain"
    npm ci --no-audit --no-fund </dev/null >"$WORK/npm" 2>&1 || {
      cat "$WORK/npm" >&2
      die "npm ci failed"
    }
  fi
  say "building"
  node_modules/.bin/bun .ci/build.ts </dev/null || die "the build failed"
  cp "dist/$PROGRAM" "$WORK/$PROGRAM" || die "cannot copy the binary to \"$BINDIR\"" "is the disk full?"
  put_in_place "$WORK/$PROGRAM" "$BINDIR"
}

# The directory of this script when it is a file in a checkout; empty when it came through a pipe.
find_checkout() {
  case $0 in
    */install.sh | install.sh) directory=$(dirname "$0") ;;
    *) return 0 ;;
  esac
  if grep -q '"name": "bocker"' "$directory/package.json" 2>/dev/null; then
    (cd "$directory" && pwd)
  fi
}

# --- --------------------------------------------------------------------------------------------------

parse_options() {
  while [ $# -gt 0 ]; do
    case $1 in
      --help | -h)
        usage
        exit 0
        ;;
      --release)
        FROM=release
        shift
        continue
        ;;
      --prefix=* | --version=* | --url=*)
        option=${1%%=*}
        value=${1#*=}
        shift
        ;;
      --prefix | --version | --url)
        [ $# -ge 2 ] || die "$1 needs a value" "see install.sh --help"
        option=$1
        value=$2
        shift 2
        ;;
      *) die "unknown option \"$1\"" "see install.sh --help" ;;
    esac
    [ "$value" ] || die "$option needs a value" "see install.sh --help"
    case $option in
      --prefix) PREFIX=$value ;;
      --version) VERSION=${value#v} FROM=release ;;
      --url) URL=$value FROM=release ;;
    esac
  done
}

main() {
  PREFIX=${BOCKER_PREFIX:-$DEFAULT_PREFIX}
  VERSION=${BOCKER_VERSION:-}
  VERSION=${VERSION#v}
  URL=${BOCKER_URL:-}
  CHECKOUT=$(find_checkout)
  FROM=release
  if [ "$CHECKOUT" ]; then FROM=source; fi
  parse_options "$@"
  URL=${URL%/}
  case $PREFIX in
    /*) ;;
    *) PREFIX=$PWD/$PREFIX ;;
  esac
  BINDIR=${PREFIX%/}/bin
  arm_clean_up
  if [ "$FROM" = source ]; then install_from_source; else install_release; fi
}

main "$@"

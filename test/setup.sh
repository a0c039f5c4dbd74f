#!/bin/sh
# Installs the Debian packages that the tests, and with --bench the benchmarks, use, and the toolchain of
# package.json. Only what is missing; safe to run again.
set -eu

TEST_PACKAGES='
  gcc libc6-dev busybox-static iproute2 nftables iptables
  git ca-certificates curl wget xz-utils zstd gzip tzdata
  docker-registry apache2-utils skopeo umoci
  crun runc podman containerd docker.io buildah
  expect socat strace shellcheck
  gcc-aarch64-linux-gnu'
# Machines of other kinds than this one are emulated: test/vm.
VM_PACKAGES='qemu-system-x86 e2fsprogs'
BENCH_PACKAGES='runc podman docker.io'

packages=$TEST_PACKAGES
case ${1-} in
  '') ;;
  --bench) packages="$packages $BENCH_PACKAGES" ;;
  *)
    echo "usage: test/setup.sh [--bench]" >&2
    exit 1
    ;;
esac
if [ "$(uname -m)" = x86_64 ]; then packages="$packages $VM_PACKAGES"; fi
if ! command -v npm >/dev/null 2>&1; then packages="$packages npm"; fi

if ! command -v apt-get >/dev/null 2>&1; then
  echo "test/setup.sh: the tests are set up for Debian; install by hand what provides:$packages" >&2
  exit 1
fi

missing=
for package in $packages; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || :)
  if [ "$state" != installed ]; then missing="$missing $package"; fi
done

if [ "$missing" ]; then
  if [ "$(id -u)" != 0 ]; then
    echo "test/setup.sh: missing packages, and only root can install them:$missing" >&2
    exit 1
  fi
  echo "installing:$missing"
  apt-get update -q -q </dev/null
  # shellcheck disable=SC2086 # a list of words
  DEBIAN_FRONTEND=noninteractive apt-get install -q -q -y --no-install-recommends $missing </dev/null >/dev/null
fi

cd "$(dirname "$0")/.."
if [ "$(uname -m)" = x86_64 ]; then test/vm/fetch-kernel.sh; fi
if ! node_modules/.bin/bun --version >/dev/null 2>&1; then
  echo "npm ci"
  npm ci </dev/null
fi
echo "ready: npm test"

#!/bin/sh
# Unpacks Debian's kernel for clouds, its image and its modules, into build/vm, where test/vm/machine.ts boots it from. It is not
# installed: what this machine boots is not the tests' business. Nothing is done when it is there already.
set -eu
cd "$(dirname "$0")/../.."
target=build/vm
if [ -e "$target/version" ]; then exit 0; fi

architecture=$(dpkg --print-architecture)
meta=linux-image-cloud-$architecture
# The meta package names the version of the day.
find_package() { apt-cache depends "$meta" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-.*\)/\1/p' | head -n 1; }

package=$(find_package)
if [ -z "$package" ]; then
  apt-get update -q -q </dev/null
  package=$(find_package)
fi
if [ -z "$package" ]; then
  echo "test/vm/fetch-kernel.sh: apt knows no package $meta" >&2
  exit 1
fi

rm -rf "$target"
mkdir -p "$target/unpacked"
echo "fetching: $package"
(cd "$target" && apt-get download -q -q -o APT::Sandbox::User=root "$package" </dev/null)
dpkg -x "$target"/*.deb "$target/unpacked"
rm -f "$target"/*.deb
version=$(ls "$target/unpacked/lib/modules")
busybox depmod -b "$target/unpacked" "$version"
# Last, so that a half-made directory is never taken for a whole one.
echo "$version" >"$target/version"

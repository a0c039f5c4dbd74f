#!/bin/sh
# Compiles init and launch for one architecture into build/native/ARCH. Usage: build.sh [x86_64|arm64]
# CC overrides the compiler for the machine's own architecture, CC_ARM64 and CC_X86_64 the cross compilers.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
machine=$(uname -m)
[ "$machine" = aarch64 ] && machine=arm64
arch=${1:-$machine}

case $arch in
x86_64) cross=${CC_X86_64:-x86_64-linux-gnu-gcc} ;;
arm64) cross=${CC_ARM64:-aarch64-linux-gnu-gcc} ;;
*)
	echo "build.sh: unknown architecture \"$arch\" (x86_64 or arm64)" >&2
	exit 2
	;;
esac
if [ "$arch" = "$machine" ]; then compiler=${CC:-cc}; else compiler=$cross; fi

if ! command -v "$compiler" >/dev/null 2>&1; then
	echo "build.sh: no C compiler for $arch: \"$compiler\" not found" >&2
	if [ "$arch" = "$machine" ]; then
		echo "hint: install gcc (Debian, Ubuntu: apt-get install gcc; Alpine: apk add gcc; Fedora: dnf install gcc)" >&2
	else
		echo "hint: install the cross compiler (Debian, Ubuntu: apt-get install gcc-${cross%-gcc})" >&2
	fi
	exit 1
fi

out=${BOCKER_NATIVE_OUT:-$here/../../build/native/$arch}
mkdir -p "$out"
common="-std=gnu11 -Os -Wall -Wextra -Werror -ffreestanding -fno-builtin -nostdlib -fno-stack-protector
	-fno-asynchronous-unwind-tables -fno-unwind-tables -fno-tree-loop-distribute-patterns -fomit-frame-pointer
	-Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,noseparate-code -Wl,-z,norelro -s"

# Written beside the target and renamed, so that a failed or parallel build never leaves half a file.
compile() {
	name=$1
	shift
	# shellcheck disable=SC2086
	"$compiler" $common "$@" -o "$out/$name.$$.tmp"
	mv "$out/$name.$$.tmp" "$out/$name"
}

compile init.elf -static -fno-pie -no-pie "$here/init.c"
compile launch.so -shared -fPIC -fvisibility=hidden -Wl,-soname,launch.so "$here/launch.c"

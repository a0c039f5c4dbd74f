/**
 * Numbers and layouts against the kernel's own headers: a small C program prints what they say.
 *
 * arm64's system call numbers come from asm-generic/unistd.h, which it uses as it is, so no arm64 headers are needed.
 */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bpfLoadAttrBytes } from "../../../ffi/bpf.ts";
import {
  btrfsRequest,
  subvolumeInode,
  volumeArgsBytes,
  volumeArgsName,
  volumeArgsV2Name,
} from "../../../ffi/btrfs.ts";
import { conntrackNumber } from "../../../ffi/conntrack.ts";
import { openHowBytes, pollfdBytes, statfsBytes } from "../../../ffi/file.ts";
import * as flags from "../../../ffi/flags.ts";
import { sockaddrInBytes } from "../../../ffi/inet-socket.ts";
import * as struct from "../../../ffi/kernel-struct.ts";
import { mountAttrBytes } from "../../../ffi/mount.ts";
import { netlinkNumber, nlmsghdrBytes } from "../../../ffi/netlink.ts";
import { rlimit64Bytes, SECBIT_NO_SETUID_FIXUP, siginfoBytes } from "../../../ffi/process.ts";
import { dqblk, fsxattr, projectRequest } from "../../../ffi/quota.ts";
import { ifinfomsgBytes, routeLinkNumber } from "../../../ffi/route-link.ts";
import { lookupNumber, skLookupOffset } from "../../../ffi/socket-lookup.ts";
import { arm64, x86_64 } from "../../../ffi/syscall-number.ts";
import { winsizeBytes } from "../../../ffi/tty.ts";

const hasCompiler = Bun.which("cc") !== null;

const headers = `
#define _GNU_SOURCE
#include <stddef.h>
#include <stdio.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <linux/bpf.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/ipv6.h>
#include <linux/ipv6_route.h>
#include <linux/ioprio.h>
#include <linux/keyctl.h>
#include <linux/magic.h>
#include <linux/netlink.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/memfd.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/personality.h>
#include <linux/prctl.h>
#include <linux/quota.h>
#include <linux/route.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <linux/sched.h>
#define sched_param sched_param_of_linux
#include <linux/sched/types.h>
#undef sched_param
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
`;

/** Compiles a program of these lines and returns what it prints, `NAME VALUE` a line. */
function ask(lines: readonly string[], prologue = headers): ReadonlyMap<string, number> {
  const directory = mkdtempSync(join(tmpdir(), "bocker-headers-"));
  try {
    const source = join(directory, "ask.c");
    writeFileSync(source, `${prologue}\nint main(void) {\n${lines.join("\n")}\nreturn 0; }\n`);
    const compiled = Bun.spawnSync(["cc", "-w", "-o", join(directory, "ask"), source]);
    if (!compiled.success) throw new Error(compiled.stderr.toString());
    const output = Bun.spawnSync([join(directory, "ask")]).stdout.toString();
    const pairs = output
      .trim()
      .split("\n")
      .map((line) => line.split(" "));
    return new Map(pairs.map(([name = "", value]) => [name, Number(value)]));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Prints a macro where this machine's headers know it: old ones lack the newest flags. */
function whereDefined(name: string): string {
  return `#ifdef ${name}\nprintf("%s %lld\\n", "${name}", (long long)(${name}));\n#endif`;
}

describe.skipIf(!hasCompiler)("constants", () => {
  const tables = {
    openFlags: flags.openFlags,
    atFlags: flags.atFlags,
    resolveFlags: flags.resolveFlags,
    mountFlags: flags.mountFlags,
    fsopenFlags: flags.fsopenFlags,
    fsmountFlags: flags.fsmountFlags,
    openTreeFlags: flags.openTreeFlags,
    moveMountFlags: flags.moveMountFlags,
    mountAttributes: flags.mountAttributes,
    cloneFlags: flags.cloneFlags,
    memfdFlags: flags.memfdFlags,
    sealFlags: flags.sealFlags,
    closeRangeFlags: flags.closeRangeFlags,
    seccompFlags: flags.seccompFlags,
    prctlOptions: flags.prctlOptions,
    schedulerPolicies: flags.schedulerPolicies,
    schedulerFlags: flags.schedulerFlags,
    addressFamilies: flags.addressFamilies,
  };
  for (const [table, values] of Object.entries(tables)) {
    test(table, () => {
      const known = ask(Object.keys(values).map(whereDefined));
      const ours = Object.fromEntries(Object.entries(values).filter(([name]) => known.has(name)));
      expect(Object.fromEntries(known)).toEqual(ours);
    });
  }

  test("enumerations, which the preprocessor cannot see", () => {
    const ours = {
      ...flags.fsconfigCommands,
      ...flags.interfaceFlags,
      ...flags.ioClasses,
      ...flags.fcntlCommands,
      ...flags.socketTypes,
      FD_CLOEXEC: flags.FD_CLOEXEC,
      SOL_SOCKET: flags.SOL_SOCKET,
      ...lookupNumber,
      ...netlinkNumber,
      ...conntrackNumber,
      ...routeLinkNumber,
      PER_LINUX32: flags.personalities.LINUX32,
      IOPRIO_WHO_PROCESS: struct.IOPRIO_WHO_PROCESS,
      SECBIT_NO_SETUID_FIXUP,
    };
    const names = Object.keys(ours);
    const known = ask(names.map((name) => `printf("%s %lld\\n", "${name}", (long long)(${name}));`));
    expect(Object.fromEntries(known)).toEqual(ours);
  });

  test("ioctl requests", () => {
    const requests = { ...struct.ioctlRequest, ...btrfsRequest, ...projectRequest };
    const known = ask(Object.keys(requests).map(whereDefined));
    expect(Object.fromEntries(known)).toEqual(requests);
  });
});

describe.skipIf(!hasCompiler)("system call numbers", () => {
  test.skipIf(process.arch !== "x64")("x86-64", () => {
    const known = ask(Object.keys(x86_64).map((name) => `printf("${name} %d\\n", __NR_${name});`));
    expect(Object.fromEntries(known)).toEqual(x86_64);
  });

  test("arm64, from the generic table", () => {
    const prologue = [
      "#include <stdio.h>",
      "#define __ARCH_WANT_RENAMEAT",
      "#define __ARCH_WANT_NEW_STAT",
      "#define __ARCH_WANT_SYS_CLONE3",
      "#include <asm-generic/unistd.h>",
    ];
    const lines = Object.keys(arm64).map((name) => `printf("${name} %d\\n", __NR_${name});`);
    expect(Object.fromEntries(ask(lines, prologue.join("\n")))).toEqual(arm64);
  });
});

describe.skipIf(!hasCompiler)("struct layouts", () => {
  const sizes: readonly (readonly [name: string, expression: string, ours: number])[] = [
    ["open_how", "sizeof(struct open_how)", openHowBytes],
    ["open_how.resolve", "offsetof(struct open_how, resolve)", 16],
    ["mount_attr", "sizeof(struct mount_attr)", mountAttrBytes],
    ["mount_attr.propagation", "offsetof(struct mount_attr, propagation)", 16],
    ["mount_attr.userns_fd", "offsetof(struct mount_attr, userns_fd)", 24],
    ["pollfd", "sizeof(struct pollfd)", pollfdBytes],
    ["pollfd.revents", "offsetof(struct pollfd, revents)", 6],
    ["rlimit", "sizeof(struct rlimit)", rlimit64Bytes],
    ["siginfo", "sizeof(siginfo_t)", siginfoBytes],
    ["siginfo.code", "offsetof(siginfo_t, si_code)", 8],
    ["siginfo.pid", "offsetof(siginfo_t, si_pid)", 16],
    ["siginfo.status", "offsetof(siginfo_t, si_status)", 24],
    ["statfs", "sizeof(struct statfs)", statfsBytes],
    ["fsxattr", "sizeof(struct fsxattr)", fsxattr.bytes],
    ["fsxattr.xflags", "offsetof(struct fsxattr, fsx_xflags)", fsxattr.xflags],
    ["fsxattr.projid", "offsetof(struct fsxattr, fsx_projid)", fsxattr.projid],
    ["dqblk", "sizeof(struct if_dqblk)", dqblk.bytes],
    ["dqblk.hardlimit", "offsetof(struct if_dqblk, dqb_bhardlimit)", dqblk.hardLimit],
    ["dqblk.valid", "offsetof(struct if_dqblk, dqb_valid)", dqblk.valid],
    ["winsize", "sizeof(struct winsize)", winsizeBytes],
    ["winsize.col", "offsetof(struct winsize, ws_col)", 2],
    ["nlmsghdr", "sizeof(struct nlmsghdr)", nlmsghdrBytes],
    ["ifinfomsg", "sizeof(struct ifinfomsg)", ifinfomsgBytes],
    ["ifinfomsg.flags", "offsetof(struct ifinfomsg, ifi_flags)", 8],
    ["ifreq", "sizeof(struct ifreq)", struct.ifreqBytes],
    ["ifreq.flags", "offsetof(struct ifreq, ifr_flags)", struct.ifreqUnion],
    ["ifreq.mtu", "offsetof(struct ifreq, ifr_mtu)", struct.ifreqUnion],
    ["ifreq.index", "offsetof(struct ifreq, ifr_ifindex)", struct.ifreqUnion],
    ["ifreq.addr", "offsetof(struct ifreq, ifr_addr)", struct.ifreqUnion],
    ["rtentry", "sizeof(struct rtentry)", struct.rtentryBytes],
    ["rtentry.dst", "offsetof(struct rtentry, rt_dst)", 8],
    ["rtentry.gateway", "offsetof(struct rtentry, rt_gateway)", 24],
    ["rtentry.genmask", "offsetof(struct rtentry, rt_genmask)", 40],
    ["rtentry.flags", "offsetof(struct rtentry, rt_flags)", 56],
    ["in6_ifreq", "sizeof(struct in6_ifreq)", struct.in6IfreqBytes],
    ["in6_ifreq.index", "offsetof(struct in6_ifreq, ifr6_ifindex)", struct.in6IfreqIndex],
    ["in6_rtmsg", "sizeof(struct in6_rtmsg)", struct.in6RtmsgBytes],
    ["in6_rtmsg.gateway", "offsetof(struct in6_rtmsg, rtmsg_gateway)", 32],
    ["in6_rtmsg.metric", "offsetof(struct in6_rtmsg, rtmsg_metric)", 56],
    ["in6_rtmsg.flags", "offsetof(struct in6_rtmsg, rtmsg_flags)", 72],
    ["in6_rtmsg.index", "offsetof(struct in6_rtmsg, rtmsg_ifindex)", struct.in6RtmsgIndex],
    ["sched_attr.nice", "offsetof(struct sched_attr, sched_nice)", 16],
    ["sched_attr.period", "offsetof(struct sched_attr, sched_period)", struct.schedAttrBytes - 8],
    ["sock_fprog", "sizeof(struct sock_fprog)", 16],
    ["sock_fprog.filter", "offsetof(struct sock_fprog, filter)", 8],
    ["cap_header", "sizeof(struct __user_cap_header_struct)", 8],
    ["cap_data", "sizeof(struct __user_cap_data_struct)", 12],
    ["cap_version", "_LINUX_CAPABILITY_VERSION_3", 0x20080522],
    ["btrfs_args", "sizeof(struct btrfs_ioctl_vol_args)", volumeArgsBytes],
    ["btrfs_args.name", "offsetof(struct btrfs_ioctl_vol_args, name)", volumeArgsName],
    ["btrfs_args_v2", "sizeof(struct btrfs_ioctl_vol_args_v2)", volumeArgsBytes],
    ["btrfs_args_v2.name", "offsetof(struct btrfs_ioctl_vol_args_v2, name)", volumeArgsV2Name],
    ["btrfs_inode", "BTRFS_FIRST_FREE_OBJECTID", subvolumeInode],
    ["bpf_attr", "offsetof(union bpf_attr, expected_attach_type) + 4", bpfLoadAttrBytes],
    ["bpf_attr.log_buf", "offsetof(union bpf_attr, log_buf)", 32],
    ["bpf_attr.value", "offsetof(union bpf_attr, value)", 16],
    ...Object.entries(skLookupOffset).map(
      ([name, ours]) => [`bpf_sk_lookup.${name}`, `offsetof(struct bpf_sk_lookup, ${name})`, ours] as const,
    ),
    ["sockaddr_in", "sizeof(struct sockaddr_in)", sockaddrInBytes],
    ["sockaddr_in.addr", "offsetof(struct sockaddr_in, sin_addr)", 4],
    ["clone_args", "sizeof(struct clone_args)", 88],
    ["clone_args.stack", "offsetof(struct clone_args, stack)", 40],
    ["clone_args.cgroup", "offsetof(struct clone_args, cgroup)", 80],
  ];

  test("sizes and offsets", () => {
    const known = ask(sizes.map(([name, expression]) => `printf("${name} %ld\\n", (long)(${expression}));`));
    expect(Object.fromEntries(known)).toEqual(
      Object.fromEntries(sizes.map(([name, , ours]) => [name, ours])),
    );
  });
});

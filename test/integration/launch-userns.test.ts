/**
 * User namespaces and id-mapped mounts: who owns what inside and outside. Real kernel, root.
 */
import { describe, expect, test } from "bun:test";
import { chownSync, mkdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { close, closeQuietly } from "../../ffi/file.ts";
import type { StartContext } from "../../src/launch/context.ts";
import { planExec } from "../../src/launch/plan-exec.ts";
import { planStart } from "../../src/launch/plan-start.ts";
import { joinableNamespaces } from "../../src/runtime/joinable-namespaces.ts";
import { launchFacts } from "../../src/runtime/launch-facts.ts";
import { openUserNamespace } from "../../src/runtime/user-namespace.ts";
import type { SpecMount, SpecNamespaceType } from "../../src/spec/oci.ts";
import { chownTree } from "../../src/storage/chown-tree.ts";
import {
  contextFor,
  failureOf,
  hostMounts,
  isRoot,
  type Output,
  runIn,
  type SpecChanges,
  specFor,
  startPlan,
  type TemporaryRootfs,
  temporaryRootfs,
} from "./launch-fixture.ts";

const first = 100_000;
const uidMappings = [
  { containerID: 0, hostID: first, size: 1000 },
  { containerID: 1000, hostID: 300_000, size: 64_536 },
];
const gidMappings = [{ containerID: 0, hostID: 200_000, size: 65_536 }];
const types = ["user", "pid", "network", "ipc", "uts", "mount"] as const;
const namespacesOf = (list: readonly SpecNamespaceType[]) => list.map((type) => ({ type }));

/** A root file system that belongs to the container's root, as bundles for user namespaces have it. */
function ownedRootfs(): TemporaryRootfs {
  const rootfs = temporaryRootfs();
  chownTree(rootfs.path, first, 200_000);
  return rootfs;
}

function runMapped(
  rootfs: TemporaryRootfs,
  script: string,
  changes: SpecChanges = {},
  context: Partial<StartContext> = {},
): Promise<Output> {
  const linux = { namespaces: namespacesOf(types), uidMappings, gidMappings, ...changes.linux };
  return runIn(rootfs, ["sh", "-c", script], { ...changes, linux }, context);
}

describe.skipIf(!isRoot)("a user namespace of its own", () => {
  test("maps ids by every extent, and owns the other namespaces", async () => {
    using rootfs = ownedRootfs();
    const { stdout, stderr, exit } = await runMapped(
      rootfs,
      "cat /proc/self/uid_map /proc/self/gid_map; id -u; id -g; hostname; echo $$",
    );
    expect({ stderr, exit }).toMatchObject({ stderr: "", exit: { exitCode: 0 } });
    expect(stdout.replace(/ +/g, " ")).toBe(
      " 0 100000 1000\n 1000 300000 64536\n 0 200000 65536\n0\n0\nbox\n1\n",
    );
    expect(hostMounts(rootfs.path)).toEqual([]);
  });

  test("its root owns the file systems made for it, and what it writes is mapped on the disk", async () => {
    using rootfs = ownedRootfs();
    const { stdout, stderr } = await runMapped(
      rootfs,
      "stat -c '%n %u:%g' / /tmp /dev /dev/shm /dev/pts /dev/mqueue /proc/1; touch /tmp/new; echo x > /dev/shm/y && echo ok",
      { linux: {} },
    );
    expect(stderr).toBe("");
    for (const path of ["/", "/tmp", "/dev", "/dev/shm", "/dev/pts", "/dev/mqueue", "/proc/1"])
      expect(stdout).toContain(`${path} 0:0\n`);
    expect(stdout).toEndWith("ok\n");
    expect(statSync(join(rootfs.path, "tmp/new"))).toMatchObject({ uid: first, gid: 200_000 });
  });

  test("devices are the host's, bound: they work, and new ones cannot be made", async () => {
    using rootfs = ownedRootfs();
    const { stdout } = await runMapped(
      rootfs,
      "echo x > /dev/null && head -c 3 /dev/zero | wc -c; stat -c '%F %t:%T' /dev/null /dev/tty; mknod /tmp/n c 1 3 2>&1; ls -l /dev/ptmx /dev/fd | wc -l",
    );
    expect(stdout).toContain("3\ncharacter special file 1:3\ncharacter special file 5:0\n");
    expect(stdout).toContain("Operation not permitted");
    expect(stdout).toEndWith("2\n");
  });

  test("has no privilege outside: host's files, limits, interfaces, and a bounding set without what was not given", async () => {
    using rootfs = ownedRootfs();
    writeFileSync(join(rootfs.outside, "secret"), "s", { mode: 0o600 });
    const mounts: SpecMount[] = [
      { destination: "/out", type: "bind", source: rootfs.outside, options: ["rbind"] },
    ];
    const { stdout } = await runMapped(
      rootfs,
      "cat /out/secret 2>&1; touch /out/x 2>&1; grep -E 'Cap(Bnd|Eff)' /proc/self/status; sh -c 'ulimit -n'; stat -c %u /out",
      { mounts, process: { rlimits: [{ type: "RLIMIT_NOFILE", soft: 777, hard: 1000 }] } },
    );
    expect(stdout).toContain("cat: can't open '/out/secret': Permission denied");
    expect(stdout).toContain("touch: /out/x: Permission denied");
    expect(stdout.match(/Cap\w+:\t(\w+)/g)).toEqual([
      "CapEff:\t00000000a80425fb",
      "CapBnd:\t00000000a80425fb",
    ]);
    expect(stdout).toEndWith("777\n65534\n");
  });

  test("as another user, with groups, its streams its own", async () => {
    using rootfs = ownedRootfs();
    const user = { uid: 1234, gid: 99, additionalGids: [5, 7] };
    const { stdout, stderr } = await runMapped(
      rootfs,
      "id; stat -L -c '%u' /proc/self/fd/1; echo again > /dev/stdout",
      {
        process: { user, capabilities: {} },
      },
      { chownStdio: [1, 2] },
    );
    expect(stderr).toBe("");
    expect(stdout).toBe("uid=1234 gid=99 groups=5,7\n1234\nagain\n");
  });

  test("masks, read-only paths and a read-only root hold", async () => {
    using rootfs = ownedRootfs();
    const { stdout } = await runMapped(
      rootfs,
      "touch /x 2>&1; wc -c < /proc/timer_list; echo 1 > /proc/sys/net/ipv4/ip_forward; cat /proc/sys/net/ipv4/ip_forward",
      {
        root: { path: rootfs.path, readonly: true },
        linux: {
          maskedPaths: ["/proc/timer_list", "/sys/firmware"],
          readonlyPaths: ["/proc/sys"],
          sysctl: { "net.ipv4.ip_forward": "1" },
        },
      },
    );
    expect(stdout).toBe("touch: /x: Read-only file system\n0\n1\n");
  });

  test("with the host's network, ipc and pids: sysfs, mqueue and proc show those", async () => {
    using rootfs = ownedRootfs();
    const namespaces = namespacesOf(["user", "mount"]);
    const { stdout, stderr } = await runMapped(
      rootfs,
      "readlink /proc/self/ns/net; ls /sys/class/net | grep -c lo; grep -E ' /(sys|proc|dev/mqueue) ' /proc/mounts | cut -d' ' -f2,3,4; touch /sys/x 2>&1",
      { linux: { namespaces } },
    );
    expect(stderr).toBe("");
    expect(stdout).toStartWith(`${readlinkSync("/proc/self/ns/net")}\n1\n`);
    expect(stdout).toMatch(/\/sys sysfs ro,/);
    expect(stdout).toContain("/dev/mqueue mqueue ");
    expect(stdout).toContain("Read-only file system");
  });

  test("an exec into it is mapped too", async () => {
    using rootfs = ownedRootfs();
    const spec = specFor(["sleep", "60"], {
      linux: { namespaces: namespacesOf(types), uidMappings, gidMappings },
    });
    const child = await startPlan(planStart(spec, contextFor(rootfs.path, spec)));
    const { pid, pidfd } = child.process;
    const process = {
      ...specFor([
        "sh",
        "-c",
        "id -u; cat /proc/1/cmdline; grep CapBnd /proc/self/status; echo $$; touch /tmp/e",
      ]).process,
    };
    const user = { uid: 1000, gid: 0 };
    const plan = planExec(
      { cwd: "/", ...process, user, rlimits: [{ type: "RLIMIT_CORE", soft: 0, hard: 0 }] },
      {
        ...launchFacts(),
        namespaces: joinableNamespaces(pid),
        chownStdio: [],
        dieWithParent: true,
        keyring: "x",
      },
    );
    writeFileSync(join(rootfs.path, "tmp/.keep"), "");
    Bun.spawnSync(["chmod", "1777", join(rootfs.path, "tmp")]);
    const { output } = await startPlan(plan, { fds: { target: pidfd } });
    const { stdout, stderr } = await output;
    expect(stderr).toBe("");
    expect(stdout.replaceAll("\0", " ")).toMatch(/^1000\nsleep 60 CapBnd:\t00000000a80425fb\n[2-9]\n$/);
    expect(statSync(join(rootfs.path, "tmp/e"))).toMatchObject({ uid: 300_000, gid: 200_000 });
    Bun.spawnSync(["kill", "-9", String(pid)]);
    await child.output;
  });

  test("a second container joins it by path", async () => {
    using rootfs = ownedRootfs();
    const spec = specFor(["sleep", "60"], {
      linux: { namespaces: namespacesOf(types), uidMappings, gidMappings },
    });
    const child = await startPlan(planStart(spec, contextFor(rootfs.path, spec)));
    const { pid } = child.process;
    const namespaces = [
      { type: "user", path: `/proc/${pid}/ns/user` },
      { type: "network", path: `/proc/${pid}/ns/net` },
      { type: "pid" },
      { type: "mount" },
    ] as const;
    const script = "readlink /proc/self/ns/user; readlink /proc/self/ns/net; id -u; ls /sys/class/net";
    const { stdout, stderr } = await runIn(rootfs, ["sh", "-c", script], { linux: { namespaces } });
    expect(stderr).toBe("");
    const links = ["user", "net"].map((name) => readlinkSync(`/proc/${pid}/ns/${name}`));
    expect(stdout).toBe(`${links.join("\n")}\n0\nlo\n`);
    Bun.spawnSync(["kill", "-9", String(pid)]);
    await child.output;
  });

  test("maps that the kernel would refuse are refused in words", async () => {
    using rootfs = ownedRootfs();
    const overlapping = [...uidMappings, { containerID: 5, hostID: 900_000, size: 1 }];
    const linux = { namespaces: namespacesOf(types), uidMappings: overlapping, gidMappings };
    expect((await failureOf(runIn(rootfs, ["true"], { linux }))).message).toContain(
      'invalid linux.uidMappings: "5:900000:1" maps container ids that another extent maps',
    );
    const path = "/no/such/ns";
    const missing = { namespaces: [{ type: "user", path }, { type: "mount" }] as const };
    expect((await failureOf(runIn(rootfs, ["true"], { linux: missing }))).message).toContain(
      'joining the user namespace "/no/such/ns"',
    );
  });
});

describe.skipIf(!isRoot)("id-mapped mounts", () => {
  test("show a volume's files under the container's ids, and write as the disk's", async () => {
    using rootfs = ownedRootfs();
    writeFileSync(join(rootfs.outside, "file"), "x", { mode: 0o600 });
    chownSync(rootfs.outside, 0, 0);
    const mounts: SpecMount[] = [
      { destination: "/vol", type: "bind", source: rootfs.outside, options: ["bind", "idmap"] },
    ];
    const { stdout, stderr } = await runMapped(
      rootfs,
      "stat -c %u:%g /vol/file; cat /vol/file; touch /vol/made",
      { mounts },
    );
    expect({ stdout, stderr }).toEqual({ stdout: "0:0\nx", stderr: "" });
    expect(statSync(join(rootfs.outside, "made"))).toMatchObject({ uid: 0, gid: 0 });
  });

  test("by maps of their own, without a user namespace, below as well with ridmap", async () => {
    using rootfs = temporaryRootfs();
    const below = join(rootfs.outside, "below");
    mkdirSync(below);
    const maps = {
      uidMappings: [{ containerID: 0, hostID: 7000, size: 100 }],
      gidMappings: [{ containerID: 0, hostID: 8000, size: 100 }],
    };
    Bun.spawnSync(["mount", "-t", "tmpfs", "below", below]);
    try {
      const bind = (destination: string, options: string[]): SpecMount => ({
        destination,
        type: "bind",
        source: rootfs.outside,
        options,
        ...maps,
      });
      const mounts = [bind("/one", ["rbind", "idmap"]), bind("/all", ["rbind", "ridmap"])];
      const { stdout } = await runIn(rootfs, ["stat", "-c", "%u:%g", "/one", "/one/below", "/all/below"], {
        mounts,
      });
      expect(stdout).toBe("7000:8000\n0:0\n7000:8000\n");
    } finally {
      Bun.spawnSync(["umount", below]);
    }
  });

  test("a namespace for ids is a descriptor and nothing else", () => {
    const before = readFileSync("/proc/self/mountinfo", "utf8");
    const fd = openUserNamespace({ uidMappings, gidMappings });
    expect(readlinkSync(`/proc/self/fd/${fd}`)).toMatch(/^user:\[\d+\]$/);
    expect(readlinkSync(`/proc/self/fd/${fd}`)).not.toBe(readlinkSync("/proc/self/ns/user"));
    closeQuietly(fd);
    expect(readFileSync("/proc/self/mountinfo", "utf8")).toBe(before);
    expect(() => close(fd)).toThrow();
  });
});

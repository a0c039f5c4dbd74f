/**
 * What a Spec says about a process and its namespaces beside ids: scheduling, personality, time, labels, descriptors of
 * filters, propagation of the root, tmpfs with content. Real kernel, root.
 */
import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { closeQuietly } from "../../ffi/file.ts";
import type { StartContext } from "../../src/launch/context.ts";
import { planExec } from "../../src/launch/plan-exec.ts";
import { planStart } from "../../src/launch/plan-start.ts";
import { joinableNamespaces } from "../../src/runtime/joinable-namespaces.ts";
import { launchFacts } from "../../src/runtime/launch-facts.ts";
import { sendListener } from "../../src/runtime/seccomp-listener.ts";
import { openUserNamespace } from "../../src/runtime/user-namespace.ts";
import { compileSeccomp } from "../../src/security/seccomp-compile.ts";
import type { SpecNamespaceType, SpecSeccomp } from "../../src/spec/oci.ts";
import { copyTree } from "../../src/storage/copy-tree.ts";
import { mountRootfs } from "../../src/storage/mount-rootfs.ts";
import {
  contextFor,
  failureOf,
  hostMounts,
  isRoot,
  runIn,
  type SpecChanges,
  specFor,
  startPlan,
  temporaryRootfs,
} from "./launch-fixture.ts";

const namespacesOf = (...list: readonly SpecNamespaceType[]) => list.map((type) => ({ type }));
const usual = ["pid", "network", "ipc", "uts", "mount"] as const;

/** Runs a script in a new root file system and gives its output; its errors fail the test. */
async function outputOf(
  script: string,
  changes: SpecChanges = {},
  context: Partial<StartContext> = {},
): Promise<string> {
  using rootfs = temporaryRootfs();
  const { stdout, stderr } = await runIn(rootfs, ["sh", "-c", script], changes, context);
  expect(stderr).toBe("");
  return stdout;
}

describe.skipIf(!isRoot)("a process", () => {
  test("is scheduled as asked", async () => {
    const scheduler = { policy: "SCHED_BATCH", nice: 7 };
    const ioPriority = { class: "IOPRIO_CLASS_BE", priority: 6 };
    const stdout = await outputOf(
      "cut -d' ' -f19 /proc/self/stat; ionice -p $$; grep policy /proc/self/sched",
      {
        process: { scheduler, ioPriority },
      },
    );
    expect(stdout).toMatch(/^7\nbest-effort: prio 6\npolicy +: +3\n$/);
    const fifo = { policy: "SCHED_FIFO", priority: 10, flags: ["SCHED_FLAG_RESET_ON_FORK"] };
    expect(
      await outputOf("while read a b c; do [ $a = policy ] && echo $c; done < /proc/$$/sched", {
        process: { scheduler: fifo },
      }),
    ).toBe("1\n");
    using rootfs = temporaryRootfs();
    const wrong = { policy: "SCHED_FIFO", priority: 1000 };
    const error = await failureOf(runIn(rootfs, ["true"], { process: { scheduler: wrong } }));
    expect(error.message).toContain("setting the scheduler SCHED_FIFO: sched_setattr: invalid argument");
  });

  test("with LINUX32 sees a machine of 32 bits", async () => {
    const linux = { namespaces: namespacesOf(...usual), personality: { domain: "LINUX32" } };
    expect(await outputOf("uname -m", { linux })).toMatch(/^(i686|armv8l)\n$/);
  });

  test("runs with the affinity of an exec, its first before it has joined", async () => {
    using rootfs = temporaryRootfs();
    const spec = specFor(["sleep", "60"]);
    const child = await startPlan(planStart(spec, contextFor(rootfs.path, spec)));
    const { pid, pidfd } = child.process;
    const exec = {
      ...spec.process,
      user: { uid: 0, gid: 0 },
      cwd: "/",
      args: ["grep", "Cpus_allowed_list", "/proc/self/status"],
    };
    const context = {
      ...launchFacts(),
      namespaces: joinableNamespaces(pid),
      chownStdio: [],
      dieWithParent: true,
    };
    const affinity = { initial: "0-1", final: "0" };
    const { output } = await startPlan(planExec({ ...exec, execCPUAffinity: affinity }, context), {
      fds: { target: pidfd },
    });
    expect((await output).stdout).toBe("Cpus_allowed_list:\t0\n");
    const invalid = () => planExec({ ...exec, execCPUAffinity: { initial: "x" } }, context);
    expect(invalid).toThrow('invalid CPU list "x"');
    Bun.spawnSync(["kill", "-9", String(pid)]);
    await child.output;
  });
});

describe.skipIf(!isRoot)("a time namespace", () => {
  const uptime = () => Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]);
  const linux = {
    namespaces: namespacesOf(...usual, "time"),
    timeOffsets: { boottime: { secs: 100_000 }, monotonic: { secs: 50_000, nanosecs: 5 } },
  };

  test("has its offsets, and exec joins it", async () => {
    const seen = Number(await outputOf("read up rest < /proc/uptime; echo $up", { linux }));
    expect(seen).toBeGreaterThanOrEqual(100_000);
    expect(seen).toBeLessThan(uptime() + 100_100);
    using rootfs = temporaryRootfs();
    const spec = specFor(["sleep", "60"], { linux });
    const child = await startPlan(planStart(spec, contextFor(rootfs.path, spec)));
    const { pid, pidfd } = child.process;
    expect(joinableNamespaces(pid)).toContain("time");
    const exec = { ...spec.process, user: { uid: 0, gid: 0 }, cwd: "/", args: ["cat", "/proc/uptime"] };
    const context = {
      ...launchFacts(),
      namespaces: joinableNamespaces(pid),
      chownStdio: [],
      dieWithParent: true,
    };
    const { output } = await startPlan(planExec(exec, context), { fds: { target: pidfd } });
    expect(Number((await output).stdout.split(" ")[0])).toBeGreaterThanOrEqual(100_000);
    const path = `/proc/${pid}/ns/time`;
    const joined = { namespaces: [...namespacesOf(...usual), { type: "time", path } as const] };
    expect(await outputOf("readlink /proc/self/ns/time", { linux: joined })).toBe(`${readlinkSync(path)}\n`);
    Bun.spawnSync(["kill", "-9", String(pid)]);
    await child.output;
  });

  test("together with a user namespace", async () => {
    using rootfs = temporaryRootfs();
    const ids = [{ containerID: 0, hostID: 0, size: 1000 }];
    const mapped = {
      ...linux,
      namespaces: namespacesOf(...usual, "time", "user"),
      uidMappings: ids,
      gidMappings: ids,
    };
    const { stdout, stderr } = await runIn(rootfs, ["cat", "/proc/uptime"], { linux: mapped });
    expect(stderr).toBe("");
    expect(Number(stdout.split(" ")[0])).toBeGreaterThanOrEqual(100_000);
  });

  test("an offset beyond the kernel's range is an error", async () => {
    using rootfs = temporaryRootfs();
    const far = { ...linux, timeOffsets: { boottime: { secs: 1e15 } } };
    expect((await failureOf(runIn(rootfs, ["true"], { linux: far }))).message).toContain(
      "setting the time offsets",
    );
  });
});

describe.skipIf(!isRoot)("a filter that notifies", () => {
  test("hands its listener and the process's state to the agent, and waits for it", async () => {
    using rootfs = temporaryRootfs();
    const listenerPath = join(rootfs.outside, "agent.sock");
    const policy: SpecSeccomp = {
      defaultAction: "SCMP_ACT_ALLOW",
      flags: ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_TSYNC"],
      listenerPath,
      listenerMetadata: "for me",
      syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_NOTIFY" }],
    };
    const agent = Bun.spawn(["python3", "-c", agentProgram, listenerPath], {
      stdout: "pipe",
      stderr: "ignore",
      timeout: 10_000,
    });
    const reader = agent.stdout.getReader();
    const decoder = new TextDecoder();
    let told = "";
    const readUntil = async (isEnough: () => boolean) => {
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        told += decoder.decode(part.value);
        if (isEnough()) return;
      }
    };
    await readUntil(() => told.endsWith("\n"));
    told = "";
    const linux = { namespaces: namespacesOf(...usual), seccomp: policy };
    const spec = specFor(["sh", "-c", "mkdir /tmp/trapped; echo $?"], { linux });
    const seccomp = compileSeccomp(policy, process.arch === "arm64" ? "aarch64" : "x86_64");
    const state = { id: "x" };
    const { output, process: started } = await startPlan(
      planStart(spec, contextFor(rootfs.path, spec, { seccomp })),
      { onListener: (fd, { pid }) => sendListener(policy, fd, { ociVersion: "1.2.0", pid, state }) },
    );
    const { stdout, stderr } = await output;
    expect(stderr).toContain("Invalid cross-device link");
    expect(stdout).toBe("1\n");
    await readUntil(() => false);
    expect(JSON.parse(told)).toEqual({
      ociVersion: "1.2.0",
      fds: ["seccompFd"],
      pid: started.pid,
      metadata: "for me",
      state,
    });
    await agent.exited;
  }, 60_000);

  test("without an agent the start fails", async () => {
    using rootfs = temporaryRootfs();
    const policy: SpecSeccomp = {
      defaultAction: "SCMP_ACT_ALLOW",
      listenerPath: join(rootfs.outside, "nobody.sock"),
      syscalls: [{ names: ["mkdir"], action: "SCMP_ACT_NOTIFY" }],
    };
    const spec = specFor(["true"], { linux: { namespaces: namespacesOf(...usual), seccomp: policy } });
    const seccomp = compileSeccomp(policy, process.arch === "arm64" ? "aarch64" : "x86_64");
    const plan = planStart(spec, contextFor(rootfs.path, spec, { seccomp }));
    const onListener = (fd: number) => sendListener(policy, fd, { ociVersion: "1.2.0", pid: 1, state: {} });
    expect((await failureOf(startPlan(plan, { onListener }))).message).toContain(
      "cannot hand the seccomp listener",
    );
    expect((await failureOf(startPlan(plan))).message).toContain("nobody listens");
  });
});

/** Takes one listener, prints what came with it, and answers one notification with EXDEV. */
const agentProgram = `
import array, fcntl, socket, struct, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
print("listening", flush=True)
peer, _ = server.accept()
data, ancillary, _, _ = peer.recvmsg(65536, 1024)
listener = array.array("i", ancillary[0][2])[0]
sys.stdout.write(data.decode()); sys.stdout.flush()
request = bytearray(80)
fcntl.ioctl(listener, 0xc0502100, request)
(identity,) = struct.unpack_from("Q", request)
fcntl.ioctl(listener, 0xc0182101, bytearray(struct.pack("QqiI", identity, 0, -18, 0)))
`;

describe.skipIf(!isRoot)("the root and its mounts", () => {
  /** Runs a test's script in a mount namespace of its own, all of it shared, as systemd leaves "/". */
  const sharedHost = (script: string) =>
    Bun.spawnSync(["unshare", "-m", "--propagation", "shared", "sh", "-c", script]);

  test("on a shared host nothing that is mounted inside gets out", () => {
    using rootfs = temporaryRootfs();
    const program = `
      import { runIn, hostMounts } from ${JSON.stringify(join(import.meta.dir, "launch-fixture.ts"))};
      const rootfs = { path: ${JSON.stringify(rootfs.path)}, outside: "", [Symbol.dispose]() {} };
      for (const kernel of [{ mountSetattr: true, closeRangeCloexec: true }, { mountSetattr: false, closeRangeCloexec: true }]) {
        const { exit } = await runIn(rootfs, ["true"], {}, { kernel });
        console.log(exit.exitCode, hostMounts(rootfs.path + "/").length);
      }`;
    writeFileSync(join(rootfs.outside, "run.ts"), program);
    const { stdout, stderr } = sharedHost(`${process.execPath} ${join(rootfs.outside, "run.ts")}`);
    expect(stderr.toString()).toBe("");
    expect(stdout.toString()).toBe("0 0\n0 0\n");
  });

  test.each([
    ["shared", /shared:\d+ -/],
    ["rshared", /shared:\d+ -/],
    ["unbindable", /unbindable -/],
    ["private", /^[^:]* - /],
  ])("is %s when asked", async (rootfsPropagation, expected) => {
    const linux = { namespaces: namespacesOf(...usual), rootfsPropagation };
    const stdout = await outputOf(
      "grep ' / / \\| /root / ' /proc/self/mountinfo | grep ' / rw' || grep -m1 ' / ' /proc/self/mountinfo",
      { linux },
    );
    expect(stdout.split(" / ")[1] ?? stdout).toMatch(expected);
  });

  test("recursive attributes reach what is mounted below, plain ones do not", async () => {
    using rootfs = temporaryRootfs();
    const below = join(rootfs.outside, "below");
    mkdirSync(below);
    Bun.spawnSync(["mount", "-t", "tmpfs", "below", below]);
    try {
      const bind = (destination: string, ...words: string[]) => ({
        destination,
        type: "bind",
        source: rootfs.outside,
        options: ["rbind", ...words],
      });
      const mounts = [bind("/plain", "ro"), bind("/all", "rro", "rnosuid", "rnodev", "rnoexec", "rnoatime")];
      const script =
        "touch /plain/x 2>&1; touch /plain/below/x && echo ok; touch /all/below/x 2>&1; grep ' /all/below ' /proc/mounts | cut -d' ' -f4";
      const { stdout } = await runIn(rootfs, ["sh", "-c", script], { mounts });
      expect(stdout).toMatch(
        /plain\/x: Read-only.*\nok\n.*all\/below\/x: Read-only.*\nro,nosuid,nodev,noexec,noatime/,
      );
    } finally {
      Bun.spawnSync(["umount", below]);
    }
  });

  test("a mount that is there already is changed by remount", async () => {
    const change = (destination: string, ...options: string[]) => ({
      destination,
      type: "none",
      options: ["remount", ...options],
    });
    const mounts = [change("/dev/shm", "size=2m"), change("/dev/mqueue", "bind", "ro")];
    const script = "grep ' /dev/shm ' /proc/mounts | grep -c size=2048k; touch /dev/mqueue/x";
    using rootfs = temporaryRootfs();
    const { stdout, stderr } = await runIn(rootfs, ["sh", "-c", script], { mounts });
    expect(stdout).toBe("1\n");
    expect(stderr).toContain("Read-only file system");
  });

  test("without a cgroup namespace its own cgroup is what it sees, and nothing above", async () => {
    const own = readFileSync("/proc/self/cgroup", "utf8").match(/^\d+:(\w+):(.*)$/m);
    if (own === null || !existsSync(`/sys/fs/cgroup/${own[1]}/tasks`)) return;
    const [, controller = "", path = ""] = own;
    const directory = join("/sys/fs/cgroup", controller, path, "bocker-launch-test");
    mkdirSync(directory);
    try {
      const cgroup = {
        mode: "v1",
        hierarchies: [{ directory: controller, options: controller, own: directory }],
        links: [],
      } as const;
      const mounts = [
        { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro", "nosuid"] },
      ];
      const script = `ls -d /sys/fs/cgroup/*/bocker-launch-test 2>/dev/null; ls /sys/fs/cgroup/${controller}/tasks; grep -c bocker-launch-test /proc/self/mountinfo; mkdir /sys/fs/cgroup/${controller}/x 2>&1`;
      const stdout = await outputOf(script, { mounts }, { cgroup });
      expect(stdout).toMatch(/^\/sys\/fs\/cgroup\/\w+\/tasks\n1\nmkdir: .*Read-only file system\n$/);
    } finally {
      rmdirSync(directory);
    }
  });

  test("a root without a mount on /dev gets its devices there", async () => {
    using rootfs = temporaryRootfs();
    const spec = { ...specFor(["sh", "-c", "echo x > /dev/null; stat -c %t:%T /dev/urandom"]), mounts: [] };
    const { output } = await startPlan(planStart(spec, contextFor(rootfs.path, spec)));
    expect(await output).toMatchObject({ stdout: "1:9\n", stderr: "" });
  });

  test("tmpcopyup starts a tmpfs with what the image has, links of the image kept inside", async () => {
    using rootfs = temporaryRootfs();
    mkdirSync(join(rootfs.path, "data/sub"), { recursive: true });
    writeFileSync(join(rootfs.path, "data/sub/file"), "content");
    chmodSync(join(rootfs.path, "data"), 0o711);
    symlinkSync("/data", join(rootfs.path, "link"));
    symlinkSync("/etc", join(rootfs.path, "data/out"));
    const mount = (destination: string, ...options: string[]) => ({
      destination,
      type: "tmpfs",
      source: "tmpfs",
      options: ["tmpcopyup", ...options],
    });
    const mounts = [mount("/data", "size=1m"), mount("/link", "mode=700"), mount("/new")];
    const spec = specFor(
      [
        "sh",
        "-c",
        "cat /data/sub/file; echo; stat -c %a /data; readlink /data/out; echo changed > /data/sub/file; ls /new | wc -l; grep -c ' /data tmpfs' /proc/mounts",
      ],
      { mounts },
    );
    const { output } = await startPlan(planStart(spec, contextFor(rootfs.path, spec)), { copyTree });
    const { stdout, stderr } = await output;
    expect(stderr).toBe("");
    expect(stdout).toBe("content\n700\n/etc\n0\n2\n");
    expect(readFileSync(join(rootfs.path, "data/sub/file"), "utf8")).toBe("content");
    expect(hostMounts(rootfs.path)).toEqual([]);
  });

  test("an overlay's layers are id-mapped, nothing on the disk is changed", async () => {
    using rootfs = temporaryRootfs();
    for (const name of ["upper", "work", "second"]) mkdirSync(join(rootfs.outside, name));
    writeFileSync(join(rootfs.outside, "second/file"), "x", { mode: 0o600 });
    const maps = {
      uidMappings: [{ containerID: 0, hostID: 400_000, size: 65_536 }],
      gidMappings: [{ containerID: 0, hostID: 500_000, size: 65_536 }],
    };
    const userns = openUserNamespace(maps);
    const lowerdirs = [join(rootfs.outside, "second"), rootfs.path];
    const fd = mountRootfs(
      {
        kind: "overlay",
        lowerdirs,
        upperdir: join(rootfs.outside, "upper"),
        workdir: join(rootfs.outside, "work"),
      },
      { userNamespace: userns, rootUid: 400_000, rootGid: 500_000 },
    );
    const script =
      "stat -c %u:%g / /file /bin/busybox; cat /file; touch /tmp/new; echo y >> /file; cat /proc/self/uid_map";
    const linux = { namespaces: namespacesOf(...usual, "user"), ...maps };
    const start = { rootfs: { kind: "mount", description: "mapped" } } as const;
    const { stdout, stderr } = await runIn(rootfs, ["sh", "-c", script], { linux }, start, {
      fds: { rootfs: fd, userns },
    });
    expect(stderr).toBe("");
    expect(stdout.replace(/ +/g, " ")).toBe("0:0\n0:0\n0:0\nx 0 400000 65536\n");
    const owner = Bun.spawnSync([
      "stat",
      "-c",
      "%u:%g",
      join(rootfs.outside, "upper/tmp/new"),
      join(rootfs.outside, "upper/file"),
    ]);
    expect(owner.stdout.toString()).toBe("0:0\n0:0\n");
    closeQuietly(fd, userns);
  });
});

describe.skipIf(!isRoot)("a mount namespace that is joined", () => {
  test("is pivoted like one's own; a network namespace's file of the host is joined with it", async () => {
    using rootfs = temporaryRootfs();
    const holder = Bun.spawn(["unshare", "-m", "-n", "sh", "-c", "echo ready; exec sleep 60"], {
      stdout: "pipe",
    });
    const reader = holder.stdout.getReader();
    await reader.read();
    const { pid } = holder;
    const at = (name: string) => `/proc/${pid}/ns/${name}`;
    const namespaces = [
      { type: "mount", path: at("mnt") },
      { type: "network", path: at("net") },
      ...namespacesOf("pid", "uts"),
    ] as const;
    const links = ["mnt", "net"].map((name) => readlinkSync(at(name)));
    const { stdout, stderr } = await runIn(
      rootfs,
      ["sh", "-c", "readlink /proc/self/ns/mnt; readlink /proc/self/ns/net; ls /"],
      { linux: { namespaces } },
    );
    expect(stderr).toBe("");
    expect(stdout).toBe(`${links.join("\n")}\nbin\ndev\netc\nproc\nsys\ntmp\n`);
    holder.kill();
    await holder.exited;
  });
});

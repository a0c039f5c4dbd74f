/**
 * What a plan promises by its order, and its whole text for a default container and an exec (golden).
 */
import { describe, expect, test } from "bun:test";
import { bindSourcesOf } from "../../../src/launch/bind-source.ts";
import type { LaunchOperation, LaunchPlan } from "../../../src/launch/plan.ts";
import { planExec } from "../../../src/launch/plan-exec.ts";
import { netmaskOf } from "../../../src/launch/plan-network.ts";
import { planStart } from "../../../src/launch/plan-start.ts";
import { capabilityMask } from "../../../src/security/capability.ts";
import type { Spec, SpecMount, SpecNamespaceType } from "../../../src/spec/oci.ts";
import { context, mounts, processOf, type SpecVariation, specOf } from "./start-context.ts";

/** Index of the first operation that matches; fails the test when there is none. */
function indexOf(plan: LaunchPlan, matches: (operation: LaunchOperation) => boolean): number {
  const index = plan.operations.findIndex(matches);
  if (index === -1) throw new Error("no such operation in the plan");
  return index;
}

const callIs = (call: LaunchOperation["call"]) => (operation: LaunchOperation) => operation.call === call;

describe("the order of a start", () => {
  const seccomp = new Uint8Array(8);
  const plan = planStart(specOf(), { ...context, seccomp });
  const at = (matches: (operation: LaunchOperation) => boolean) => indexOf(plan, matches);

  test("sources are opened before the pivot, targets only after it", () => {
    const pivot = at(callIs("pivot_root"));
    const [before, after] = [plan.operations.slice(0, pivot), plan.operations.slice(pivot)];
    expect(before.filter(callIs("openat2"))).toEqual([]);
    expect(after.filter((op) => op.call === "open_tree" && op.path.startsWith("/srv"))).toEqual([]);
    expect(before.filter((op) => op.call === "open_tree").map((op) => "path" in op && op.path)).toEqual([
      "/srv/data",
      "/srv/hosts",
    ]);
  });

  test("nothing is attached before the tree is private", () => {
    const isPrivate = at((op) => op.call === "mount" && op.flags.includes("MS_PRIVATE"));
    expect(isPrivate).toBeLessThan(at(callIs("move_mount")));
  });

  test("cgroup namespace, sysctls and interfaces come after go, and before /proc/sys is read-only", () => {
    const go = at(callIs("wait"));
    const readonly = at((op) => op.step === 'making "/proc/sys" read-only');
    for (const matches of [
      callIs("unshare"),
      callIs("socket"),
      (op: LaunchOperation) => op.call === "openat" && op.path === "/proc/sys/net/ipv4/ip_forward",
    ]) {
      expect(at(matches)).toBeGreaterThan(go);
      expect(at(matches)).toBeLessThan(readonly);
    }
  });

  test("privileges go last: descriptors, seccomp, bounding set, ids, capabilities, death signal, execve", () => {
    const order = [
      "seccomp",
      "drop-bounding",
      "setgroups",
      "setresgid",
      "setresuid",
      "verify-cwd",
      "capset",
    ] as const;
    const indices = order.map((call) => at(callIs(call)));
    expect(indices).toEqual([...indices].sort((a, b) => a - b));
    const death = at((op) => op.call === "prctl" && op.option === "PR_SET_PDEATHSIG");
    expect(death).toBeGreaterThan(at(callIs("setresuid")));
    // A profile that allows no close_range is none of the engine's business.
    expect(at(callIs("close_range"))).toBeLessThan(at(callIs("seccomp")));
    expect(at(callIs("umask"))).toBeLessThan(at(callIs("seccomp")));
    expect(plan.operations.slice(-2).map(({ call }) => call)).toEqual(["report", "execve"]);
  });

  test("with no_new_privs the filter is loaded last of all", () => {
    const strict = planStart(specOf({ process: { noNewPrivileges: true } }), { ...context, seccomp });
    expect(strict.operations.slice(-3).map(({ call }) => call)).toEqual(["seccomp", "report", "execve"]);
    const set = indexOf(strict, (op) => op.call === "prctl" && op.option === "PR_SET_NO_NEW_PRIVS");
    expect(set).toBeLessThan(indexOf(strict, callIs("seccomp")));
  });

  test("init protects itself before it joins anything", () => {
    const joined = specOf({ linux: { namespaces: [{ type: "network", path: "/proc/1/ns/net" }] } });
    const operations = planStart(joined, context).operations;
    expect(operations[0]).toMatchObject({ call: "prctl", option: "PR_SET_DUMPABLE", argument: 0 });
    expect(operations.findIndex(callIs("setns"))).toBeGreaterThan(0);
  });
});

describe("what a start asks of the kernel", () => {
  test("new namespaces by clone3, the cgroup one later, joined ones by path with a fork for pids", () => {
    expect(planStart(specOf(), context).cloneFlags).toEqual([
      "CLONE_NEWNS",
      "CLONE_NEWPID",
      "CLONE_NEWNET",
      "CLONE_NEWIPC",
      "CLONE_NEWUTS",
    ]);
    const namespaces = [
      { type: "pid", path: "/a" },
      { type: "user", path: "/b" },
      { type: "mount" },
    ] as const;
    const plan = planStart(specOf({ linux: { namespaces, sysctl: {} } }), context);
    expect(plan.cloneFlags).toEqual(["CLONE_NEWNS"]);
    const joins = plan.operations.filter((op) => op.call === "setns").map((op) => "types" in op && op.types);
    expect(joins).toEqual([["CLONE_NEWPID"], ["CLONE_NEWUSER"]]);
    expect(indexOf(plan, callIs("fork"))).toBeLessThan(indexOf(plan, callIs("wait")));
    expect(indexOf(plan, callIs("fork"))).toBeLessThan(indexOf(plan, callIs("setsid")));
  });

  test("a host name and interfaces only where the namespace is new", () => {
    const plan = planStart(specOf({ linux: { namespaces: [{ type: "mount" }], sysctl: {} } }), context);
    expect(plan.operations.filter((op) => op.call === "sethostname" || op.call === "socket")).toEqual([]);
  });

  test("a session keyring only where one is named", () => {
    const { keyring: _keyring, ...without } = context;
    expect(planStart(specOf(), context).operations.some(callIs("keyctl"))).toBe(true);
    expect(planStart(specOf(), without).operations.some(callIs("keyctl"))).toBe(false);
  });

  test("ramfs: moved and chrooted instead of pivoted", () => {
    const hostMounts = ["/proc/x", "/proc"];
    const { operations } = planStart(specOf(), { ...context, hostRoot: "ramfs", hostMounts });
    const calls = operations.map(({ call }) => call);
    expect(calls).toContain("chroot");
    expect(calls).not.toContain("pivot_root");
    const dropped = operations.flatMap((operation) => (operation.call === "umount2" ? operation.target : []));
    expect(dropped).toEqual(hostMounts);
    expect(calls.lastIndexOf("umount2")).toBeLessThan(calls.indexOf("chroot"));
  });

  test("capabilities beyond what there is are left out", () => {
    const available = capabilityMask(["CAP_CHOWN", "CAP_KILL"]);
    const plan = planStart(specOf(), { ...context, availableCapabilities: available });
    const capset = plan.operations[indexOf(plan, callIs("capset"))];
    expect(capset).toMatchObject({ effective: available, permitted: available, inheritable: 0n });
    expect(plan.operations[indexOf(plan, callIs("drop-bounding"))]).toMatchObject({ capabilities: 0n });
  });

  test("the cgroup view is attached late, unless something lies below it", () => {
    const cgroup = { mode: "v2" } as const;
    const late = planStart(specOf(), { ...context, cgroup });
    const opens = (op: LaunchOperation) => op.call === "fsopen" && op.fsType === "cgroup2";
    expect(indexOf(late, opens)).toBeGreaterThan(indexOf(late, callIs("wait")));
    const below: SpecMount = {
      destination: "/sys/fs/cgroup/x",
      type: "bind",
      source: "/srv/data",
      options: ["bind"],
    };
    const plan = planStart(specOf({ spec: { mounts: [...mounts, below] } }), { ...context, cgroup });
    const attached = (op: LaunchOperation) => op.call === "openat2" && op.path === "/sys/fs/cgroup/x";
    expect(indexOf(plan, attached)).toBeGreaterThan(indexOf(plan, opens));
  });

  test("a directory under a mount is made in the mount, not beside it", () => {
    const inner: SpecMount = { destination: "/work/in/ner", type: "tmpfs", source: "tmpfs" };
    const outer: SpecMount = { destination: "/work", type: "tmpfs", source: "tmpfs" };
    const plan = planStart(specOf({ spec: { mounts: [inner, outer, inner] } }), context);
    const made = plan.operations.flatMap((op) => (op.call === "mkdirat" ? [op.path] : []));
    const below = made.filter((path) => path.startsWith("/work"));
    expect(below).toEqual(["/work", "/work/in", "/work/in/ner", "/work/in", "/work/in/ner"]);
  });

  test("an owned /dev gets its nodes; a bound one is left alone", () => {
    const nodes = (spec: Spec) => planStart(spec, context).operations.filter(callIs("mknodat")).length;
    expect(nodes(specOf())).toBe(6);
    const bound: SpecMount = { destination: "/dev", type: "bind", source: "/srv/data", options: ["rbind"] };
    expect(nodes(specOf({ spec: { mounts: [bound] } }))).toBe(0);
    expect(nodes(specOf({ spec: { mounts: [] } }))).toBe(6);
    const devices = [
      { type: "c", path: "/dev/net/tun", major: 10, minor: 200, fileMode: 0o600, uid: 5, gid: 6 },
    ] as const;
    const plan = planStart(specOf({ linux: { devices } }), context);
    expect(plan.operations.find((op) => op.call === "mknodat" && op.path === "/dev/net/tun")).toMatchObject({
      mode: 0o020600,
      major: 10,
    });
    expect(plan.operations.find((op) => op.call === "fchownat")).toMatchObject({
      path: "/dev/net/tun",
      uid: 5,
      gid: 6,
    });
  });

  test("a console takes the caller's devpts", () => {
    const plan = planStart(specOf({ process: { terminal: true } }), { ...context, console: { number: 0 } });
    expect(plan.inherits).toEqual(["tape", "status", "go", "rootfs", "devpts"]);
    expect(plan.operations.some((op) => op.call === "fsopen" && op.fsType === "devpts")).toBe(false);
    expect(indexOf(plan, callIs("setsid"))).toBeLessThan(
      indexOf(plan, (op) => op.call === "ioctl" && op.request === "TIOCSCTTY"),
    );
  });
});

describe("what cannot be is refused, never dropped", () => {
  const mapped = [{ containerID: 0, hostID: 1000, size: 1 }];
  const types = (...list: readonly SpecNamespaceType[]) => list.map((type) => ({ type }));
  const cases: readonly (readonly [string, SpecVariation])[] = [
    ["id mappings need a user namespace", { linux: { uidMappings: mapped } }],
    ["invalid linux.uidMappings: it is empty", { linux: { namespaces: types("user", "network") } }],
    ["time offsets are specified", { linux: { timeOffsets: { boottime: { secs: 1 } } } }],
    ["without a private UTS namespace", { linux: { namespaces: types("network") }, spec: { hostname: "x" } }],
    ["apparmor not supported", { process: { apparmorProfile: "docker-default" } }],
    ["selinux is disabled or not supported", { process: { selinuxLabel: "a:b:c" } }],
    ["selinux is disabled or not supported", { linux: { mountLabel: "a:b:c" } }],
    ["Intel RDT is not supported", { linux: { intelRdt: { closID: "x" } } }],
    [
      'no clock "x"',
      { linux: { namespaces: types("time", "uts", "network"), timeOffsets: { x: { secs: 1 } } } },
    ],
    ["is no tmpfs", { spec: { mounts: [{ destination: "/x", type: "proc", options: ["tmpcopyup"] }] } }],
    ["needs both", { spec: { mounts: [{ destination: "/x", type: "tmpfs", uidMappings: mapped }] } }],
    [
      "neither it nor the container",
      { spec: { mounts: [{ destination: "/x", type: "tmpfs", options: ["idmap"] }] } },
    ],
    ['invalid linux.rootfsPropagation "x"', { linux: { rootfsPropagation: "x" } }],
    ['invalid scheduler policy "SCHED_X"', { process: { scheduler: { policy: "SCHED_X" } } }],
    ['invalid I/O priority class "X"', { process: { ioPriority: { class: "X" } } }],
    ['invalid personality "X"', { linux: { personality: { domain: "X" } } }],
    ['there is no flag "X"', { linux: { personality: { domain: "LINUX", flags: ["X"] } } }],
    ['invalid seccomp flag "X"', { linux: { seccomp: { defaultAction: "SCMP_ACT_ALLOW", flags: ["X"] } } }],
    [
      '"kernel.pid_max" is not in a separate kernel namespace',
      { linux: { sysctl: { "kernel.pid_max": "9" } } },
    ],
    ['"kernel.hostname" conflicts', { linux: { sysctl: { "kernel.hostname": "x" } } }],
    ["not allowed in host network namespace", { linux: { namespaces: types("uts") } }],
  ];
  test.each(cases)("%s", (word, changes) => {
    expect(() => planStart(specOf(changes), context)).toThrow(word);
  });

  test("for an exec too; unconfined is what there is", () => {
    const execContext = { ...context, namespaces: [] };
    expect(() => planExec(processOf({ selinuxLabel: "x" }), execContext)).toThrow("selinux is disabled");
    expect(() => planExec(processOf({ apparmorProfile: "unconfined" }), execContext)).not.toThrow();
  });

  test("an AppArmor profile counts from execve on, with an init at once: it never executes anything", () => {
    const spec = specOf({ process: { apparmorProfile: "mine" } });
    const writesOf = (init: boolean) =>
      planStart(spec, { ...context, init, securityModules: ["apparmor"] }).operations.flatMap((operation) =>
        operation.call === "write" ? [operation.text] : [],
      );
    expect(writesOf(false)).toContain("exec mine");
    expect(writesOf(true)).toContain("changeprofile mine");
    expect(writesOf(true)).not.toContain("exec mine");
  });

  test("a command there must be, and limits must have known names", () => {
    expect(() => planStart(specOf({ process: { args: [] } }), context)).toThrow("no command specified");
    const rlimits = [{ type: "RLIMIT_NOSUCH", soft: 1, hard: 1 }];
    expect(() => planStart(specOf({ process: { rlimits } }), context)).toThrow("RLIMIT_NOSUCH");
  });
});

test("bind sources are listed for the caller to look at", () => {
  expect(bindSourcesOf(specOf())).toEqual(["/srv/data", "/srv/hosts"]);
});

test.each([
  [0, "0.0.0.0"],
  [8, "255.0.0.0"],
  [16, "255.255.0.0"],
  [25, "255.255.255.128"],
  [32, "255.255.255.255"],
])("netmask of /%d", (prefix, mask) => {
  expect(netmaskOf(prefix)).toBe(mask);
});

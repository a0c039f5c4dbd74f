/**
 * Whole plans as text, reviewed (golden): a default container, an exec, and the two that use the most of the launcher.
 */
import { describe, expect, test } from "bun:test";
import type { LaunchPlan } from "../../../src/launch/plan.ts";
import { planExec } from "../../../src/launch/plan-exec.ts";
import { planHook } from "../../../src/launch/plan-hook.ts";
import { planStart } from "../../../src/launch/plan-start.ts";
import { renderOperation, renderPlan } from "../../../src/launch/render-plan.ts";
import type { SpecMount } from "../../../src/spec/oci.ts";
import { expectGolden } from "../../golden/compare-golden.ts";
import { context, mounts, processOf, specOf } from "./start-context.ts";

const network = {
  interfaces: [
    {
      name: "eth0",
      address: "172.17.0.2/16",
      gateway: "172.17.0.1",
      mac: "02:42:ac:11:00:02",
      mtu: 1500,
      address6: "fd00::2/64",
      gateway6: "fd00::1",
    },
  ],
};
const seccomp = new Uint8Array(16);
const user = { uid: 1000, gid: 1000, additionalGids: [10] };
const hook = { path: "/usr/bin/hook", args: ["hook", "now"], env: ["A=1"] };
const directory = { kind: "directory", path: "/bundle/rootfs" } as const;
const extent = (containerID: number, hostID: number, size: number) => ({ containerID, hostID, size });

/** Own user, time and cgroup namespaces; the host's network; ids of volumes mapped in both ways. */
function mappedPlan(): LaunchPlan {
  const maps = { uidMappings: [extent(0, 100_000, 65_536)], gidMappings: [extent(0, 200_000, 65_536)] };
  const namespaces = (["user", "mount", "pid", "ipc", "uts", "time", "cgroup"] as const).map((type) => ({
    type,
  }));
  const volumes: readonly SpecMount[] = [
    { destination: "/own", type: "bind", source: "/srv/data", options: ["rbind", "ridmap", "rro"] },
    {
      destination: "/other",
      type: "bind",
      source: "/srv/data",
      options: ["bind"],
      uidMappings: [extent(0, 5000, 10)],
      gidMappings: [extent(0, 6000, 10)],
    },
    { destination: "/fresh", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup", "size=1m"] },
  ];
  const timeOffsets = { boottime: { secs: 60, nanosecs: 5 }, monotonic: { secs: -1 } };
  const rlimits = [{ type: "RLIMIT_NOFILE", soft: 64, hard: 128 }];
  const spec = specOf({
    process: { user, rlimits, oomScoreAdj: 5 },
    linux: { namespaces, ...maps, timeOffsets, sysctl: {} },
    spec: { mounts: [...mounts, ...volumes] },
  });
  return planStart(spec, { ...context, cgroup: { mode: "v2" }, chownStdio: [1, 2] });
}

/** An OCI create: hooks, a gate, descriptors passed on, a filter that notifies, scheduling, the host's cgroups. */
function gatedPlan(): LaunchPlan {
  const namespaces = [{ type: "mount" }, { type: "uts" }, { type: "network", path: "/run/netns/x" }] as const;
  const policy = {
    defaultAction: "SCMP_ACT_ALLOW",
    flags: ["SECCOMP_FILTER_FLAG_LOG"],
    listenerPath: "/run/agent.sock",
    syscalls: [{ names: ["mount"], action: "SCMP_ACT_NOTIFY" }],
  } as const;
  const process = {
    noNewPrivileges: true,
    apparmorProfile: "strict",
    scheduler: { policy: "SCHED_RR", priority: 5, flags: ["SCHED_FLAG_RESET_ON_FORK"] },
    ioPriority: { class: "IOPRIO_CLASS_IDLE" },
  };
  const linux = {
    namespaces,
    sysctl: {},
    seccomp: policy,
    personality: { domain: "LINUX32" },
    rootfsPropagation: "rslave",
  };
  const hooks = { createRuntime: [hook], createContainer: [hook], startContainer: [hook] };
  const spec = specOf({ process, linux, spec: { hooks, root: { path: "/bundle/rootfs", readonly: true } } });
  const { keyring: _keyring, ...noKeyring } = context;
  return planStart(spec, {
    ...noKeyring,
    rootfs: directory,
    seccomp,
    gate: true,
    preserveFds: 2,
    dieWithParent: false,
    securityModules: ["apparmor"],
    cgroup: { mode: "v2", own: "/sys/fs/cgroup/x" },
  });
}

const execContext = { ...context, namespaces: ["mount", "pid", "network"] } as const;
const plans: readonly (readonly [string, LaunchPlan])[] = [
  ["plan-start", planStart(specOf(), { ...context, network, cgroup: { mode: "v2" }, seccomp })],
  [
    "plan-exec",
    planExec(processOf({ user, noNewPrivileges: true, oomScoreAdj: 5 }), {
      ...execContext,
      chownStdio: [1, 2],
    }),
  ],
  ["plan-mapped", mappedPlan()],
  ["plan-gated", gatedPlan()],
  ["plan-hook", planHook(hook, { in: "mounts", namespaces: ["user", "mount", "pid"] }, [])],
];

describe("a plan as text", () => {
  for (const [name, plan] of plans) {
    test(`${name} is as reviewed`, () => {
      expectGolden(`launch/${name}.txt`, `${renderPlan(plan).join("\n")}\n`);
    });
  }

  test("every operation of a plan prints on one line and names what it is for", () => {
    for (const [, plan] of plans) {
      for (const operation of plan.operations) {
        const line = renderOperation(operation);
        expect(line).not.toContain("\n");
        expect(line).not.toMatch(/\[object|undefined/);
        expect(line).toContain(operation.step);
      }
    }
  });

  test("what mounts and processes get of user namespaces is in the plan, each map once", () => {
    const { userNamespaces = [], inherits, copyUps = [] } = mappedPlan();
    expect(userNamespaces.map(({ name }) => name)).toEqual(["userns", "idmap1"]);
    expect(copyUps.map(({ destination }) => destination)).toEqual(["/fresh"]);
    expect(inherits).toEqual(["tape", "status", "go", "userns", "idmap1", "copyup0", "rootfs"]);
  });

  test("a hook from inside the container runs with its process's rights, under its own name", () => {
    const plan = planHook(hook, { in: "container", process: processOf({ user }), context: execContext }, []);
    expect(plan.operations.at(-1)).toMatchObject({
      candidates: ["/usr/bin/hook"],
      args: ["hook", "now"],
      env: ["A=1"],
    });
    expect(plan.operations).toContainEqual(expect.objectContaining({ call: "setresuid", id: 1000 }));
    expect(plan.operations.some(({ call }) => call === "drop-bounding")).toBe(true);
  });
});

/**
 * Which namespaces a container gets: new ones by clone3, those of others by path.
 */
import type { Spec, SpecNamespaceType } from "../spec/oci.ts";
import type { CloneFlag } from "./operation.ts";
import type { PlanBuilder } from "./plan-builder.ts";

const namespaceFlag: Readonly<Record<SpecNamespaceType, CloneFlag>> = {
  pid: "CLONE_NEWPID",
  network: "CLONE_NEWNET",
  mount: "CLONE_NEWNS",
  ipc: "CLONE_NEWIPC",
  uts: "CLONE_NEWUTS",
  user: "CLONE_NEWUSER",
  cgroup: "CLONE_NEWCGROUP",
  time: "CLONE_NEWTIME",
};

function namespaceOf(spec: Spec, type: SpecNamespaceType) {
  return spec.linux?.namespaces?.find((namespace) => namespace.type === type);
}

/** Whether the Spec asks for a namespace of the container's own. */
export function isNew(spec: Spec, type: SpecNamespaceType): boolean {
  const namespace = namespaceOf(spec, type);
  return namespace !== undefined && namespace.path === undefined;
}

/** A mount namespace always; the cgroup one not here: its root is the cgroup the process is in when it is made. */
export function cloneFlagsOf(spec: Spec): readonly CloneFlag[] {
  const flags: CloneFlag[] = ["CLONE_NEWNS"];
  for (const { type, path } of spec.linux?.namespaces ?? []) {
    if (path === undefined && type !== "cgroup" && type !== "mount") flags.push(namespaceFlag[type]);
  }
  return flags;
}

/** Joins namespaces by path, the user namespace first; a joined pid namespace takes a fork. */
export function planNamespaces(builder: PlanBuilder, spec: Spec): void {
  const joined = (spec.linux?.namespaces ?? []).filter(({ path }) => path !== undefined);
  const ordered = [...joined].sort((a, b) => Number(b.type === "user") - Number(a.type === "user"));
  for (const { type, path = "" } of ordered) {
    const fd = builder.name(`ns-${type}`);
    builder.step(`joining the ${type} namespace ${JSON.stringify(path)}`);
    builder.add(
      { call: "openat", dirfd: "AT_FDCWD", path, flags: ["O_RDONLY", "O_CLOEXEC"], keep: fd },
      { call: "setns", fd, types: [namespaceFlag[type]] },
      { call: "close", fd },
    );
  }
  if (joined.some(({ type }) => type === "pid")) {
    builder.step("entering the pid namespace").add({ call: "fork" });
  }
}

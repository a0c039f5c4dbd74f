/**
 * --pid, --ipc, --uts, --userns, --cgroupns and --network: which namespaces a container has for itself, shares or joins.
 *
 * Pure; where another container's namespaces are is the engine's to look up.
 */
import type { ContainerConfig } from "../config/container-config.ts";
import { BockerError } from "../errors.ts";
import type { SpecNamespace, SpecNamespaceType } from "./oci.ts";

export type NamespaceMode =
  | { readonly kind: "private" }
  | { readonly kind: "host" }
  | { readonly kind: "container"; readonly container: string };

export interface NamespaceModes {
  readonly pid: NamespaceMode;
  readonly ipc: NamespaceMode;
  readonly uts: NamespaceMode;
  readonly network: NamespaceMode;
  readonly cgroup: NamespaceMode;
  readonly user: NamespaceMode;
}

/** Where to join: a namespace file by type, for the modes that name a container. */
export type NamespacePaths = Readonly<Partial<Record<SpecNamespaceType, string>>>;

/** Errors are docker's: `invalid PID mode: x`. */
export function namespaceModes(config: ContainerConfig): NamespaceModes {
  return {
    pid: parseMode(config.pidMode, "PID", ["", "private"]),
    ipc: parseMode(config.ipcMode, "IPC", ["", "private", "shareable", "none"]),
    uts: withoutContainer(config.utsMode),
    network: networkMode(config.networks[0]?.name ?? ""),
    cgroup: { kind: config.cgroupMode ?? "private" },
    user: userMode(config),
  };
}

/** The spec's list. A mode that joins and has no path is a fault of the caller. */
export function specNamespaces(modes: NamespaceModes, paths: NamespacePaths): readonly SpecNamespace[] {
  const optional = (["user", "network", "uts", "pid", "ipc"] as const).flatMap(
    (type): readonly SpecNamespace[] => {
      const mode = modes[type];
      if (mode.kind === "host") return [];
      if (mode.kind === "private") return [{ type }];
      const path = paths[type];
      if (path === undefined) {
        throw new BockerError(`cannot join the ${type} namespace of "${mode.container}": it has none`, {
          kind: "not-running",
        });
      }
      return [{ type, path }];
    },
  );
  const cgroup = modes.cgroup.kind === "host" ? [] : [{ type: "cgroup" } as const];
  return [{ type: "mount" }, ...optional, ...cgroup];
}

function parseMode(text: string | undefined, name: string, own: readonly string[]): NamespaceMode {
  if (text === undefined || own.includes(text)) return { kind: "private" };
  if (text === "host") return { kind: "host" };
  const container = containerOf(text);
  if (container !== undefined) return { kind: "container", container };
  throw new BockerError(`invalid ${name} mode: ${text}`, { kind: "invalid-config" });
}

/** A container without maps shares the ids of whatever it would join. */
function userMode({ usernsMode = "", idMaps }: ContainerConfig): NamespaceMode {
  if (idMaps === undefined) return { kind: "host" };
  const container = containerOf(usernsMode);
  return container === undefined ? { kind: "private" } : { kind: "container", container };
}

function withoutContainer(text: string | undefined): NamespaceMode {
  const mode = parseMode(text, "UTS", ["", "private"]);
  if (mode.kind !== "container") return mode;
  throw new BockerError(`invalid UTS mode: ${text}`, { kind: "invalid-config" });
}

/** Every network but these two is a namespace of the container's own, `none` too. */
function networkMode(name: string): NamespaceMode {
  if (name === "host") return { kind: "host" };
  const container = containerOf(name);
  return container === undefined ? { kind: "private" } : { kind: "container", container };
}

/** X of `container:X`. */
function containerOf(text: string): string | undefined {
  const name = text.startsWith("container:") ? text.slice("container:".length) : "";
  return name === "" ? undefined : name;
}

/**
 * Devices of the Container Device Interface: what a CDI file says, and what that does to a Spec. Pure.
 *
 * A file describes one kind of device (`vendor.com/class`); each device has edits, and the file has some that come with
 * any of them. Follows github.com/cncf-tags/container-device-interface, SPEC.md 0.8.
 */
import { BockerError } from "../errors.ts";
import type { Spec, SpecDevice, SpecDeviceRule, SpecHook, SpecHooks, SpecMount } from "./oci.ts";

export interface CdiFile {
  readonly cdiVersion: string;
  readonly kind: string;
  readonly devices: readonly { readonly name: string; readonly containerEdits?: CdiEdits }[];
  readonly containerEdits?: CdiEdits;
}

export interface CdiEdits {
  readonly env?: readonly string[];
  readonly deviceNodes?: readonly CdiNode[];
  readonly mounts?: readonly CdiMount[];
  readonly hooks?: readonly CdiHook[];
  readonly additionalGids?: readonly number[];
}

export interface CdiNode {
  readonly path: string;
  readonly hostPath?: string;
  readonly type?: string;
  readonly major?: number;
  readonly minor?: number;
  readonly fileMode?: number;
  readonly permissions?: string;
  readonly uid?: number;
  readonly gid?: number;
}

export interface CdiMount {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly type?: string;
  readonly options?: readonly string[];
}

export interface CdiHook extends SpecHook {
  readonly hookName: string;
}

/** A device node as the host has it; throws for what is none. */
export type FindNode = (hostPath: string, containerPath: string) => SpecDevice;

const hookNames: readonly (keyof SpecHooks)[] = ["prestart", "createRuntime", "createContainer", "poststart"];

/** The Spec with these edits in their order. Throws for a hook that cannot be run. */
export function applyCdiEdits(spec: Spec, edits: readonly CdiEdits[], findNode: FindNode): Spec {
  return edits.reduce((changed, edit) => applyEdit(changed, edit, findNode), spec);
}

function applyEdit(spec: Spec, edit: CdiEdits, findNode: FindNode): Spec {
  const { process, linux = {}, mounts = [], hooks } = spec;
  const nodes = (edit.deviceNodes ?? []).map((node) => nodeOf(spec, node, findNode));
  const replaced = new Set(nodes.map(({ device }) => device.path));
  const isMapped = linux.namespaces?.some(({ type }) => type === "user") ?? false;
  const moved = isMapped ? nodes.filter(({ device, hostPath }) => device.path !== hostPath) : [];
  const made = nodes.filter((node) => !moved.includes(node)).map(({ device }) => device);
  const kept = (linux.devices ?? []).filter(({ path }) => !replaced.has(path));
  const rules = nodes.map(({ rule }) => rule);
  const gids = (edit.additionalGids ?? []).filter((gid) => gid !== 0);
  const added = [...moved.map(bindOf), ...(edit.mounts ?? []).map(mountOf)];
  return {
    ...spec,
    ...(process && {
      process: {
        ...process,
        env: withEnv(process.env ?? [], edit.env ?? []),
        user: withGroups(process.user, gids),
      },
    }),
    mounts: [...mounts, ...added],
    ...(edit.hooks === undefined ? {} : { hooks: withHooks(hooks ?? {}, edit.hooks) }),
    linux: {
      ...linux,
      devices: [...kept, ...made],
      resources: { ...linux.resources, devices: [...(linux.resources?.devices ?? []), ...rules] },
    },
  };
}

interface Node {
  readonly device: SpecDevice;
  readonly rule: SpecDeviceRule;
  readonly hostPath: string;
}

/** What the file leaves open is as on the host, but the owner: that is the container's user. */
function nodeOf({ process }: Spec, node: CdiNode, findNode: FindNode): Node {
  const { path, hostPath = path, permissions = "rwm", fileMode, uid, gid } = node;
  const found = nodeInFile(node) ?? findNode(hostPath, path);
  const user = process?.user ?? { uid: 0, gid: 0 };
  const device: SpecDevice = {
    ...found,
    path,
    ...(fileMode === undefined ? {} : { fileMode }),
    uid: uid ?? (user.uid > 0 ? user.uid : (found.uid ?? 0)),
    gid: gid ?? (user.gid > 0 ? user.gid : (found.gid ?? 0)),
  };
  const { major, minor } = found;
  const numbers = { ...(major === undefined ? {} : { major }), ...(minor === undefined ? {} : { minor }) };
  const type = device.type === "b" ? "b" : "c";
  return { device, hostPath, rule: { allow: true, type, ...numbers, access: permissions } };
}

function nodeInFile({ path, type, major, minor }: CdiNode): SpecDevice | undefined {
  if (type === "p") return { type, path };
  const isKnown = type === "c" || type === "b" || type === "u";
  if (!isKnown || major === undefined || major === 0) return undefined;
  return { type, path, major, minor: minor ?? 0 };
}

function bindOf({ device, hostPath }: Node): SpecMount {
  return { destination: device.path, type: "bind", source: hostPath, options: ["bind", "rprivate"] };
}

function mountOf({ hostPath, containerPath, type = "bind", options = ["bind"] }: CdiMount): SpecMount {
  return { destination: containerPath, type, source: hostPath, options };
}

/** A later word for a variable takes the place of the earlier one. */
function withEnv(env: readonly string[], added: readonly string[]): readonly string[] {
  const nameOf = (word: string) => word.split("=", 1)[0];
  const names = new Set(added.map(nameOf));
  return [...env.filter((word) => !names.has(nameOf(word))), ...added];
}

function withGroups<User extends { readonly additionalGids?: readonly number[] }>(
  user: User,
  gids: readonly number[],
): User {
  if (gids.length === 0) return user;
  return { ...user, additionalGids: [...new Set([...(user.additionalGids ?? []), ...gids])] };
}

function withHooks(hooks: SpecHooks, added: readonly CdiHook[]): SpecHooks {
  const result: { -readonly [Kind in keyof SpecHooks]: SpecHooks[Kind] } = { ...hooks };
  for (const { hookName, ...hook } of added) {
    const kind = hookNames.find((name) => name === hookName);
    if (kind === undefined) {
      throw new BockerError(`cannot run the CDI hook "${hook.path}": ${hookName} hooks are not supported`, {
        kind: "unsupported",
        hint: `supported: ${hookNames.join(", ")}`,
      });
    }
    result[kind] = [...(result[kind] ?? []), hook];
  }
  return result;
}

/**
 * What a Spec's id maps ask for, before there is a plan: which user namespaces have to be there, and which mounts a
 * container's root may not make in its own.
 *
 * Pure. The rules are the kernel's: sysfs belongs to the network namespace, mqueue to the ipc one, proc to the pid one,
 * and each is mounted by who owns that namespace.
 */
import { BockerError } from "../errors.ts";
import { checkIdMap, type IdMaps, isSameIdMap } from "../security/id-map.ts";
import type { Spec, SpecMount, SpecNamespaceType } from "../spec/oci.ts";
import { parseMountOptions } from "./mount-option.ts";
import type { UserNamespace } from "./plan.ts";
import { hasUserNamespace, isNew, userNamespace } from "./plan-namespaces.ts";

export interface IdMapPlan {
  readonly userNamespaces: readonly UserNamespace[];
  /** By mount: the name of the namespace whose ids it gets. */
  readonly idMapped: ReadonlyMap<SpecMount, string>;
}

/** The container's own namespace, and one more for each map that a mount has for itself. */
export function planIdMaps(spec: Spec): IdMapPlan {
  const userNamespaces: UserNamespace[] = containerNamespace(spec);
  const idMapped = new Map<SpecMount, string>();
  for (const mount of spec.mounts ?? []) {
    const name = namespaceOfMount(mount, userNamespaces);
    if (name !== undefined) idMapped.set(mount, name);
  }
  return { userNamespaces, idMapped };
}

function containerNamespace({ linux = {} }: Spec): UserNamespace[] {
  const entry = linux.namespaces?.find(({ type }) => type === "user");
  const { uidMappings = [], gidMappings = [] } = linux;
  if (entry === undefined) {
    if (uidMappings.length + gidMappings.length > 0) throw invalid("id mappings need a user namespace");
    return [];
  }
  if (entry.path !== undefined) return [{ name: userNamespace, path: entry.path }];
  checkIdMap("linux.uidMappings", uidMappings);
  checkIdMap("linux.gidMappings", gidMappings);
  return [{ name: userNamespace, uidMappings, gidMappings }];
}

function namespaceOfMount(mount: SpecMount, known: UserNamespace[]): string | undefined {
  const { idMap } = parseMountOptions(mount.options ?? []);
  const { uidMappings, gidMappings, destination } = mount;
  if (uidMappings === undefined && gidMappings === undefined) {
    if (idMap === undefined) return undefined;
    if (known.some(({ name }) => name === userNamespace)) return userNamespace;
    throw invalid(`mount "${destination}" is to be id-mapped, and neither it nor the container has mappings`);
  }
  if (uidMappings === undefined || gidMappings === undefined)
    throw invalid(`mount "${destination}" has uidMappings or gidMappings, it needs both`);
  checkIdMap(`uidMappings of mount "${destination}"`, uidMappings);
  checkIdMap(`gidMappings of mount "${destination}"`, gidMappings);
  return namespaceWith({ uidMappings, gidMappings }, known);
}

function namespaceWith(maps: IdMaps, known: UserNamespace[]): string {
  const same = known.find((each) => "uidMappings" in each && isSameIdMap(each, maps));
  if (same !== undefined) return same.name;
  const name = `idmap${known.length}`;
  known.push({ name, ...maps });
  return name;
}

function invalid(reason: string): BockerError {
  return new BockerError(`invalid config: ${reason}`, { kind: "invalid-config" });
}

const owners: Readonly<Record<string, SpecNamespaceType>> = { sysfs: "network", mqueue: "ipc", proc: "pid" };

/**
 * Whether a file system shows a namespace that the container's user namespace does not own: the host's, or one that
 * is joined. Only the host's root can mount it.
 */
export function isForeign(spec: Spec, { type = "" }: SpecMount): boolean {
  const owner = owners[type];
  return owner !== undefined && hasUserNamespace(spec) && !isNew(spec, owner);
}

/**
 * Whose a container's cgroup is to be. Pure. See config-linux.md#cgroup-ownership.
 */
import { hostIdOf } from "../security/id-map.ts";
import type { Spec } from "../spec/oci.ts";

/**
 * The host's id of the process's user, where the container can write to its cgroup and sees only that; undefined: root's,
 * as it was made. A user namespace by path has mappings that nobody here knows.
 */
export function cgroupOwnerOf({ linux = {}, mounts = [], process }: Spec): number | undefined {
  const { namespaces = [], uidMappings = [] } = linux;
  const isNew = (type: string) => namespaces.some((each) => each.type === type && each.path === undefined);
  const joinsUser = namespaces.some(({ type, path }) => type === "user" && path !== undefined);
  if (!isNew("cgroup") || joinsUser) return undefined;
  const writable = mounts.some(
    ({ destination, source, options = [] }) =>
      destination === "/sys/fs/cgroup" && source === "cgroup" && !options.includes("ro"),
  );
  if (!writable) return undefined;
  const uid = process?.user.uid ?? 0;
  return uidMappings.length === 0 ? uid : hostIdOf(uidMappings, uid);
}

/**
 * Ids of a container's users as the host sees them, for what is given away from outside: pipes, terminals, directories.
 */
import type { ContainerConfig } from "../config/container-config.ts";
import { BockerError } from "../errors.ts";
import { trace } from "../host/trace.ts";
import { hostIdOf } from "../security/id-map.ts";

export interface UserIds {
  readonly uid: number;
  readonly gid: number;
}

/** Throws for a user that the container's user namespace has no id for. */
export function hostUserOf({ idMaps }: Pick<ContainerConfig, "idMaps">, { uid, gid }: UserIds): UserIds {
  if (idMaps === undefined) return { uid, gid };
  const [hostUid, hostGid] = [hostIdOf(idMaps.uidMappings, uid), hostIdOf(idMaps.gidMappings, gid)];
  if (hostUid !== undefined && hostGid !== undefined) return { uid: hostUid, gid: hostGid };
  throw notMapped(hostUid === undefined ? `uid ${uid}` : `gid ${gid}`);
}

/**
 * A user's further groups, without those of the image that the container's user namespace has no id for, as with podman.
 * Throws for such a one that was asked for by number.
 */
export function mappedGroups(
  { idMaps, groupAdd }: Pick<ContainerConfig, "idMaps" | "groupAdd">,
  gids: readonly number[],
): readonly number[] {
  if (idMaps === undefined) return gids;
  const missing = gids.filter((gid) => hostIdOf(idMaps.gidMappings, gid) === undefined);
  const asked = missing.find((gid) => groupAdd.includes(String(gid)));
  if (asked !== undefined) throw notMapped(`gid ${asked}`);
  for (const gid of missing) trace(() => `left group ${gid} out: it is not mapped`);
  return gids.filter((gid) => !missing.includes(gid));
}

function notMapped(what: string): BockerError {
  return new BockerError(`cannot use ${what}: it is not mapped in the container's user namespace`, {
    kind: "invalid-config",
    hint: "map more ids (--uidmap, --userns=auto:size=N) or take another user",
  });
}

/**
 * Ids of a container's users as the host sees them, for what is given away from outside: pipes, terminals, directories.
 */
import type { ContainerConfig } from "../config/container-config.ts";
import { BockerError } from "../errors.ts";
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
  const what = hostUid === undefined ? `uid ${uid}` : `gid ${gid}`;
  throw new BockerError(`cannot use ${what}: it is not mapped in the container's user namespace`, {
    kind: "invalid-config",
    hint: "map more ids (--uidmap, --userns=auto:size=N) or take another user",
  });
}

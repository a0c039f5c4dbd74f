/**
 * The user namespace of a container about to start, and what its ids are on the host.
 *
 * Loaded for containers that have one alone. Where every id means the same on both sides, files need no mapping.
 */
import { closeSync, openSync } from "node:fs";
import type { ContainerConfig } from "../config/container-config.ts";
import { openUserNamespace } from "../runtime/user-namespace.ts";
import { hostIdOf, type IdMaps, isIdentity } from "../security/id-map.ts";
import type { MappedIds } from "../storage/mapped-mount.ts";
import { joinedNamespaces } from "./container-namespace.ts";
import type { Engine } from "./engine.ts";

/** Its descriptor belongs to the value. */
export interface OpenUserns extends Disposable {
  readonly fd: number;
  readonly maps: IdMaps;
  /** For its files; absent: they keep their ids. */
  readonly ids?: MappedIds;
}

/** Undefined for a container that has the host's. Throws for a container to join that does not run. */
export async function openUserns(engine: Engine, config: ContainerConfig): Promise<OpenUserns | undefined> {
  const { idMaps: maps } = config;
  if (maps === undefined) return undefined;
  const { user: path } = await joinedNamespaces(engine, config);
  const fd = path === undefined ? openUserNamespace(maps) : openSync(path, "r");
  const close = { [Symbol.dispose]: () => closeSync(fd) };
  return isIdentity(maps) ? { fd, maps, ...close } : { fd, maps, ids: mappedIds(fd, maps), ...close };
}

function mappedIds(userNamespace: number, { uidMappings, gidMappings }: IdMaps): MappedIds {
  const rootUid = hostIdOf(uidMappings, 0) ?? 0;
  const rootGid = hostIdOf(gidMappings, 0) ?? 0;
  return { userNamespace, rootUid, rootGid };
}

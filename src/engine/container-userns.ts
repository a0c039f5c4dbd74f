/**
 * Which ids a container has: --userns, --uidmap and their relatives to id maps, when it is made.
 *
 * The maps are kept with the container. With `auto` they are ids that no container has, found in the transaction that
 * makes it; they are free again when it is removed. Rules: podman-run(1).
 */
import { readFileSync } from "node:fs";
import type { ContainerConfig } from "../config/container-config.ts";
import { parseIdMap, parseUserns, replaceIn, type UsernsRequest } from "../config/userns-spec.ts";
import { BockerError } from "../errors.ts";
import { checkIdMap, hostIdOf, type IdMapping, type IdMaps } from "../security/id-map.ts";
import { listContainers } from "../state/container.ts";
import type { Engine } from "./engine.ts";
import { loadContainer } from "./find-container.ts";
import { findFreeIds, type IdKind, type IdRange, loadSubordinateIds, mapOfName } from "./subordinate-ids.ts";

/** What a request comes to. */
export interface SettledUserns {
  readonly config: ContainerConfig;
  /** For `auto`, to be called in the transaction that inserts the container. */
  readonly claimIds?: () => IdMaps;
}

/** Ids of `auto`, unless it says another number: those of an ordinary system. */
const defaultSize = 65536;
/** Whose ranges `auto` gives out, as with podman. */
const owner = "containers";
/** Without such an entry: what systemd's page on UIDs and GIDs leaves unused. */
const unusedIds: IdRange = { start: 0x70000000, size: 0x0ffe0000 };

/** Throws for maps that cannot be. The request asks for something but `host`. */
export async function settleUserns(engine: Engine, config: ContainerConfig): Promise<SettledUserns> {
  const request = requestOf(config);
  switch (request.kind) {
    case "host":
      return { config };
    case "nomap":
      throw new BockerError("nomap is only supported in rootless mode", {
        kind: "unsupported",
        hint: "--userns=auto leaves the ids of root, and of everybody else, out as well",
      });
    case "private":
      return { config: { ...config, idMaps: ownMaps(config) } };
    case "keep-id":
      return { config: keepIds(config, request) };
    case "container":
      return { config: await joinContainer(engine, config, request.container) };
    case "auto":
      return { config, claimIds: () => freeMaps(engine, request) };
  }
}

function requestOf(config: ContainerConfig): UsernsRequest {
  const { usernsMode, uidMap = [], gidMap = [], subuidName, subgidName } = config;
  const hasMaps = uidMap.length + gidMap.length > 0 || (subuidName ?? subgidName) !== undefined;
  const request: UsernsRequest = usernsMode === undefined ? { kind: "private" } : parseUserns(usernsMode);
  if (hasMaps && request.kind !== "private") {
    throw invalid(
      `--userns=${usernsMode} is incompatible with --uidmap, --gidmap, --subuidname and --subgidname`,
    );
  }
  if (!hasMaps && request.kind === "private")
    throw invalid("must provide at least one UID or GID mapping to configure a user namespace");
  return request;
}

/** What is not said of one kind is as with the other. */
function ownMaps({ uidMap = [], gidMap = [], subuidName, subgidName }: ContainerConfig): IdMaps {
  const names = { uid: subuidName ?? subgidName, gid: subgidName ?? subuidName };
  const words = { uid: uidMap.length > 0 ? uidMap : gidMap, gid: gidMap.length > 0 ? gidMap : uidMap };
  const mapOf = (kind: IdKind): readonly IdMapping[] => {
    const name = names[kind];
    const map = parseIdMap(words[kind], kind, name === undefined ? [] : mapOfName(kind, name));
    checkIdMap(`--${kind}map`, map);
    requireRoot(`--${kind}map`, map);
    return map;
  };
  return { uidMappings: mapOf("uid"), gidMappings: mapOf("gid") };
}

/** For root all ids stay what they are; what it gets is a namespace in which its capabilities count. */
function keepIds(
  config: ContainerConfig,
  { uid = 0, gid = 0 }: Extract<UsernsRequest, { kind: "keep-id" }>,
): ContainerConfig {
  const idMaps = { uidMappings: ownIds("uid"), gidMappings: ownIds("gid") };
  return { ...config, user: config.user ?? `${uid}:${gid}`, idMaps };
}

/** The ids this process can map (user_namespaces(7)), each to itself. */
function ownIds(kind: IdKind): readonly IdMapping[] {
  return readFileSync(`/proc/self/${kind}_map`, "latin1")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [first = 0, , size = 0] = line.trim().split(/\s+/).map(Number);
      return { containerID: first, hostID: first, size };
    });
}

/** Kept by id, so that a rename does not redirect it. Who has the host's ids shares those. */
async function joinContainer(
  engine: Engine,
  config: ContainerConfig,
  name: string,
): Promise<ContainerConfig> {
  const other = await loadContainer(engine, name);
  const { idMaps } = other.config;
  return { ...config, usernsMode: `container:${other.id}`, ...(idMaps === undefined ? {} : { idMaps }) };
}

/** Throws where /etc/subuid or /etc/subgid has no room left. */
function freeMaps(
  engine: Engine,
  { size = defaultSize, fixed }: Extract<UsernsRequest, { kind: "auto" }>,
): IdMaps {
  const others = listContainers(engine.state).flatMap(({ config }) => config.idMaps ?? []);
  const mapOf = (kind: IdKind): readonly IdMapping[] => {
    const key = `${kind}Mappings` as const;
    const used = others.flatMap((maps) => maps[key]).map(({ hostID, size }) => ({ start: hostID, size }));
    const start = findFree(kind, used, size);
    const map = fixed[key].reduce<readonly IdMapping[]>(replaceIn, [{ containerID: 0, hostID: start, size }]);
    checkIdMap(`--userns ${kind} map`, map);
    requireRoot("--userns", map);
    return map;
  };
  return { uidMappings: mapOf("uid"), gidMappings: mapOf("gid") };
}

function findFree(kind: IdKind, used: readonly IdRange[], size: number): number {
  const given = loadSubordinateIds(kind);
  const own = given.filter(({ name }) => name === owner);
  // What begins at 0 is the whole of the host's ids, of a container that keeps them.
  const taken = used.filter(({ start }) => start !== 0);
  const start =
    own.length > 0 ? findFreeIds(own, taken, size) : findFreeIds([unusedIds], [...taken, ...given], size);
  if (start !== undefined) return start;
  const place = own.length > 0 ? `of "${owner}" in /etc/sub${kind}` : "that nobody has";
  throw new BockerError(`cannot find ${size} unused ${kind}s in a row among those ${place}`, {
    kind: "host",
    hint: `remove containers with --userns=auto, ask for fewer with auto:size=N, or give "${owner}" more in /etc/sub${kind}`,
  });
}

/** The engine makes files of the container's as its root. */
function requireRoot(what: string, map: readonly IdMapping[]): void {
  if (hostIdOf(map, 0) === undefined)
    throw invalid(`invalid ${what}: it has no id for the container's root, 0`);
}

function invalid(message: string): BockerError {
  return new BockerError(message, { kind: "invalid-config" });
}

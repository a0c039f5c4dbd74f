/**
 * Id maps of user namespaces: ranges of ids inside and where they lie outside (user_namespaces(7)). Pure.
 */
import { BockerError } from "../errors.ts";

/** One extent, with the runtime specification's names. */
export interface IdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

export interface IdMaps {
  readonly uidMappings: readonly IdMapping[];
  readonly gidMappings: readonly IdMapping[];
}

/** Linux takes 340 extents, in one write of less than a page. */
const maxExtents = 340;
const maxBytes = 4095;
const maxId = 2 ** 32;

/** The id outside; undefined where the map has none for it. */
export function hostIdOf(mappings: readonly IdMapping[], id: number): number | undefined {
  const extent = mappings.find(({ containerID, size }) => id >= containerID && id < containerID + size);
  return extent === undefined ? undefined : extent.hostID + (id - extent.containerID);
}

/** The id inside; undefined where none lies there. */
export function containerIdOf(mappings: readonly IdMapping[], hostId: number): number | undefined {
  const extent = mappings.find(({ hostID, size }) => hostId >= hostID && hostId < hostID + size);
  return extent === undefined ? undefined : extent.containerID + (hostId - extent.hostID);
}

/** Whether every id means the same on both sides: files need no mapping then. */
export function isIdentity({ uidMappings, gidMappings }: IdMaps): boolean {
  return [...uidMappings, ...gidMappings].every(({ containerID, hostID }) => containerID === hostID);
}

/** The id inside that a process which sets the namespace up becomes: 0, or the first there is. */
export function firstId(mappings: readonly IdMapping[]): number {
  return hostIdOf(mappings, 0) === undefined ? (mappings[0]?.containerID ?? 0) : 0;
}

/** The text for /proc/PID/uid_map. */
export function renderIdMap(mappings: readonly IdMapping[]): string {
  return mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join("");
}

/** Whether two maps give the same ids to the same ids. Extents in another order count as different. */
export function isSameIdMap(left: IdMaps, right: IdMaps): boolean {
  const text = (maps: IdMaps) => `${renderIdMap(maps.uidMappings)}\0${renderIdMap(maps.gidMappings)}`;
  return text(left) === text(right);
}

/**
 * Refuses what the kernel would, with words instead of EINVAL. `what` is the map's name: `linux.uidMappings`.
 * @throws BockerError
 */
export function checkIdMap(what: string, mappings: readonly IdMapping[]): void {
  const invalid = (reason: string) =>
    new BockerError(`invalid ${what}: ${reason}`, { kind: "invalid-config" });
  if (mappings.length === 0) throw invalid("it is empty");
  if (mappings.length > maxExtents || renderIdMap(mappings).length > maxBytes)
    throw invalid(`${mappings.length} extents are more than the kernel takes`);
  for (const [index, { containerID, hostID, size }] of mappings.entries()) {
    const text = `${containerID}:${hostID}:${size}`;
    if (size < 1) throw invalid(`"${text}" maps no id`);
    if (containerID + size > maxId || hostID + size > maxId)
      throw invalid(`"${text}" goes beyond the last id`);
    for (const earlier of mappings.slice(0, index)) {
      if (overlaps(earlier.containerID, containerID, earlier.size, size))
        throw invalid(`"${text}" maps container ids that another extent maps`);
      if (overlaps(earlier.hostID, hostID, earlier.size, size))
        throw invalid(`"${text}" maps to host ids that another extent maps to`);
    }
  }
}

function overlaps(left: number, right: number, leftSize: number, rightSize: number): boolean {
  return left < right + rightSize && right < left + leftSize;
}

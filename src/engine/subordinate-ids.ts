/**
 * Ranges of ids that /etc/subuid and /etc/subgid give to a name (subuid(5)). Read, never written.
 */
import { readFileSync } from "node:fs";
import { BockerError } from "../errors.ts";
import type { IdMapping } from "../security/id-map.ts";

export interface IdRange {
  readonly start: number;
  readonly size: number;
}

export type IdKind = "uid" | "gid";

interface Entry extends IdRange {
  readonly name: string;
}

/** Every range that is given to somebody; a host without the file has none. */
export function loadSubordinateIds(kind: IdKind, path = fileOf(kind)): readonly Entry[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return [];
  }
  return text.split("\n").flatMap((line): Entry[] => {
    const [, name = "", start = "", size = ""] = /^([^:#]+):(\d+):(\d+)\s*$/.exec(line) ?? [];
    return name === "" || Number(size) === 0 ? [] : [{ name, start: Number(start), size: Number(size) }];
  });
}

/** All that a name has, from id 0 on, one range after the other. Throws podman's words where it has none. */
export function mapOfName(kind: IdKind, name: string): readonly IdMapping[] {
  const ranges = loadSubordinateIds(kind).filter((entry) => entry.name === name);
  if (ranges.length === 0) {
    throw new BockerError(
      `cannot find ${kind.toUpperCase()} ranges: no sub${kind} ranges found for user "${name}" in ${fileOf(kind)}`,
      { kind: "invalid-config", hint: `usermod --add-sub${kind}s 100000-165535 ${name}` },
    );
  }
  let next = 0;
  return ranges.map(({ start, size }) => {
    const mapping = { containerID: next, hostID: start, size };
    next += size;
    return mapping;
  });
}

/** The first place in `ranges` with so many ids in a row that none of `used` has; undefined: nowhere. */
export function findFreeIds(
  ranges: readonly IdRange[],
  used: readonly IdRange[],
  size: number,
): number | undefined {
  const taken = used.toSorted((left, right) => left.start - right.start);
  for (const range of ranges) {
    let start = range.start;
    for (const each of taken) {
      if (each.start + each.size <= start) continue;
      if (each.start >= start + size) break;
      start = each.start + each.size;
    }
    if (start + size <= range.start + range.size) return start;
  }
  return undefined;
}

function fileOf(kind: IdKind): string {
  return `/etc/sub${kind}`;
}

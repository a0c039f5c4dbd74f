/**
 * `ps --sort`, which is podman's: smallest, oldest or first in the alphabet first. Pure.
 */
import type { ContainerRecord } from "../state/record.ts";

type Key = (record: ContainerRecord, sizeOf: (record: ContainerRecord) => number) => string | number;

const keys: Readonly<Record<string, Key>> = {
  command: ({ args }) => args.join(" "),
  created: ({ createdAtMs }) => createdAtMs,
  id: ({ id }) => id,
  image: ({ imageName }) => imageName,
  names: ({ name }) => name,
  runningfor: ({ startedAtMs }) => startedAtMs ?? 0,
  size: (record, sizeOf) => sizeOf(record),
  status: ({ status }) => status,
};

/** Throws Error(reason) for a word that is none of them. */
export function checkSortKey(word: string): void {
  if (Object.hasOwn(keys, word)) return;
  throw new Error(
    `${JSON.stringify(word)} is not a valid value.  Choose from: "${Object.keys(keys).join(", ")}"`,
  );
}

/** A sorted copy; equals stay as they were. `sizeOf` (bytes of the root file system) is only asked for `size`. */
export function sortContainers(
  records: readonly ContainerRecord[],
  word: string,
  sizeOf: (record: ContainerRecord) => number,
): readonly ContainerRecord[] {
  const key = keys[word];
  if (key === undefined) return records;
  const keyed = records.map((record) => [key(record, sizeOf), record] as const);
  return keyed.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, record]) => record);
}

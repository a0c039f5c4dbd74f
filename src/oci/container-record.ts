/**
 * What the runtime keeps of a container between two commands, and reading it back from a file that anybody may have cut
 * short or written.
 *
 * Pure. `creator` and `init` are identities, never bare pids: both survive pid reuse and a reboot.
 */
import { BockerError } from "../errors.ts";
import type { ProcessIdentity } from "../host/process-identity.ts";

export interface ContainerRecord {
  readonly version: 1;
  readonly id: string;
  readonly ociVersion: string;
  /** Absolute. */
  readonly bundle: string;
  /** Absolute. */
  readonly rootfs: string;
  /** RFC 3339, with nanoseconds. */
  readonly created: string;
  /** User id that created it. */
  readonly owner: number;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Absent: it has none. */
  readonly cgroupsPath?: string;
  /** The command that makes it; while that runs and there is no `init`, the container is being created. */
  readonly creator: ProcessIdentity;
  /** From the moment that its first process exists. */
  readonly init?: ProcessIdentity;
  /** With a pid namespace of its own, SIGKILL to its first process ends all of them. */
  readonly ownPids: boolean;
}

/** The text of state.json. */
export function renderRecord(record: ContainerRecord): string {
  return `${JSON.stringify(record)}\n`;
}

/** Reads state.json. Throws a BockerError of kind "corrupt" that names the file. */
export function parseRecord(text: string, path: string, id: string): ContainerRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw corrupt(path, text === "" ? "it is empty" : "it is not JSON (cut short?)", cause);
  }
  if (typeof value !== "object" || value === null) throw corrupt(path, "it is not an object");
  const found = value as Partial<Record<keyof ContainerRecord, unknown>>;
  if (found.version !== 1) throw corrupt(path, "another program, or another version of this one, wrote it");
  if (found.id !== id) throw corrupt(path, "it is another container's");
  const texts = ["ociVersion", "bundle", "rootfs", "created"] as const;
  const missing = texts.find((field) => typeof found[field] !== "string");
  if (missing !== undefined) throw corrupt(path, `${missing} is missing`);
  if (!isIdentity(found.creator)) throw corrupt(path, "creator is no process");
  if (found.init !== undefined && !isIdentity(found.init)) throw corrupt(path, "init is no process");
  if (typeof found.ownPids !== "boolean" || typeof found.owner !== "number") {
    throw corrupt(path, "owner or ownPids is missing");
  }
  if (found.cgroupsPath !== undefined && typeof found.cgroupsPath !== "string") {
    throw corrupt(path, "cgroupsPath is no path");
  }
  return value as ContainerRecord;
}

function isIdentity(value: unknown): value is ProcessIdentity {
  if (typeof value !== "object" || value === null) return false;
  const { pid, startTicks, bootId } = value as Partial<Record<keyof ProcessIdentity, unknown>>;
  const isPid = typeof pid === "number" && Number.isInteger(pid) && pid > 0;
  return isPid && typeof startTicks === "string" && typeof bootId === "string";
}

function corrupt(path: string, reason: string, cause?: unknown): BockerError {
  return new BockerError(`cannot read container state ${JSON.stringify(path)}: ${reason}`, {
    kind: "corrupt",
    hint: "delete --force removes what is left of it",
    cause,
  });
}

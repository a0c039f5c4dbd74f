/**
 * The state directory: one folder a container, which is also its lock.
 *
 *   ROOT/ID/state.json    the record, replaced as a whole
 *   ROOT/ID/config.json   the configuration as it was at create
 *   ROOT/ID/exec.fifo     there from create to start: the first process waits at it
 *
 * Making the folder claims the id. Whoever changes a container holds flock(2) on the folder, and checks afterwards that
 * the folder is still the one of that name: another command may have deleted it, and a third one made it anew. A
 * command that dies lets go of its lock; what it left is told by its record, see container-status.ts.
 */
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { flock } from "../../ffi/file.ts";
import { BockerError } from "../errors.ts";
import { writeFileAtomic } from "../host/atomic-file.ts";
import { monotonicMs } from "../host/clock.ts";
import { type ContainerRecord, parseRecord, renderRecord } from "./container-record.ts";

const exclusiveNow = 2 | 4;
const lockPatienceMs = 30_000;

/** runc's own words: callers look for them. */
export function noSuchContainer(): BockerError {
  return new BockerError("container does not exist", { kind: "not-found" });
}

/** Letters, digits and `_+-.`, as runc has it; never a path. */
export function checkContainerId(id: string): void {
  if (/^[\w+.-]{1,1024}$/.test(id) && id !== "." && id !== "..") return;
  throw new BockerError(`invalid container ID format: ${JSON.stringify(id)}`, {
    kind: "usage",
    hint: "letters, digits, _ + - and . only",
  });
}

export class ContainerStore {
  readonly root: string;

  /** `root`: absolute. */
  constructor(root: string) {
    this.root = root;
  }

  folder(id: string): string {
    return join(this.root, id);
  }

  fifo(id: string): string {
    return join(this.root, id, "exec.fifo");
  }

  configFile(id: string): string {
    return join(this.root, id, "config.json");
  }

  /** Makes the folder and takes its lock. Throws runc's "container with given ID already exists". */
  claim(id: string): Disposable {
    checkContainerId(id);
    mkdirSync(this.root, { recursive: true, mode: 0o700 });
    try {
      mkdirSync(this.folder(id), { mode: 0o711 });
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
      throw new BockerError("container with given ID already exists", { kind: "conflict" });
    }
    return this.lock(id);
  }

  /** Waits for other commands that change this container; made for `using`. Throws "container does not exist". */
  lock(id: string): Disposable {
    checkContainerId(id);
    const deadline = monotonicMs() + lockPatienceMs;
    for (;;) {
      const fd = this.#open(id);
      let held = false;
      try {
        held = tryLock(fd);
        if (held && this.#isStillThere(id, fd)) return { [Symbol.dispose]: () => closeSync(fd) };
      } catch (error) {
        closeSync(fd);
        throw error;
      }
      closeSync(fd);
      if (monotonicMs() >= deadline) {
        throw new BockerError(`container "${id}" is busy: another command holds its lock`, {
          kind: "timeout",
        });
      }
      if (!held) Bun.sleepSync(2);
    }
  }

  /** The record; undefined: the folder has none (yet). Throws "container does not exist", or that it is corrupt. */
  find(id: string): ContainerRecord | undefined {
    checkContainerId(id);
    const path = join(this.folder(id), "state.json");
    try {
      return parseRecord(readFileSync(path, "utf8"), path, id);
    } catch (error) {
      if (codeOf(error) !== "ENOENT" && codeOf(error) !== "ENOTDIR") throw error;
    }
    if (statSync(this.folder(id), { throwIfNoEntry: false })?.isDirectory() !== true) throw noSuchContainer();
    return undefined;
  }

  /** As find, but a container that has no record is one that does not exist. */
  load(id: string): ContainerRecord {
    const record = this.find(id);
    if (record === undefined) throw noSuchContainer();
    return record;
  }

  save(record: ContainerRecord): void {
    writeFileAtomic(join(this.folder(record.id), "state.json"), renderRecord(record), { mode: 0o600 });
  }

  /** All ids that may be containers', in order. */
  ids(): readonly string[] {
    try {
      const entries = readdirSync(this.root, { withFileTypes: true });
      return entries
        .filter((entry) => entry.isDirectory() && /^[\w+.-]+$/.test(entry.name))
        .map(({ name }) => name)
        .sort();
    } catch (error) {
      if (codeOf(error) === "ENOENT") return [];
      throw error;
    }
  }

  /** Forgets the container: its id is free. */
  remove(id: string): void {
    rmSync(this.folder(id), { recursive: true, force: true });
  }

  #open(id: string): number {
    try {
      return openSync(this.folder(id), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    } catch (error) {
      if (["ENOENT", "ENOTDIR", "ELOOP"].includes(codeOf(error) ?? "")) throw noSuchContainer();
      throw error;
    }
  }

  #isStillThere(id: string, fd: number): boolean {
    const now = statSync(this.folder(id), { throwIfNoEntry: false });
    const { ino, dev } = fstatSync(fd);
    return now !== undefined && now.ino === ino && now.dev === dev;
  }
}

function tryLock(fd: number): boolean {
  try {
    flock(fd, exclusiveNow);
    return true;
  } catch (error) {
    if (codeOf(error) === "EAGAIN") return false;
    throw error;
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}

/**
 * Where save and export write: the file of -o, or standard output, which must not be a terminal. docker's checks and
 * phrases (docker/cli, cli/command/utils.go, ValidateOutputPath).
 */
import { statSync } from "node:fs";
import { dirname } from "node:path";
import type { ArchivePlace } from "../engine/archive-place.ts";
import { BockerError } from "../errors.ts";
import type { Output } from "./command-spec.ts";

const standardOutputFd = 1;

/** Throws before anything is written. `action` begins the message: `failed to save image`. */
export function archivePlace(out: Output, path: string | undefined, action: string): ArchivePlace {
  if (path !== undefined && path !== "") {
    checkOutputPath(path, action);
    return { file: path };
  }
  if (!out.isTerminal) return { fd: standardOutputFd };
  throw new BockerError("cowardly refusing to save to a terminal. Use the -o flag or redirect", {
    kind: "unsupported",
  });
}

/** Its directory must be there, and it must be no directory or device itself. */
export function checkOutputPath(path: string, action: string): void {
  const refuse = (reason: string) =>
    new BockerError(`${action}: invalid output path: ${reason}`, { kind: "invalid-config" });
  const directory = dirname(path);
  if (statSync(directory, { throwIfNoEntry: false }) === undefined) {
    throw refuse(`directory ${JSON.stringify(directory)} does not exist`);
  }
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory()) throw refuse(`${JSON.stringify(path)} is a directory`);
  if (stat?.isCharacterDevice() || stat?.isBlockDevice()) {
    throw refuse(`${JSON.stringify(path)} must be a directory or a regular file: got a device`);
  }
}

/**
 * Files of one container on the host, by its id. Pure.
 */
import { join } from "node:path";
import type { LogConfig } from "../config/container-config.ts";
import type { Paths } from "../host/paths.ts";

/** `…/container/ID`. */
export function containerFolder(paths: Paths, id: string): string {
  return join(paths.containers, id);
}

/** The live log in a container's folder, or where --log-opt path has it; older ones are `log.json.1` …; undefined: none. */
export function logFileIn(folder: string, { driver, options }: LogConfig): string | undefined {
  if (driver === "none") return undefined;
  return options?.path ?? join(folder, driver === "json-file" ? "log.json" : "ctr.log");
}

/** Where the container's monitor takes clients, while it runs. */
export function attachSocketOf(paths: Paths, id: string): string {
  return join(paths.runContainers, id, "attach.sock");
}

/**
 * Files of one container on the host, by its id. Pure.
 */
import { join } from "node:path";
import type { Paths } from "../host/paths.ts";

/** `…/container/ID`. */
export function containerFolder(paths: Paths, id: string): string {
  return join(paths.containers, id);
}

/** The live log; older ones are `log.json.1` … */
export function logPathOf(paths: Paths, id: string): string {
  return join(paths.containers, id, "log.json");
}

/** Where the container's monitor takes clients, while it runs. */
export function attachSocketOf(paths: Paths, id: string): string {
  return join(paths.runContainers, id, "attach.sock");
}

/**
 * The config of a container as it comes back from the database: possibly written by an older bocker, which did
 * not know every key. Missing keys get the value that means "nothing was asked for".
 */
import type { ContainerConfig } from "../config/container-config.ts";
import { newRunDraft } from "../config/default-config.ts";

let defaults: readonly (readonly [key: string, value: unknown])[] | undefined;

/** A whole ContainerConfig from what was stored; a key whose value has the wrong shape counts as missing. */
export function completeConfig(stored: Readonly<Record<string, unknown>>): ContainerConfig {
  const complete: Record<string, unknown> = { ...stored };
  defaults ??= Object.entries(newRunDraft().config);
  for (const [key, fallback] of defaults) {
    if (!hasShapeOf(fallback, stored[key])) complete[key] = fallback;
  }
  return complete as unknown as ContainerConfig;
}

function hasShapeOf(example: unknown, value: unknown): boolean {
  if (Array.isArray(example) || Array.isArray(value)) return Array.isArray(example) && Array.isArray(value);
  return typeof example === typeof value && value !== null;
}

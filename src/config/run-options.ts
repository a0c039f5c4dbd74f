/**
 * Every option of run and create, in the order in which they are applied: files of variables before variables,
 * networks before what names one.
 */
import { clientOptions } from "./option/client.ts";
import { filesystemOptions } from "./option/filesystem.ts";
import { healthOptions } from "./option/health.ts";
import { logOptions } from "./option/log.ts";
import { networkOptions } from "./option/network.ts";
import { processOptions } from "./option/process.ts";
import { resourceOptions } from "./option/resource.ts";
import { securityOptions } from "./option/security.ts";
import { usernsOptions } from "./option/userns.ts";
import type { RunOption } from "./run-option.ts";

export const runOptions: readonly RunOption[] = [
  ...processOptions,
  ...filesystemOptions,
  ...networkOptions,
  ...resourceOptions,
  ...securityOptions,
  ...usernsOptions,
  ...healthOptions,
  ...logOptions,
  ...clientOptions,
];

/** Options that have a key in TOML, by that key. */
export function tomlOptions(): ReadonlyMap<string, RunOption> {
  return new Map(runOptions.filter(({ toml }) => toml !== "none").map((option) => [option.name, option]));
}

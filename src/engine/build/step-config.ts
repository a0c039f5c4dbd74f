/**
 * What a step asks of its container: the effect of RUN upon the build's own settings.
 */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunEffect } from "../../build/stage-state.ts";
import type { ContainerConfig, MountConfig } from "../../config/container-config.ts";

/** What `--mount` adds. */
export interface MountWords {
  readonly mounts: readonly MountConfig[];
  /** `K=V`. */
  readonly env: readonly string[];
}

/** Writes the step's document, where it is a program, into `folder`. */
export function stepConfig(
  build: ContainerConfig,
  folder: string,
  effect: RunEffect,
  { mounts, env }: MountWords,
): ContainerConfig {
  const { network, user, cwd, environment, proxies } = effect;
  return {
    ...build,
    entrypoint: [],
    command: effect.args,
    // HOSTNAME alone takes it away: docker's builder sets none.
    env: ["HOSTNAME", ...wordsOf(proxies), ...wordsOf(environment), ...env],
    user,
    workdir: cwd,
    mounts: [...build.mounts, ...mounts, ...scriptMount(folder, effect)],
    ...(network === "default" ? {} : { networks: [{ name: network, aliases: [] }] }),
    ...(effect.security === "insecure" ? { privileged: true } : {}),
  };
}

function wordsOf(variables: ReadonlyMap<string, string>): readonly string[] {
  return [...variables].map(([name, value]) => `${name}=${value}`);
}

function scriptMount(folder: string, { script }: RunEffect): readonly MountConfig[] {
  if (script === undefined) return [];
  const source = join(folder, "script");
  writeFileSync(source, script.content);
  chmodSync(source, 0o755);
  const bind = { readOnly: true, createSource: false, recursive: false } as const;
  return [{ type: "bind", source, target: script.name, ...bind }];
}

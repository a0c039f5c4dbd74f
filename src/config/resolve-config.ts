/**
 * Layers of options to one ContainerConfig: the end of precedence.
 *
 * A layer is what one source said (engine configuration, TOML file, environment, command line). A higher layer's value
 * replaces a lower one's; options of the form key=value (env, label, annotation, sysctl, log-opt) are merged key by
 * key, so that a flag can change one variable of a file. Reads files only through the host it is given.
 */
import { BockerError, ExitCode, messageOf } from "../errors.ts";
import { checkRun, warningsFor } from "./check-config.ts";
import type { ClientOptions } from "./client-options.ts";
import type { ContainerConfig } from "./container-config.ts";
import { newRunDraft } from "./default-config.ts";
import { refusalOf } from "./engine-refusal.ts";
import { orderMounts } from "./mount-target.ts";
import type { RawOptions, RawValue } from "./option-spec.ts";
import { manyWords, type OptionHost, type RunOption } from "./run-option.ts";
import { runOptions } from "./run-options.ts";

export interface RunRequest {
  readonly config: ContainerConfig;
  readonly client: ClientOptions;
  /** Lines for standard error, each to be prefixed `WARNING: `. */
  readonly warnings: readonly string[];
}

/** Layers lowest first. Throws BockerError (kind "usage", exit code 125). */
export function resolveRunRequest(layers: readonly RawOptions[], host: OptionHost): RunRequest {
  try {
    return applyLayers(layers, host);
  } catch (thrown) {
    if (thrown instanceof BockerError && thrown.exitCode !== undefined) throw thrown;
    const refusal = refusalOf(thrown);
    throw new BockerError(messageOf(thrown), {
      kind: "usage",
      exitCode: ExitCode.engine,
      ...(refusal && { cause: refusal }),
      ...(thrown instanceof BockerError && thrown.hint !== undefined ? { hint: thrown.hint } : {}),
    });
  }
}

function applyLayers(layers: readonly RawOptions[], host: OptionHost): RunRequest {
  const merged = new Map<string, RawValue>();
  for (const layer of layers) mergeLayer(merged, layer, host);
  const draft = newRunDraft();
  for (const option of runOptions) {
    const raw = merged.get(option.name);
    if (raw !== undefined) option.apply(draft, raw, host);
  }
  checkRun(draft);
  const { detach, attach } = draft.client;
  const config = {
    ...draft.config,
    ...(detach || attach.length > 0 ? { attached: attach } : {}),
    env: lastOfEach(draft.config.env),
    mounts: orderMounts(draft.config.mounts),
  };
  return { config, client: draft.client, warnings: warningsFor(config, draft.client) };
}

function mergeLayer(merged: Map<string, RawValue>, layer: RawOptions, host: OptionHost): void {
  // Options of a log driver that this layer does without.
  if (layer.get("log-driver") === "none") merged.delete("log-opt");
  for (const option of runOptions) {
    const raw = layer.get(option.name);
    if (raw === undefined) continue;
    if (option.expand) {
      append(merged, option.expand.into, option.expand.read(manyWords(raw), host));
    } else if (isKeyed(option)) {
      append(merged, option.name, manyWords(raw));
    } else {
      merged.set(option.name, raw);
    }
  }
}

function append(merged: Map<string, RawValue>, name: string, words: readonly string[]): void {
  merged.set(name, [...manyWords(merged.get(name) ?? []), ...words]);
}

function isKeyed(option: RunOption): boolean {
  return option.kind === "map" || option.toml === "map";
}

/** `A=1 B=2 A=3` is `A=3 B=2`: a variable keeps its first place and its last value. */
function lastOfEach(env: readonly string[]): readonly string[] {
  const byName = new Map(env.map((entry) => [entry.slice(0, entry.indexOf("=")), entry]));
  return [...byName.values()];
}

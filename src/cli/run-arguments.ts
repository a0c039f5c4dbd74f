/**
 * The words after `bocker run` and `bocker create`, with BOCKER_* variables and a TOML file, as one ContainerConfig.
 *
 * Precedence, per option: command line, environment, TOML file (-f), engine configuration, default. What the image
 * says is merged later, in src/spec. A list on the command line replaces the list below it; `env`, `label` and the
 * other key=value options are merged key by key.
 */
import type { ContainerConfig } from "../config/container-config.ts";
import type { RawOptions } from "../config/option-spec.ts";

/** What run does on this side, beyond what the container is. */
export interface ClientOptions {
  readonly detach: boolean;
  readonly cidfile?: string;
  readonly sigProxy: boolean;
  /** docker's notation, `ctrl-p,ctrl-q`; valid when set. */
  readonly detachKeys?: string;
  /** Streams to attach; empty: all that -i and -d leave. */
  readonly attach: readonly ("stdin" | "stdout" | "stderr")[];
  readonly quiet: boolean;
  readonly dryRun: boolean;
}

export interface RunRequest {
  readonly config: ContainerConfig;
  readonly client: ClientOptions;
}

/** The host as the options see it; all synchronous. */
export interface RunHost {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** For relative volume sources and files. */
  readonly cwd: string;
  /** Throws Node's error (code ENOENT …). */
  readFile(path: string): Uint8Array;
}

export type ParseRunArguments = (
  argv: readonly string[],
  host: RunHost,
  /** `container.*` of the engine configuration. */
  defaults?: RawOptions,
) => Promise<RunRequest>;

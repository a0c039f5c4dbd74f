/**
 * A stage as it is after an instruction: the image's config, the variables, the history. And what an instruction asks to
 * be done to files: an effect, for those who can. Pure; throws DockerfileProblem.
 */
import type { HistoryEntry, ImageProcessConfig } from "../image/image-config.ts";
import type { RunMount } from "./dockerfile/run-mount.ts";
import type { CopyInstruction, Location } from "./dockerfile/syntax.ts";

export interface StageState {
  readonly config: ImageProcessConfig;
  readonly author: string | undefined;
  readonly history: readonly HistoryEntry[];
  /** What RUN sees and what words are expanded with: the image's, ENVs and ARGs. */
  readonly environment: ReadonlyMap<string, string>;
  /** Names of the ARGs so far, for RUN's history. */
  readonly argNames: readonly string[];
  /** This stage, or the one it is from, has its own CMD, which an ENTRYPOINT then leaves alone. */
  readonly hasCommand: boolean;
}

/** Anything but a change to the config. */
export type Effect = RunEffect | CopyEffect | MakeDirectoryEffect;

export interface RunEffect {
  readonly kind: "run";
  readonly location: Location;
  readonly args: readonly string[];
  readonly environment: ReadonlyMap<string, string>;
  /** In the environment too, but of no account for the cache. */
  readonly proxies: ReadonlyMap<string, string>;
  readonly cwd: string;
  readonly user: string;
  readonly mounts: readonly RunMount[];
  readonly network: "default" | "none" | "host";
  readonly security: "sandbox" | "insecure";
  /** A document that is a program by its `#!`: to be found, read-only and executable, as args[0]. */
  readonly script: InlineFile | undefined;
}

export interface InlineFile {
  readonly name: string;
  readonly content: string;
}

export interface CopyEffect {
  readonly kind: "copy";
  readonly location: Location;
  /** The word of `--from`; undefined: the build context. */
  readonly from: CopyInstruction["from"];
  readonly sources: readonly string[];
  readonly documents: readonly InlineFile[];
  /** Absolute; with a slash at its end where it must be a directory. */
  readonly destination: string;
  readonly chown: string | undefined;
  readonly chmod: string | undefined;
  readonly link: boolean;
  readonly parents: boolean;
  readonly exclude: readonly string[];
  /** ADD: archives are unpacked, URLs fetched. */
  readonly add: AddOptions | undefined;
}

/** A COPY without any flag, to the root. */
export const plainCopy: Omit<CopyEffect, "location" | "sources"> = {
  kind: "copy",
  from: undefined,
  documents: [],
  destination: "/",
  chown: undefined,
  chmod: undefined,
  link: false,
  parents: false,
  exclude: [],
  add: undefined,
};

export interface AddOptions {
  readonly checksum: string | undefined;
  readonly keepGitDirectory: boolean | undefined;
  readonly unpack: boolean | undefined;
}

/** WORKDIR: made with its parents where it is not there, mode 0755. */
export interface MakeDirectoryEffect {
  readonly kind: "mkdir";
  readonly location: Location;
  readonly path: string;
  /** Whose it becomes; empty: root. */
  readonly user: string;
}

export interface Evaluated {
  /** The effect not yet done; its history entry is there. */
  readonly state: StageState;
  readonly effect: Effect | undefined;
  /** The instruction with its values in, for progress: `COPY src /app`. */
  readonly title: string;
  /** Variables that were used and are not set. */
  readonly unset: ReadonlySet<string>;
}

/** docker's, for a base that sets none. */
export const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** A stage that begins with an image's config; triggers are the caller's to run. */
export function stateOfImage(
  config: ImageProcessConfig,
  history: readonly HistoryEntry[],
  author: string | undefined,
): StageState {
  const { OnBuild: _triggers, ...own } = config;
  const variables = own.Env ?? [];
  const hasPath = variables.some((variable) => variable.startsWith("PATH="));
  const all = hasPath ? variables : [...variables, `PATH=${defaultPath}`];
  return {
    config: { ...own, Env: all },
    author,
    history,
    environment: new Map(all.map(splitVariable)),
    argNames: [],
    hasCommand: false,
  };
}

/** A stage that goes on where another ended: variables too, but no triggers. */
export function stateOfStage(before: StageState): StageState {
  const { OnBuild: _triggers, ...config } = before.config;
  return { ...before, config };
}

function splitVariable(variable: string): readonly [string, string] {
  const equals = variable.indexOf("=");
  return equals < 0 ? [variable, ""] : [variable.slice(0, equals), variable.slice(equals + 1)];
}

/** What evaluators of instructions are given, and what they give back. Pure. */
import type { ImageProcessConfig } from "../image/image-config.ts";
import type { BuildScope } from "./build-scope.ts";
import type { Effect, StageState } from "./stage-state.ts";

/** For the evaluators of single instructions. */
export interface Evaluation {
  readonly scope: BuildScope;
  readonly state: StageState;
  /** Values in, quotes away. */
  readonly expand: (word: string) => string;
  /** The same for a document, in which quotes mean nothing. */
  readonly expandDocument: (content: string) => string;
  /** The same, parted at blanks. */
  readonly expandWords: (word: string) => readonly string[];
}

/** What one instruction changes; what is left out stays. */
export interface Change {
  readonly config?: ImageProcessConfig;
  readonly environment?: ReadonlyMap<string, string>;
  readonly argNames?: readonly string[];
  readonly author?: string;
  readonly hasCommand?: boolean;
  /** The history's text; undefined: the instruction has none. */
  readonly createdBy?: string;
  readonly effect?: Effect;
}

/**
 * A command's line in the tables: command-table.ts, group-commands.ts. Types only.
 */
import type { CommandSpec } from "./command-spec.ts";

export interface CommandEntry {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly summary: string;
  /** Shown first, under Common Commands. */
  readonly isCommon?: boolean;
  /** Started so often that it skips citty's 3 ms. */
  readonly isHot?: boolean;
  load(): Promise<{ readonly command: CommandSpec }>;
}

export type CommandTable = readonly CommandEntry[];

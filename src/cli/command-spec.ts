/**
 * What a command is: the contract between the framework (main-loop.ts, help.ts) and src/cli/command/*.ts.
 *
 * Types only. A command's module exports one CommandSpec as `command`; command-table.ts names the modules, so
 * that starting up loads one of them and no more.
 */
import type { OptionSpec } from "../config/option-spec.ts";
import type { ParsedArguments } from "./parse-argv.ts";

export interface CommandSpec {
  /** As typed after `bocker`: `run`, `network create`. */
  readonly name: string;
  /** Other spellings, as typed: `container ls`. */
  readonly aliases?: readonly string[];
  /** One line, docker's words, no full stop. */
  readonly summary: string;
  /** What follows the name: `[OPTIONS] CONTAINER [CONTAINER...]`. */
  readonly usage: string;
  readonly options: readonly OptionSpec[];
  /** One command line that works, shown at the end of the help. */
  readonly example: string;
  readonly minArguments?: number;
  /** Options with any of which there need be no arguments. */
  readonly insteadOfArguments?: readonly string[];
  /** Absent: any number. */
  readonly maxArguments?: number;
  /** run, create, exec: words after the first argument belong to the container. */
  readonly stopAtArgument?: boolean;
  /** With stopAtArgument: once this option was given, options may follow arguments. */
  readonly continueAfter?: string;
  /** Words rewritten where an option may stand, on exact match: `-name` to `--name`. See option-rewrite.ts. */
  readonly rewrites?: Readonly<Record<string, readonly string[]>>;
  /** Exit code of an error that names none itself; absent: 1. run and create have 125. */
  readonly failureCode?: number;
  /** Before the message of an error that is no matter of usage; absent: `Error: `. */
  readonly errorPrefix?: string;
  /** Resolves to the exit code. */
  run(context: CommandContext, parsed: ParsedArguments): Promise<number>;
}

/** What a command may know of the process it runs in; injected so that tests can run one. */
export interface CommandContext {
  readonly global: GlobalOptions;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: Output;
  readonly err: Output;
}

export interface Output {
  write(text: string): void;
  readonly isTerminal: boolean;
  /** Columns of the terminal; 80 where there is none. */
  readonly columns: number;
  /** The reader has gone: whatever writes for ever ends, as SIGPIPE would end it. */
  readonly isBroken?: boolean;
}

/** Options before the command's name; they win over BOCKER_* variables. */
export interface GlobalOptions {
  readonly debug: boolean;
  /** `--config FILE`; must exist when named. */
  readonly config?: string;
  /** State root and runtime root, absolute. */
  readonly root?: string;
  readonly runRoot?: string;
  /** `overlay`, `btrfs`, `vfs` or `auto`, as typed. */
  readonly storageDriver?: string;
}

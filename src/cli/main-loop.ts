/**
 * From argv to exit code: global flags, the command, its options, its run, and what an error looks like.
 *
 * The only place that catches what commands throw. Writes through the outputs it is given and never exits, so that a
 * test can run a whole command line. Forms and exit codes are docker 28's: 125 for a bad flag of any command, 1 for
 * a wrong number of arguments or an unknown command.
 */
import type { OptionSpec } from "../config/option-spec.ts";
import { BockerError, ExitCode } from "../errors.ts";
import { listenToTrace, trace } from "../host/trace.ts";
import { version } from "./build-info.ts";
import type { CommandContext, CommandSpec, Output } from "./command-spec.ts";
import { type CommandEntry, type CommandTable, commandTable } from "./command-table.ts";
import { type FoundCommand, findCommand, isOnlyGroup } from "./find-command.ts";
import { type GlobalArguments, parseGlobalArguments } from "./global-options.ts";
import { type ParsedArguments, parseArgv } from "./parse-argv.ts";
import { exitCodeOf, renderError } from "./render-error.ts";
import { standardOutput } from "./standard-output.ts";
import { UsageError } from "./usage-error.ts";

export interface CliProcess {
  /** Words after the program's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: Output;
  readonly err: Output;
  readonly version: string;
}

/** The process's own command line; resolves to its exit code. */
export function runCommandLine(argv: readonly string[]): Promise<number> {
  return runCli({ argv, env: process.env, out: standardOutput(1), err: standardOutput(2), version });
}

/** Runs one command line; resolves to the exit code. */
export async function runCli(cli: CliProcess, table: CommandTable = commandTable): Promise<number> {
  const failure = new Failure(cli);
  let globals: GlobalArguments;
  try {
    globals = parseGlobalArguments(cli.argv, cli.env);
  } catch (thrown) {
    return failure.show(thrown);
  }
  failure.debug = globals.global.debug;
  if (globals.version) {
    cli.out.write(`bocker version ${cli.version}\n`);
    return 0;
  }
  listenToTrace(globals.global.debug ? (line) => cli.err.write(line) : undefined);
  trace(() => `bocker ${cli.version}: ${globals.words.join(" ")}`);
  try {
    return await dispatch(cli, globals, table, failure);
  } catch (thrown) {
    return failure.show(thrown);
  }
}

async function dispatch(
  cli: CliProcess,
  globals: GlobalArguments,
  table: CommandTable,
  failure: Failure,
): Promise<number> {
  const [first, ...others] = globals.words;
  if (first === undefined || first === "help" || globals.help) {
    return showHelp(cli, first === "help" ? others : globals.words, table, globals.help || first === "help");
  }
  if (isOnlyGroup(first, table) && (others.length === 0 || others[0] === "--help"))
    return showGroup(cli, first, table);
  const found = findCommand(globals.words, table);
  const run = (entry: CommandEntry, words: readonly string[]) =>
    runEntry(cli, globals, entry, words, failure);
  if (found.entry.isHot) return run(found.entry, found.rest);
  const { runThroughTree } = await import("./command-tree.ts");
  return runThroughTree(found, table, run);
}

async function runEntry(
  cli: CliProcess,
  globals: GlobalArguments,
  entry: CommandEntry,
  words: readonly string[],
  failure: Failure,
): Promise<number> {
  const { command } = await entry.load();
  failure.spec = command;
  const parsed = parseArgv(words, { ...command, options: [...command.options, helpOption(command)] });
  if (parsed.boolean("help")) {
    const { renderCommandHelp } = await import("./help.ts");
    cli.out.write(renderCommandHelp(command, cli.out.columns));
    return 0;
  }
  checkArgumentCount(command, parsed);
  const env = Object.keys(globals.variables).length === 0 ? cli.env : { ...cli.env, ...globals.variables };
  const context: CommandContext = { global: globals.global, env, out: cli.out, err: cli.err };
  return command.run(context, parsed);
}

/** `-h` too, where the command has no such option. */
function helpOption(command: CommandSpec): OptionSpec {
  const isTaken = command.options.some(({ short }) => short === "h");
  return {
    name: "help",
    kind: "boolean",
    help: "Print usage",
    hidden: true,
    ...(isTaken ? {} : { short: "h" }),
  };
}

/** docker's phrases for the number of arguments. Throws UsageError. */
function checkArgumentCount(command: CommandSpec, parsed: ParsedArguments): void {
  const { minArguments: min = 0, maxArguments: max = Number.POSITIVE_INFINITY } = command;
  const count = parsed.positionals.length;
  if (count === 0 && command.insteadOfArguments?.some((name) => parsed.raw.get(name) || false)) return;
  if (count >= min && count <= max) return;
  const noun = (number: number) => `${number} argument${number === 1 ? "" : "s"}`;
  if (max === 0) throw new UsageError("accepts no arguments", "arguments");
  if (min === max) throw new UsageError(`requires ${noun(min)}`, "arguments");
  if (max === Number.POSITIVE_INFINITY) throw new UsageError(`requires at least ${noun(min)}`, "arguments");
  if (min === 0) throw new UsageError(`requires at most ${noun(max)}`, "arguments");
  throw new UsageError(`requires at least ${min} and at most ${noun(max)}`, "arguments");
}

async function showHelp(
  cli: CliProcess,
  words: readonly string[],
  table: CommandTable,
  isAsked: boolean,
): Promise<number> {
  const { renderCommandHelp, renderMainHelp } = await import("./help.ts");
  const output = isAsked ? cli.out : cli.err;
  const [first] = words;
  if (first === undefined) {
    output.write(renderMainHelp(table, output.columns));
    return 0;
  }
  if (isOnlyGroup(first, table) && words.length === 1) return showGroup(cli, first, table);
  const { entry }: FoundCommand = findCommand(words, table);
  output.write(renderCommandHelp((await entry.load()).command, output.columns));
  return 0;
}

async function showGroup(cli: CliProcess, group: string, table: CommandTable): Promise<number> {
  const { renderGroupHelp } = await import("./help.ts");
  cli.out.write(renderGroupHelp(group, table));
  return 0;
}

/** What is shown of an error, with the command it happened in. */
class Failure {
  debug = false;
  spec: CommandSpec | undefined;

  constructor(private readonly cli: CliProcess) {}

  /** Writes it to standard error; resolves to the exit code. */
  async show(thrown: unknown): Promise<number> {
    // The user said no: docker says nothing more, and calls it success.
    if (thrown instanceof BockerError && thrown.kind === "cancelled") return 0;
    const name = this.spec === undefined ? "bocker" : `bocker ${this.spec.name}`;
    const isUsage =
      thrown instanceof UsageError || (thrown instanceof BockerError && thrown.kind === "usage");
    const isContainerRun = this.spec?.failureCode === ExitCode.engine;
    const prefix =
      thrown instanceof UsageError && thrown.form === "arguments" ? `bocker: '${name}' ` : "bocker: ";
    const colors = await loadColors(this.cli);
    const text = renderError(thrown, {
      prefix: isUsage || isContainerRun ? prefix : (this.spec?.errorPrefix ?? "Error: "),
      debug: this.debug,
      ...(colors ? { colors } : {}),
    });
    this.cli.err.write(isUsage ? `${text}${await this.usageAfter(thrown, name)}` : text);
    return exitCodeOf(thrown, this.spec?.failureCode);
  }

  private async usageAfter(thrown: unknown, name: string): Promise<string> {
    const pointer = `\nRun '${name} --help' for more information\n`;
    if (!(thrown instanceof UsageError) || thrown.form === "command") return pointer;
    const { mainUsage, renderUsageLine } = await import("./help.ts");
    return `\n${renderUsageLine(this.spec ?? mainUsage)}${pointer}`;
  }
}

/** picocolors, where standard error is a terminal that wants colours: https://no-color.org. */
async function loadColors({ env, err }: CliProcess) {
  const isRefused = (env.NO_COLOR ?? "") !== "" || env.TERM === "dumb";
  if (!err.isTerminal || isRefused) return undefined;
  const { default: picocolors } = await import("picocolors");
  return picocolors.createColors(true);
}

/**
 * `bocker oci …`, and this program under the name `bocker-oci`: an OCI runtime as engines call it.
 *
 *   PROGRAM [GLOBAL OPTIONS] COMMAND [OPTIONS] [ARGUMENTS]
 *
 * A way in of its own beside the command line: it loads neither docker's option tables nor the database. Every failure ends
 * here: in the log, on standard error, and as an exit code.
 */
import { resolve } from "node:path";
import { globalOptions, type OciCommandEntry, ociCommands } from "./command-table.ts";
import { ContainerStore } from "./container-store.ts";
import type { CgroupManager, OciContext } from "./oci-context.ts";
import { failureText, type OciLog, openOciLog } from "./oci-log.ts";
import { type OciOptions, parseOciOptions, usage } from "./option.ts";

export interface OciProgram {
  /** `bocker-oci`, for messages. */
  readonly name: string;
  readonly version: string;
}

/** Runs one command to its end. Never rejects. */
export async function runOci(words: readonly string[], program: OciProgram): Promise<number> {
  let log: OciLog = openOciLog({ format: "text", debug: false });
  let command: OciCommandEntry | undefined;
  try {
    const { options, arguments: rest } = parseOciOptions(globalOptions, words, 1);
    log = openLog(options);
    const [name, ...own] = rest;
    if (options.flag("version")) return await print((page) => page.versionText(program));
    if (options.flag("help") || name === undefined || name === "help" || name === "h") {
      return await print((page) => page.helpText(program));
    }
    command = Object.hasOwn(ociCommands, name) ? ociCommands[name] : undefined;
    if (command === undefined) {
      if (own.some(isHelp)) throw usage(`No help topic for '${name}'`);
      throw usage(`unknown command "${name}"`, `${program.name} --help lists them`);
    }
    const entry = command;
    if (own.find((word) => isHelp(word) || !word.startsWith("-"))?.startsWith("-") === true) {
      return await print((page) => page.commandHelp(program, name, entry));
    }
    const read = entry.refuses === true ? [] : own;
    const invocation = parseOciOptions(entry.options, read, entry.stopAt);
    checkArity(program, name, entry, invocation.arguments.length);
    log.write("debug", [program.name, name, ...own].join(" "));
    const { run } = await entry.load();
    return await run(openContext(options, log, program), invocation);
  } catch (error) {
    const prefix = command?.prefix === undefined ? "" : `${program.name} ${command.prefix}: `;
    log.fail(prefix + failureText(error));
    return command?.failure ?? 1;
  }
}

function isHelp(word: string): boolean {
  return word === "--help" || word === "-h";
}

function openLog(options: OciOptions): OciLog {
  const format = options.value("log-format") ?? "text";
  if (format !== "text" && format !== "json") throw usage(`unknown log-format ${JSON.stringify(format)}`);
  return openOciLog({ file: options.value("log"), format, debug: options.flag("debug") });
}

function openContext(options: OciOptions, log: OciLog, program: OciProgram): OciContext {
  const rootless = options.value("rootless") ?? "auto";
  if (!["true", "false", "auto"].includes(rootless)) {
    throw usage(`invalid value ${JSON.stringify(rootless)} for --rootless (expected true, false or auto)`);
  }
  return {
    store: new ContainerStore(resolve(options.value("root") ?? defaultRoot())),
    log,
    program: program.name,
    version: program.version,
    cgroupManager: cgroupManagerOf(options),
    rootless: rootless === "true" || (rootless === "auto" && userId() !== 0),
  };
}

function cgroupManagerOf(options: OciOptions): CgroupManager {
  const manager = options.value("cgroup-manager") ?? "cgroupfs";
  if (manager !== "cgroupfs" && manager !== "systemd" && manager !== "disabled") {
    throw usage(`unknown cgroup manager ${JSON.stringify(manager)} (expected cgroupfs or disabled)`);
  }
  return options.flag("systemd-cgroup") ? "systemd" : manager;
}

/** In memory, so that a reboot takes it along. */
function defaultRoot(): string {
  const runtime = process.env.XDG_RUNTIME_DIR;
  return userId() !== 0 && runtime !== undefined && runtime.startsWith("/")
    ? `${runtime}/bocker-oci`
    : "/run/bocker-oci";
}

function checkArity(
  program: OciProgram,
  name: string,
  { min, max, usage: text }: OciCommandEntry,
  count: number,
): void {
  if (count >= min && count <= max) return;
  const words = min === max ? `exactly ${min}` : count < min ? `a minimum of ${min}` : `a maximum of ${max}`;
  throw usage(
    `${program.name}: "${name}" requires ${words} argument(s)`,
    `${program.name} ${name} [OPTIONS] ${text}`.trim(),
  );
}

type HelpPage = typeof import("./help.ts");

async function print(render: (page: HelpPage) => string): Promise<number> {
  const [page, { printLine }] = await Promise.all([import("./help.ts"), import("./standard-output.ts")]);
  printLine(render(page));
  return 0;
}

/** Not host-facts.ts, which loads node:os for more. */
function userId(): number {
  return process.geteuid?.() ?? 0;
}

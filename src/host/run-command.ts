/**
 * Running other programs (spawn-detached.ts starts our own): always an argument list, never a shell.
 *
 * Synchronous by default: a whole `ip -batch` takes 1.3 ms with Bun.spawnSync (measured; node's child_process 1.4,
 * asynchronous Bun.spawn 1.3), and there is nothing useful to do meanwhile. Programs get LC_ALL=C, since their
 * messages end up in ours. Descriptors are not inherited, other than the ones given.
 */
import { accessSync, constants } from "node:fs";
import { BockerError } from "../errors.ts";
import { monotonicMs } from "./clock.ts";
import { trace } from "./trace.ts";

export interface CommandOptions {
  /** Written to the program, then closed; absent: /dev/null. */
  readonly stdin?: string | Uint8Array;
  /** Killed with SIGKILL after this; 30 000 when absent. */
  readonly timeoutMs?: number;
  readonly cwd?: string;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface CommandResult {
  /** 128 plus the signal's number is not used: null when a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: string | undefined;
  readonly timedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

const systemFolders = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];
const packageOf: Readonly<Record<string, string>> = { ip: "iproute2", nft: "nftables", xz: "xz-utils" };
const found = new Map<string, string>();

/** Runs a program to its end and gives back its output; throws when it fails, is killed or is missing. */
export function runCommand(argv: readonly string[], options: CommandOptions = {}): CommandResult {
  const result = tryCommand(argv, options);
  if (result.exitCode !== 0) throw commandFailed(argv, result, options);
  return result;
}

/** As runCommand, but a failing exit code is a result; throws only when the program could not be started. */
export function tryCommand(argv: readonly string[], options: CommandOptions = {}): CommandResult {
  const { stdin } = options;
  const beganAtMs = monotonicMs();
  const child = Bun.spawnSync([...resolveArgv(argv)], {
    stdin: stdin === undefined ? "ignore" : Buffer.from(stdin),
    stdout: "pipe",
    stderr: "pipe",
    env: environment(options.env),
    timeout: options.timeoutMs ?? 30_000,
    killSignal: "SIGKILL",
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  trace(() => {
    const took = (monotonicMs() - beganAtMs).toFixed(1);
    const input = stdin === undefined ? "" : ` <<< ${JSON.stringify(String(stdin))}`;
    return `ran ${argv.join(" ")}${input}: ${child.exitCode ?? child.signalCode} after ${took}ms`;
  });
  return {
    exitCode: child.signalCode === undefined ? child.exitCode : null,
    signal: child.signalCode === undefined ? undefined : String(child.signalCode),
    timedOut: child.exitedDueToTimeout === true,
    stdout: child.stdout.toString(),
    stderr: child.stderr.toString(),
  };
}

/** How a program that runs beside us is connected: descriptor numbers, pipes, or /dev/null. */
export interface ChildOptions {
  readonly stdin: "pipe" | "ignore" | number;
  readonly stdout: "pipe" | "ignore" | number;
  readonly stderr: "pipe" | "ignore" | number;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a program beside us. The caller awaits `exited` and decides what the exit code means. */
export function startCommand<const Options extends ChildOptions>(
  argv: readonly string[],
  options: Options,
): Bun.Subprocess<Options["stdin"], Options["stdout"], Options["stderr"]> {
  return Bun.spawn([...resolveArgv(argv)], {
    stdin: options.stdin,
    stdout: options.stdout,
    stderr: options.stderr,
    env: environment(options.env),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  }) as Bun.Subprocess<Options["stdin"], Options["stdout"], Options["stderr"]>;
}

/** Full path of a program: PATH first, then the system's folders that an ordinary PATH lacks; undefined: not there. */
export function findTool(name: string): string | undefined {
  const known = found.get(name);
  if (known !== undefined) return known;
  if (name.includes("/")) return isExecutable(name) ? name : undefined;
  const folders = [...(process.env.PATH ?? "").split(":"), ...systemFolders];
  const path = folders
    .filter((folder) => folder.startsWith("/"))
    .map((folder) => `${folder}/${name}`)
    .find(isExecutable);
  if (path !== undefined) found.set(name, path);
  return path;
}

function resolveArgv(argv: readonly string[]): readonly string[] {
  const [name = "", ...args] = argv;
  const path = findTool(name);
  if (path !== undefined) return [path, ...args];
  throw new BockerError(`cannot run "${name}": no such program`, {
    kind: "host",
    hint: `install the package ${packageOf[name] ?? name}`,
    details: { argv },
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function environment(
  added: Readonly<Record<string, string>> | undefined,
): Record<string, string | undefined> {
  return { ...process.env, LC_ALL: "C", ...added };
}

function commandFailed(argv: readonly string[], result: CommandResult, options: CommandOptions): BockerError {
  const hint = hintFor(argv, result);
  return new BockerError(`cannot run "${argv.join(" ")}": ${reasonOf(result, options)}`, {
    kind: result.timedOut ? "timeout" : "host",
    details: { argv, exitCode: result.exitCode, signal: result.signal, stderr: tail(result.stderr) },
    ...(hint === undefined ? {} : { hint }),
  });
}

function reasonOf(result: CommandResult, options: CommandOptions): string {
  if (result.timedOut) return `no answer within ${options.timeoutMs ?? 30_000} ms`;
  const said = tail(result.stderr).replaceAll("\n", "; ");
  if (said !== "") return said;
  return result.signal === undefined ? `exit code ${result.exitCode}` : `killed by ${result.signal}`;
}

function hintFor(argv: readonly string[], result: CommandResult): string | undefined {
  const name = argv[0] ?? "";
  if (!result.stderr.includes("BusyBox")) return undefined;
  return `busybox's ${name} cannot do this; install the package ${packageOf[name] ?? name}`;
}

/** The last lines are where programs say what was wrong. */
function tail(text: string): string {
  return text.trim().split("\n").slice(-4).join("\n").slice(-1000);
}

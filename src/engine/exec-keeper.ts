/**
 * The parent of a command that was started with `exec -d`: it waits for the end, tells of it, and ends too.
 *
 * Without one the host's process 1 would reap the command, and nobody would know how it ended. Once the command has run for
 * a second its keeper gets small as a monitor does (src/monitor/rest.ts): it executes itself anew and only waits; what it
 * has to know are three words of its command line.
 */
import { execve, setCloseOnExec } from "../../ffi/exec.ts";
import { closeQuietly, writeAll } from "../../ffi/file.ts";
import { selfCommand } from "../host/self-command.ts";
import { toWireError } from "../monitor/protocol.ts";
import { waitForExit } from "../runtime/wait-for-exit.ts";
import type { Engine } from "./engine.ts";
import { type KeeperAnswer, keeperChannelFd, readUntil } from "./exec-background.ts";
import type { ExecRequest } from "./exec-container.ts";

/** A command that ends by then costs no second process image. */
const firstWaitMs = 1000;
const newline = 0x0a;

/** What is left to be done: the process's pidfd, and who is told. */
interface Watch {
  readonly containerId: string;
  readonly execId: string;
  readonly pidfd: number;
}

/** The process's whole work. `words`: none for a new keeper, else what it was before it got small. */
export async function runExecKeeper(words: readonly string[]): Promise<number> {
  const [containerId, execId, pidfd] = words;
  if (containerId === undefined || execId === undefined) return keepNew();
  const watch = { containerId, execId, pidfd: Number(pidfd) };
  setCloseOnExec(watch.pidfd, true);
  await attend(watch, Number.POSITIVE_INFINITY);
  return 0;
}

async function keepNew(): Promise<number> {
  setCloseOnExec(keeperChannelFd, true);
  const text = readUntil(keeperChannelFd, (chunk) => chunk.at(-1) === newline);
  // Whoever asked has gone before it said what.
  if (text === "") return 1;
  let watch: Watch;
  try {
    watch = await start(JSON.parse(text) as ExecRequest);
  } catch (error) {
    answer({ error: toWireError(error) });
    return 1;
  }
  answer({ execId: watch.execId });
  await attend(watch, firstWaitMs);
  return 0;
}

function answer(given: KeeperAnswer): void {
  try {
    writeAll(keeperChannelFd, Buffer.from(JSON.stringify(given)));
  } catch {
    // The user was impatient; the command runs all the same.
  }
  closeQuietly(keeperChannelFd);
}

async function start(request: ExecRequest): Promise<Watch> {
  const [engine, { execWithoutStreams }] = await Promise.all([loadEngine(), import("./exec-container.ts")]);
  const { containerId, process, execId } = await execWithoutStreams(engine, request);
  return { containerId, execId, pidfd: process.pidfd };
}

/** Waits for the end and tells of it; after `patienceMs` in a smaller process image. */
async function attend(watch: Watch, patienceMs: number): Promise<void> {
  const exited = waitForExit(watch);
  const isLong = patienceMs === Number.POSITIVE_INFINITY;
  const timer = isLong ? undefined : setTimeout(() => becomeSmall(watch), patienceMs);
  const { exitCode } = await exited;
  clearTimeout(timer);
  const [engine, { noteExecEnd }] = await Promise.all([loadEngine(), import("./exec-events.ts")]);
  noteExecEnd(engine, watch.containerId, watch.execId, exitCode);
}

/** Only where it is needed: most of the memory of a keeper that waits would be the engine's. */
async function loadEngine(): Promise<Engine> {
  const [{ loadEngineSettings }, { openEngine }] = await Promise.all([
    import("../config/engine-settings.ts"),
    import("./engine.ts"),
  ]);
  return openEngine(await loadEngineSettings({}, process.env));
}

/** Returns only when that was not possible. */
function becomeSmall({ containerId, execId, pidfd }: Watch): void {
  try {
    setCloseOnExec(pidfd, false);
    const command = selfCommand("exec-keeper", containerId, execId, String(pidfd));
    execve("/proc/self/exe", command, process.env);
  } catch {
    setCloseOnExec(pidfd, true);
  }
}

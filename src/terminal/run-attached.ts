/**
 * Connects a session with the user's terminal or streams, until the process ends or the user leaves.
 *
 *   stdin ─▶ detach keys (with -t) ─▶ session ─▶ stdout, stderr        each at the pace of the slower side
 *   SIGWINCH ─▶ resize (with -t)      signals ─▶ session
 *
 * One function for run, start -a, attach and exec. Follows docker's CLI: a terminal goes raw only when stdin is
 * attached, keys are looked for only where there is one, and with one only run passes signals on.
 */

import { constants } from "node:os";
import { isTerminal } from "../../ffi/terminal.ts";
import { getWindowSize, type WindowSize } from "../../ffi/tty.ts";
import { BockerError } from "../errors.ts";
import type { Session, StreamName } from "../monitor/session.ts";
import { DetachKeyScanner, parseDetachKeys } from "./detach-keys.ts";
import { type InputSource, openInput } from "./input-source.ts";
import { type OutputTarget, openOutput } from "./output-target.ts";
import { enterRawMode } from "./raw-mode.ts";
import { proxySignals } from "./signal-proxy.ts";

export interface AttachOptions {
  /** Send stdin (-i). Without it the user's stdin is not touched. */
  readonly stdin: boolean;
  /** The process has a pty (-t). */
  readonly tty: boolean;
  /** Pass signals on; with a pty only if "always". */
  readonly sigProxy: boolean | "always";
  /** `--detach-keys`; absent: ctrl-p,ctrl-q; false: there are none. Only looked for when `tty` and `stdin`. */
  readonly detachKeys?: string | false;
  /**
   * When the user's own stdout breaks (`run … | head -1`): "close" the container's too, which ends a program as
   * any member of a pipeline, or "leave" it running, as docker does. The exit code is 141 then.
   */
  readonly brokenOutput: "close" | "leave";
  /** Told of each size that the process's terminal is given while attached. */
  readonly resized?: (size: WindowSize) => void;
  /** Descriptor numbers; absent: 0, 1, 2. */
  readonly descriptors?: { readonly stdin: number; readonly stdout: number; readonly stderr: number };
}

export type AttachResult =
  | { readonly kind: "exited"; readonly exitCode: number }
  /** The user typed the detach keys; the process goes on. */
  | { readonly kind: "detached" };

const standardDescriptors = { stdin: 0, stdout: 1, stderr: 2 } as const;
/** 128 plus SIGPIPE. */
const brokenPipeExit = 141;

/**
 * Refuses `-i -t` when stdin is no terminal, with docker's words; exit code 1. To be called before anything is started.
 */
export function checkInputTerminal(
  options: { readonly stdin: boolean; readonly tty: boolean },
  fd = 0,
): void {
  if (!options.stdin || !options.tty || isTerminal(fd)) return;
  throw new BockerError("the input device is not a TTY", {
    kind: "usage",
    exitCode: 1,
    hint: "leave -t away, or start it from a terminal",
  });
}

/** The size of the user's window, for StartOrder and AttachRequest; undefined: none of the descriptors has one. */
export function currentWindowSize(descriptors: readonly number[] = [1, 0, 2]): WindowSize | undefined {
  for (const fd of descriptors) {
    if (!isTerminal(fd)) continue;
    const size = getWindowSize(fd);
    if (size.rows > 0 && size.columns > 0) return size;
  }
  return undefined;
}

/**
 * Runs the session to its end. The terminal is as before when this settles, and all output is written. The event loop
 * may still have a pending read of stdin: main.ts exits by itself. Rejects as Session.run does.
 */
export async function runAttached(session: Session, options: AttachOptions): Promise<AttachResult> {
  const fds = options.descriptors ?? standardDescriptors;
  const undo: (() => void)[] = [];
  const detached = Promise.withResolvers<AttachResult>();
  const passesOn = options.sigProxy === "always" || (options.sigProxy && !options.tty);
  try {
    const resize = (): void => resizeToWindow(session, fds.stdout, options.resized);
    if (options.tty) followWindow(resize, undo);
    if (options.tty && options.stdin && isTerminal(fds.stdin)) {
      const endings = passesOn ? [] : undefined;
      undo.push(enterRawMode(fds.stdin, resize, undefined, endings).restore);
    }
    const wasTerminal = isTerminal(fds.stdin);
    const hasHungUp = (): boolean => wasTerminal && !isTerminal(fds.stdin);
    if (passesOn) undo.push(passSignalsOn(session, options.tty, hasHungUp, detached.reject));
    if (options.stdin) copyInput(session, options, fds.stdin, detached.resolve, undo);
    const exited = copyOutput(session, options, fds, undo);
    return await Promise.race([exited, detached.promise]);
  } finally {
    for (const step of undo.reverse()) step();
  }
}

function passSignalsOn(
  session: Session,
  tty: boolean,
  hasHungUp: () => boolean,
  left: (reason: BockerError) => void,
): () => void {
  const leave = (reason: string): void => {
    session.detach();
    left(new BockerError(reason, { exitCode: 1 }));
  };
  const send = (signal: number): void => {
    session.signal(signal);
    // Nobody is there any more to see how it goes on.
    if (tty && signal === constants.signals.SIGHUP && hasHungUp()) leave("the terminal has gone");
  };
  return proxySignals({ send, leave: () => leave("got 3 SIGTERM/SIGINTs, forcefully exiting") }, tty);
}

function followWindow(resize: () => void, undo: (() => void)[]): void {
  process.on("SIGWINCH", resize);
  undo.push(() => process.off("SIGWINCH", resize));
}

function resizeToWindow(session: Session, fd: number, resized: AttachOptions["resized"]): void {
  const size = currentWindowSize([fd, 0, 2]);
  if (size === undefined) return;
  session.resize(size);
  resized?.(size);
}

async function copyOutput(
  session: Session,
  options: AttachOptions,
  fds: { readonly stdout: number; readonly stderr: number },
  undo: (() => void)[],
): Promise<AttachResult> {
  const targets = { stdout: openOutput(fds.stdout), stderr: openOutput(fds.stderr) };
  undo.push(
    () => targets.stdout.close(),
    () => targets.stderr.close(),
  );
  const broken = new Set<StreamName>();
  const left = Promise.withResolvers<AttachResult>();
  const breakOff = (stream: StreamName, error: unknown): void => {
    if (!isBrokenPipe(error)) throw error;
    broken.add(stream);
    if (options.brokenOutput === "close") session.closeOutput(stream);
    else if (stream === "stdout") {
      session.detach();
      left.resolve({ kind: "exited", exitCode: brokenPipeExit });
    }
  };
  const ended = session.run((stream, chunk) => {
    if (!broken.has(stream)) return writeTo(targets[stream], chunk, (error) => breakOff(stream, error));
  });
  return Promise.race([left.promise, ended.then((exitCode) => ({ kind: "exited", exitCode }) as const)]);
}

function writeTo(
  target: OutputTarget,
  chunk: Uint8Array,
  failed: (error: unknown) => void,
): void | Promise<void> {
  try {
    return target.write(chunk)?.catch(failed);
  } catch (error) {
    failed(error);
  }
}

/** EIO: the terminal has hung up. */
function isBrokenPipe(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "EPIPE" || code === "ECONNRESET" || code === "EIO";
}

function copyInput(
  session: Session,
  options: AttachOptions,
  fd: number,
  detached: (result: AttachResult) => void,
  undo: (() => void)[],
): void {
  const { detachKeys = "" } = options;
  const keys =
    options.tty && detachKeys !== false ? new DetachKeyScanner(parseDetachKeys(detachKeys)) : undefined;
  const source = openInput(fd);
  undo.push(source.cancel);
  void session.inputClosed.then(source.cancel);
  pumpInput(session, source, keys).then(
    (left) => {
      if (!left) return session.closeInput();
      session.detach();
      detached({ kind: "detached" });
    },
    () => session.closeInput(),
  );
}

/** True when the detach keys were typed. */
async function pumpInput(
  session: Session,
  source: InputSource,
  keys: DetachKeyScanner | undefined,
): Promise<boolean> {
  for (;;) {
    const typed = await source.read();
    if (typed === undefined) break;
    const scanned = keys?.scan(typed) ?? { input: typed, detach: false };
    if (scanned.input.byteLength > 0) await session.write(scanned.input);
    if (scanned.detach) return true;
  }
  const held = keys?.finish();
  if (held !== undefined && held.byteLength > 0) await session.write(held);
  return false;
}

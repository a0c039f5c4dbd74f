/**
 * RUN: one container, from the layers so far to the tar of what it has changed.
 *
 *   layers ─▶ places of mounts below them ─▶ overlay with a fresh upper directory ─▶ process ─▶ upper ─▶ layer
 *
 * It has the walls of any container and no monitor: it dies with this process. Its folder, cgroup and address are the
 * sandbox's.
 */
import { closeQuietly } from "../../../ffi/file.ts";
import { pidfd_send_signal } from "../../../ffi/process.ts";
import { isErrno } from "../../../ffi/syscall-error.ts";
import { quoteGo } from "../../build/history-text.ts";
import type { RunEffect } from "../../build/stage-state.ts";
import { BockerError, messageOf } from "../../errors.ts";
import { closeHostStdio, makePipes, type StdioPipes } from "../../monitor/container-stdio.ts";
import { pumpOutput } from "../../monitor/output-pump.ts";
import type { StartedProcess } from "../../runtime/start-process.ts";
import { waitForExit } from "../../runtime/wait-for-exit.ts";
import { removeTree } from "../../storage/remove-tree.ts";
import type { Engine } from "../engine.ts";
import type { BuildSandbox, NetworkEntry, SandboxPlace } from "./build-sandbox.ts";
import { removePlaces } from "./mount-place.ts";
import { stepConfig } from "./step-config.ts";
import { launchStep, prepareStep, type StepContainer } from "./step-container.ts";
import { openStepMounts, type StepMounts } from "./step-mounts.ts";
import type { StepRequest } from "./step-request.ts";
import { packStepRoot, removeStepRoot } from "./step-root.ts";

/** What a step has changed; disposing removes it from the disk. */
export interface StepChanges extends Disposable {
  /** The layer's tar; nothing at all where nothing was changed. */
  pack(): Generator<Buffer>;
}

/** Runs the step to its end. Throws docker's words for a process that cannot be started or fails. */
export async function runStep(
  engine: Engine,
  sandbox: BuildSandbox,
  request: StepRequest,
): Promise<StepChanges> {
  const place = sandbox.newPlace();
  const remove = () => {
    removeStepRoot(engine, place);
    removeTree(engine.paths, place.folder);
  };
  try {
    const { files, missing } = await runIn(engine, sandbox, place, request);
    removePlaces(files.written, missing);
    const { layers, latestSeconds } = request;
    return { pack: () => packStepRoot(engine, files, layers, latestSeconds), [Symbol.dispose]: remove };
  } catch (error) {
    remove();
    throw error;
  }
}

async function runIn(
  engine: Engine,
  sandbox: BuildSandbox,
  place: SandboxPlace,
  request: StepRequest,
): Promise<StepContainer> {
  const { effect, signal } = request;
  const mounts = await openStepMounts(engine, sandbox, place, request);
  try {
    const started = await start(engine, sandbox, place, request, mounts);
    const exitCode = await watch(started.process, started.pipes, request);
    signal.throwIfAborted();
    if (exitCode !== 0) throw stepFailure(effect, `exit code: ${exitCode}`);
    return started.container;
  } finally {
    mounts[Symbol.dispose]();
  }
}

interface Started {
  readonly container: StepContainer;
  readonly process: StartedProcess;
  readonly pipes: StdioPipes;
}

async function start(
  engine: Engine,
  sandbox: BuildSandbox,
  place: SandboxPlace,
  { effect, layers, signal }: StepRequest,
  { config: mounts, stage }: StepMounts,
): Promise<Started> {
  const network = await enterNetwork(sandbox, effect);
  let pipes: StdioPipes | undefined;
  try {
    signal.throwIfAborted();
    const config = stepConfig(sandbox.config, place.folder, effect, mounts);
    const record = { ...sandbox.record, id: place.id, config };
    const container = await prepareStep(engine, record, { layers, stage, place, network });
    using _root = container.root;
    pipes = makePipes({ stdin: false, owner: container.resolved.user });
    return { container, pipes, process: await launchStep(container, network, pipes) };
  } catch (error) {
    if (pipes !== undefined) closeHostStdio(pipes.host);
    throw signal.aborted ? signal.reason : stepFailure(effect, messageOf(error), error);
  } finally {
    pipes?.closeChildEnds();
    network.finish();
  }
}

/** `RUN --network` decides where it says anything. */
async function enterNetwork(sandbox: BuildSandbox, effect: RunEffect): Promise<NetworkEntry> {
  const asked = sandbox.config.networks[0]?.name;
  const mode = effect.network === "default" ? asked : effect.network;
  if (mode !== "none" && mode !== "host") return sandbox.enterNetwork();
  const reservation = { containerId: "", mode, leases: [], networks: [], ports: [], interfaces: [] } as const;
  return { reservation, path: undefined, apply() {}, finish() {} };
}

/** Passes output on until the process has ended, or ends it when nobody wants it any more. */
async function watch(
  process: StartedProcess,
  { host }: StdioPipes,
  { onOutput, signal }: StepRequest,
): Promise<number> {
  const kill = () => killQuietly(process.pidfd);
  signal.addEventListener("abort", kill);
  try {
    if (signal.aborted) kill();
    const stdout = pumpOutput(host.stdout, (bytes) => onOutput("stdout", bytes));
    const stderr = pumpOutput(host.stderr, (bytes) => onOutput("stderr", bytes));
    const { exitCode } = await waitForExit(process);
    await Promise.all([stdout.done, stderr.done]);
    return exitCode;
  } finally {
    signal.removeEventListener("abort", kill);
    closeHostStdio(host);
    closeQuietly(process.pidfd);
  }
}

function killQuietly(pidfd: number): void {
  try {
    pidfd_send_signal(pidfd, 9);
  } catch (error) {
    if (!isErrno(error, "ESRCH")) throw error;
  }
}

function stepFailure({ args }: RunEffect, reason: string, cause?: unknown): BockerError {
  const { kind = "host", hint } = cause instanceof BockerError ? cause : {};
  return new BockerError(`process ${quoteGo(args.join(" "))} did not complete successfully: ${reason}`, {
    kind,
    ...(hint === undefined ? {} : { hint }),
    ...(cause === undefined ? {} : { cause }),
  });
}

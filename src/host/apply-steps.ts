/**
 * Carries out HostSteps in order; when one fails, undoes the done ones in reverse and reports both.
 *
 * The only interpreter of HostStep. It decides nothing: what to do, and what a crash in between leaves, is argued
 * where the plan is made.
 */
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import { LinkRefused, type LinkRequest, requestLinks } from "../../ffi/route-link.ts";
import { BockerError, messageOf } from "../errors.ts";
import { runCommand } from "./run-command.ts";
import type { HostEffect, HostStep } from "./step.ts";
import { trace } from "./trace.ts";

/**
 * Applies every step or none: after a failure the undo of each step that was done is carried out, last first.
 * Throws a BockerError that names the failed step; errors of the undoing are in its message and details.
 */
export function applySteps(steps: readonly HostStep[]): void {
  for (const [index, step] of steps.entries()) {
    try {
      applyStep(step);
    } catch (error) {
      throw failedStep(step, error, tryUndo(steps.slice(0, index)));
    }
  }
}

/** Undoes steps that were all applied, last first; goes on after an error and reports all of them at the end. */
export function undoSteps(steps: readonly HostStep[]): void {
  const errors = tryUndo(steps);
  if (errors.length === 0) return;
  throw new BockerError(`cannot undo: ${errors.map(messageOf).join("; ")}`, {
    kind: "host",
    cause: errors.length === 1 ? errors[0] : new AggregateError(errors),
  });
}

function applyStep(step: HostStep): void {
  try {
    applyEffect(step);
  } catch (error) {
    if (!step.ignore?.includes(errnoName(error) ?? "")) throw error;
  }
}

function applyEffect(effect: HostEffect): void {
  switch (effect.kind) {
    case "mkdir":
      mkdirSync(effect.path, { mode: effect.mode });
      return;
    case "rmdir":
      rmdirSync(effect.path);
      return;
    case "write":
      writeWhereItIs(effect);
      return;
    case "remove":
      rmSync(effect.path, { recursive: true, force: true });
      return;
    case "symlink":
      symlinkSync(effect.target, effect.path);
      return;
    case "command":
      runProgram(effect);
      return;
  }
}

/** A link that the kernel refuses is the program's to try: it says why in words that people can look up. */
function runProgram({ argv, stdin, links = [] }: HostEffect & { readonly kind: "command" }): void {
  if (stdin === undefined || links.length === 0) {
    runCommand(argv, stdin === undefined ? {} : { stdin });
    return;
  }
  const lines = stdin.split("\n").slice(requestedLinks(links));
  if (lines.some((line) => line !== "")) runCommand(argv, { stdin: lines.join("\n") });
}

/** How many of them are made. */
function requestedLinks(links: readonly LinkRequest[]): number {
  try {
    requestLinks(links);
    trace(() => `made over netlink: ${JSON.stringify(links)}`);
    return links.length;
  } catch (error) {
    trace(() => `not made over netlink: ${messageOf(error)}`);
    return error instanceof LinkRefused ? error.index : 0;
  }
}

function writeWhereItIs({ path, data, instead }: HostEffect & { readonly kind: "write" }): void {
  try {
    writeKernelFile(path, data);
  } catch (error) {
    if (instead === undefined || errnoName(error) !== "ENOENT") throw error;
    writeKernelFile(instead.path, instead.data);
  }
}

/** One write(2) on a descriptor for writing only: cgroup files take each write as a command, some cannot be read. */
function writeKernelFile(path: string, data: string): void {
  const fd = openSync(path, constants.O_WRONLY);
  try {
    writeSync(fd, data);
  } finally {
    closeSync(fd);
  }
}

function tryUndo(done: readonly HostStep[]): unknown[] {
  const errors: unknown[] = [];
  for (const step of done.toReversed()) {
    if (step.undo === undefined) continue;
    try {
      applyEffect(step.undo);
    } catch (error) {
      if (errnoName(error) !== "ENOENT") errors.push(error);
    }
  }
  return errors;
}

function failedStep(step: HostStep, error: unknown, undoErrors: readonly unknown[]): BockerError {
  const undoing =
    undoErrors.length === 0
      ? ""
      : `; undoing what was done failed too: ${undoErrors.map(messageOf).join("; ")}`;
  return new BockerError(`cannot ${step.label}: ${messageOf(error)}${undoing}`, {
    kind: error instanceof BockerError ? error.kind : "host",
    cause: error,
    details: { step: step.label, undoErrors: undoErrors.map(messageOf) },
    ...(error instanceof BockerError && error.hint !== undefined ? { hint: error.hint } : {}),
  });
}

function errnoName(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

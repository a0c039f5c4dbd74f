/**
 * Killing a process of bocker at an exact step: see kill-at.c beside this file, which is compiled here.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Workspace } from "./workspace.ts";

export type Role = "cli" | "monitor" | "init";

export interface KillOutcome {
  /** 128 + signal when one ended the command. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Whether the step was reached. */
  readonly killed: boolean;
}

export interface StepKiller {
  /** How many steps each role makes when nobody is killed. `monitorPid`: one that runs already. */
  count(words: readonly string[], monitorPid?: number): Promise<Readonly<Record<Role, number>>>;
  /** Runs a command and kills `role` as it begins its step `step`, counted from 1. */
  run(role: Role, step: number, words: readonly string[], monitorPid?: number): Promise<KillOutcome>;
}

/** Compiles the tracer into the workspace's directory. */
export function makeStepKiller(bocker: Workspace, binary: string): StepKiller {
  const program = join(bocker.directory, "kill-at");
  if (!existsSync(program)) {
    const compile = ["cc", "-O1", "-o", program, join(import.meta.dir, "kill-at.c")];
    const { exitCode, stderr } = Bun.spawnSync(compile);
    if (exitCode !== 0) throw new Error(stderr.toString());
  }
  const trace = async (role: Role, step: number, words: readonly string[], monitorPid?: number) => {
    const attach = monitorPid === undefined ? [] : ["-p", String(monitorPid)];
    const child = Bun.spawn([program, role, String(step), ...attach, "--", binary, ...words], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      env: bocker.env,
      cwd: bocker.directory,
      timeout: 30_000,
      killSignal: "SIGKILL",
    });
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    const exitCode = await child.exited;
    if (child.signalCode !== null) throw new Error(`${words.join(" ")} hangs: ${stderr}`);
    return { exitCode, stdout, stderr, killed: stderr.includes("kill-at: ") };
  };
  return {
    run: trace,
    count: async (words, monitorPid) => {
      const { exitCode, stderr } = await trace("cli", 0, words, monitorPid);
      const [, cli, monitor, init] = /kill-at: cli (\d+) monitor (\d+) init (\d+)/.exec(stderr) ?? [];
      if (exitCode !== 0 || cli === undefined) throw new Error(`${words.join(" ")}: ${exitCode}: ${stderr}`);
      return { cli: Number(cli), monitor: Number(monitor), init: Number(init) };
    },
  };
}

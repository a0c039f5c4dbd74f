/**
 * The attackers of the escape tests: small C programs of test/hostile, made static so that they run in any image.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Workspace } from "./workspace.ts";

export type HostileName = "exchange" | "watch" | "attempt";

/** Compiles them into a directory of the workspace; flags of `run` that show it to a container as /hostile. */
export function hostilePrograms(bocker: Workspace, ...names: readonly HostileName[]): readonly string[] {
  const directory = join(bocker.directory, "hostile");
  mkdirSync(directory, { recursive: true });
  for (const name of names) {
    const source = join(import.meta.dir, `../hostile/${name}.c`);
    const command = ["cc", "-O1", "-Wall", "-Werror", "-static", "-o", join(directory, name), source];
    const { exitCode, stderr } = Bun.spawnSync(command);
    if (exitCode !== 0) throw new Error(stderr.toString());
  }
  return ["-v", `${directory}:/hostile:ro`];
}

/** The answers of `attempt`: what was asked for, and `ok` or the errno. */
export function answersOf(output: string): Readonly<Record<string, string>> {
  const lines = output.split(/\r?\n/).filter((line) => /^[\w-]+ \S+$/.test(line));
  return Object.fromEntries(lines.map((line) => line.split(" ") as [string, string]));
}

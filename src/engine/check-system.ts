/**
 * `system check`: whether the state is consistent with itself and with the host; and putting right what can be.
 */
import { messageOf } from "../errors.ts";
import { checkContainers } from "./check-containers.ts";
import { checkImages } from "./check-images.ts";
import type { Problem } from "./check-problem.ts";
import type { Engine } from "./engine.ts";

export interface CheckOptions {
  /** Read every blob and look at every file. */
  readonly deep: boolean;
  readonly repair: boolean;
}

export interface Finding {
  /** One line: the object, and what is wrong with it. */
  readonly what: string;
  readonly isRepaired: boolean;
  /** Why the repair failed, or what a person can do. */
  readonly hint?: string;
}

/** Every problem, in the order in which they are best repaired. */
export async function checkSystem(engine: Engine, options: CheckOptions): Promise<readonly Finding[]> {
  const problems = [...checkDatabase(engine), ...checkContainers(engine), ...checkImages(engine, options)];
  const findings: Finding[] = [];
  for (const problem of problems) {
    findings.push(options.repair ? await repaired(problem) : findingOf(problem));
  }
  return findings;
}

function findingOf({ what, hint, repair }: Problem): Finding {
  const remedy = hint ?? (repair === undefined ? undefined : "bocker system check --repair");
  return { what, isRepaired: false, ...(remedy === undefined ? {} : { hint: remedy }) };
}

async function repaired(problem: Problem): Promise<Finding> {
  if (problem.repair === undefined) return findingOf(problem);
  try {
    await problem.repair();
    return { what: problem.what, isRepaired: true };
  } catch (error) {
    return { what: problem.what, isRepaired: false, hint: `the repair failed: ${messageOf(error)}` };
  }
}

/** https://sqlite.org/pragma.html#pragma_integrity_check, and that no row points to one that is gone. */
function checkDatabase({ state }: Engine): readonly Problem[] {
  const hint = "move the database away: layers and volumes are files beside it and stay";
  const damage = state
    .all("PRAGMA integrity_check")
    .flatMap((row) => Object.values(row).map(String))
    .filter((text) => text !== "ok")
    .map((text) => ({ what: `${state.path}: ${text}`, hint }));
  const dangling = state.all("PRAGMA foreign_key_check").map(({ table, parent }) => ({
    what: `${state.path}: a row of ${table} points to no row of ${parent}`,
    hint,
  }));
  return [...damage, ...dangling];
}

/**
 * How docker's builder numbers a stage's steps: `[build 2/4]`. What makes layers counts, and the base where it is an image.
 */
import type { Instruction } from "../../build/dockerfile/syntax.ts";
import { nameOf, type StageGraph, type StageNode } from "../../build/stage-graph.ts";

export interface StepTitles {
  readonly base: string;
  /** As many as there are instructions. */
  readonly instructions: readonly string[];
}

/** `instructions`: the stage's, triggers of its base included. */
export function stepTitles(
  graph: StageGraph,
  { stage, base }: StageNode,
  instructions: readonly Instruction[],
): StepTitles {
  const first = base.kind === "image" ? 1 : 0;
  const total = first + instructions.filter(isCounted).length;
  const name = graph.needed.length > 1 ? `${nameOf(stage)} ` : "";
  let at = first;
  const titles = instructions.map((instruction) => {
    if (isCounted(instruction)) at += 1;
    return `[${name}${at}/${total}]`;
  });
  return { base: `[${name}1/${total}]`, instructions: titles };
}

function isCounted({ kind }: Instruction): boolean {
  return kind === "run" || kind === "copy" || kind === "add" || kind === "workdir";
}

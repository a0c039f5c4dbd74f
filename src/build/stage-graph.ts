/**
 * Which stages a target needs, and which of them wait for which. Pure.
 *
 * A stage's base and every `--from` name a stage before it, a named context, or else an image. Nothing that the target
 * does not need is built.
 */
import { type BuildScope, expandAt } from "./build-scope.ts";
import { DockerfileProblem } from "./dockerfile/dockerfile-error.ts";
import { mountSourceOf } from "./dockerfile/run-mount.ts";
import { suggestion } from "./dockerfile/suggestion.ts";
import type { Dockerfile, Instruction, Location, Stage } from "./dockerfile/syntax.ts";

export type SourceRef =
  | { readonly kind: "scratch" }
  | { readonly kind: "stage"; readonly index: number }
  /** A `--build-context`, by its name. */
  | { readonly kind: "context"; readonly name: string }
  /** An image, as it was written. */
  | { readonly kind: "image"; readonly name: string };

export interface StageNode {
  readonly stage: Stage;
  readonly base: SourceRef;
  /** Of FROM's `--platform`, expanded; undefined: the target's. */
  readonly platform: string | undefined;
  /** What its instructions copy and mount from, by the word that names it. */
  readonly sources: ReadonlyMap<string, SourceRef>;
}

export interface StageGraph {
  /** All stages of the file, in its order. */
  readonly nodes: readonly StageNode[];
  readonly target: number;
  /** Indexes of the stages that the target needs, in the file's order. */
  readonly needed: readonly number[];
}

export interface GraphOptions {
  readonly scope: BuildScope;
  readonly target: string | undefined;
  /** Names of `--build-context`. */
  readonly contexts: ReadonlySet<string>;
  /** Every stage is built, whatever needs it. */
  readonly keepsUnused?: boolean;
}

/** Throws DockerfileProblem for names that are nowhere and for stages that wait for each other. */
export function planStages(dockerfile: Dockerfile, options: GraphOptions): StageGraph {
  const nodes = dockerfile.stages.map((stage) => planStage(stage, dockerfile.stages, options));
  const target = findTarget(dockerfile, options.target);
  return { nodes, target, needed: options.keepsUnused ? [...nodes.keys()] : neededBy(nodes, target) };
}

/** The stages that a stage waits for. */
function dependenciesOf({ base, sources }: StageNode): readonly number[] {
  const all = [base, ...sources.values()];
  return [...new Set(all.flatMap((source) => (source.kind === "stage" ? [source.index] : [])))];
}

/** A node with what the triggers of its base copy from. */
export function withTriggers(
  node: StageNode,
  triggers: readonly Instruction[],
  stages: readonly Stage[],
  contexts: ReadonlySet<string>,
): StageNode {
  const more = triggers.flatMap((trigger) => sourcesOf(trigger, node.stage, stages, contexts));
  return { ...node, sources: new Map([...node.sources, ...more]) };
}

function planStage(stage: Stage, stages: readonly Stage[], { scope, contexts }: GraphOptions): StageNode {
  const expand = (word: string) => expandAt(word, (name) => scope.global.get(name), scope.escapeToken, stage);
  const base = expand(stage.base).text;
  if (base === "") {
    throw new DockerfileProblem(`base name (${stage.base}) should not be blank`, stage, {
      word: stage.base,
      hint: "an ARG before the first FROM can give it a default",
    });
  }
  const platform = stage.platform === undefined ? undefined : expand(stage.platform).text;
  if (platform === "") {
    throw new DockerfileProblem(`empty platform value from expression ${stage.platform}`, stage, {
      word: stage.platform,
    });
  }
  const sources = stage.instructions.flatMap((each) => sourcesOf(each, stage, stages, contexts));
  return { stage, base: baseOf(base, stage, stages, contexts), platform, sources: new Map(sources) };
}

function baseOf(
  base: string,
  stage: Stage,
  stages: readonly Stage[],
  contexts: ReadonlySet<string>,
): SourceRef {
  // A context stands in for the stage of its name, whatever the file says of it.
  if (stage.name !== undefined && contexts.has(stage.name)) return { kind: "context", name: stage.name };
  const before = stages.findLast(({ index, name }) => index < stage.index && name === base.toLowerCase());
  if (before !== undefined) return { kind: "stage", index: before.index };
  if (contexts.has(base)) return { kind: "context", name: base };
  return base === "scratch" ? { kind: "scratch" } : { kind: "image", name: base };
}

function sourcesOf(
  instruction: Instruction,
  stage: Stage,
  stages: readonly Stage[],
  contexts: ReadonlySet<string>,
): readonly (readonly [string, SourceRef])[] {
  return fromWords(instruction).map((word) => [word, sourceOf(word, instruction, stage, stages, contexts)]);
}

function fromWords(instruction: Instruction): readonly string[] {
  if (instruction.kind === "copy") return instruction.from === undefined ? [] : [instruction.from];
  if (instruction.kind !== "run") return [];
  return instruction.mounts.flatMap((text) => {
    const from = mountSourceOf(text, instruction);
    return from === undefined ? [] : [from];
  });
}

function sourceOf(
  word: string,
  location: Location,
  stage: Stage,
  stages: readonly Stage[],
  contexts: ReadonlySet<string>,
): SourceRef {
  if (/\$./.test(word)) {
    throw new DockerfileProblem(
      "variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround",
      location,
      { word },
    );
  }
  if (word === "scratch") return { kind: "scratch" };
  const found = /^\d+$/.test(word) ? byNumber(word, location, stages) : byName(word, stages);
  if (found === undefined)
    return contexts.has(word) ? { kind: "context", name: word } : { kind: "image", name: word };
  if (found.name !== undefined && contexts.has(found.name)) return { kind: "context", name: found.name };
  if (found.index === stage.index) {
    throw new DockerfileProblem(`circular dependency detected on stage: ${nameOf(stage)}`, location, {
      word,
    });
  }
  if (found.index > stage.index) {
    throw new DockerfileProblem(
      `cannot copy from stage ${JSON.stringify(word)}, it needs to be defined before current stage ${JSON.stringify(nameOf(stage))}`,
      location,
      { word, hint: `move stage ${nameOf(found)} before it` },
    );
  }
  return { kind: "stage", index: found.index };
}

function byNumber(word: string, location: Location, stages: readonly Stage[]): Stage {
  const found = stages[Number(word)];
  if (found !== undefined) return found;
  throw new DockerfileProblem(`invalid stage index ${word}`, location, {
    word,
    hint: `the file's stages are 0 to ${stages.length - 1}`,
  });
}

function byName(word: string, stages: readonly Stage[]): Stage | undefined {
  return stages.findLast(({ name }) => name === word.toLowerCase());
}

/** `build`, or `stage-2` for one without a name. */
export function nameOf({ name, index }: Stage): string {
  return name ?? `stage-${index}`;
}

function findTarget(dockerfile: Dockerfile, target: string | undefined): number {
  const { stages } = dockerfile;
  if (target === undefined || target === "") return stages.length - 1;
  const found = byName(target, stages) ?? (/^\d+$/.test(target) ? stages[Number(target)] : undefined);
  if (found !== undefined) return found.index;
  const names = stages.flatMap(({ name }) => (name === undefined ? [] : [name]));
  const last = stages.at(-1) ?? { line: 1, endLine: 1 };
  throw new DockerfileProblem(
    `target stage ${JSON.stringify(target)} could not be found${suggestion(target, names)}`,
    last,
    {
      hint: names.length === 0 ? "no stage of the file has a name" : `stages are ${names.join(", ")}`,
    },
  );
}

function neededBy(nodes: readonly StageNode[], target: number): readonly number[] {
  const needed = new Set<number>();
  const visit = (index: number): void => {
    const node = nodes[index];
    if (node === undefined || needed.has(index)) return;
    needed.add(index);
    for (const before of dependenciesOf(node)) visit(before);
  };
  visit(target);
  return [...needed].sort((a, b) => a - b);
}

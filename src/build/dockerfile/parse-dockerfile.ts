/**
 * A Dockerfile's text to its stages. Pure; what it throws says file, line and column.
 * https://docs.docker.com/reference/dockerfile/
 */
import { DockerfileProblem, syntaxError } from "./dockerfile-error.ts";
import { parseFlags } from "./instruction-flags.ts";
import { blanksOf, sourceOf, takeApart } from "./instruction-words.ts";
import { lintStages } from "./lint.ts";
import { type LogicalLine, splitLogicalLines } from "./logical-line.ts";
import { parseInstruction } from "./parse-instruction.ts";
import type { ArgInstruction, Dockerfile, EscapeToken, Instruction, Stage } from "./syntax.ts";

/** `path` is for messages. Throws BockerError, kind `invalid-config`, in docker's phrases with place and fix. */
export function parseDockerfile(text: string, path: string): Dockerfile {
  return explained(text, path, () => parse(text));
}

/** Runs what may throw a DockerfileProblem, and makes it the error that users see. */
export function explained<T>(text: string, path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof DockerfileProblem) throw syntaxError(path, text, error);
    throw error;
  }
}

/** A trigger of a base image: one instruction, at the place of the FROM that brings it. Throws DockerfileProblem. */
export function parseTrigger(trigger: string, stage: Stage): Instruction {
  const { lines, escapeToken } = splitLogicalLines(trigger);
  const [line] = lines;
  if (line === undefined) throw new DockerfileProblem("file with no instructions", stage);
  try {
    return parseInstruction({ ...line, line: stage.line, endLine: stage.endLine }, escapeToken);
  } catch (error) {
    if (!(error instanceof DockerfileProblem)) throw error;
    throw new DockerfileProblem(`ONBUILD trigger ${JSON.stringify(trigger)}: ${error.message}`, stage);
  }
}

function parse(text: string): Dockerfile {
  if (text.length === 0)
    throw new DockerfileProblem("the Dockerfile cannot be empty", { line: 1, endLine: 1 });
  const { lines, escapeToken, syntax, check, warnings } = splitLogicalLines(text);
  const [last] = text.split("\n").reverse().keys();
  if (lines.length === 0)
    throw new DockerfileProblem("file with no instructions", { line: 1, endLine: last ?? 1 });
  const globalArgs: ArgInstruction[] = [];
  const stages: OpenStage[] = [];
  for (const line of lines) {
    const stage = stages.at(-1);
    if (takeApart(line, escapeToken).keyword === "FROM")
      stages.push(parseFrom(line, escapeToken, stages.length));
    else if (stage === undefined) globalArgs.push(parseGlobal(line, escapeToken));
    else stage.instructions.push(parseInstruction(line, escapeToken));
  }
  const [first] = lines;
  if (stages.length === 0) {
    throw new DockerfileProblem("dockerfile contains no stages to build", first ?? { line: 1, endLine: 1 }, {
      hint: "begin with FROM IMAGE, or FROM scratch",
    });
  }
  return {
    text,
    escapeToken,
    syntax,
    check,
    globalArgs,
    stages,
    warnings: [...warnings, ...lintStages(stages)].sort((a, b) => a.line - b.line),
  };
}

interface OpenStage extends Stage {
  readonly instructions: Instruction[];
}

/** Before the first FROM there are only ARGs. */
function parseGlobal(line: LogicalLine, escapeToken: EscapeToken): ArgInstruction {
  const instruction = parseInstruction(line, escapeToken);
  if (instruction.kind === "arg") return instruction;
  throw new DockerfileProblem("no build stage in current context", line, {
    hint: "the first instruction is FROM; only ARG may stand before it",
  });
}

const stageName = /^[a-z][a-z0-9\-_.]*$/;

function parseFrom(line: LogicalLine, escapeToken: EscapeToken, index: number): OpenStage {
  const words = takeApart(line, escapeToken);
  const [base, as, name, ...more] = blanksOf(words.rest);
  const isNamed = as?.toLowerCase() === "as" && name !== undefined && more.length === 0;
  if (base === undefined || (as !== undefined && !isNamed)) {
    throw new DockerfileProblem("FROM requires either one or three arguments", line, {
      word: as,
      hint: "write FROM IMAGE, or FROM IMAGE AS NAME",
    });
  }
  const { platform } = parseFlags(words.flags, { platform: "string" }, line);
  const lower = isNamed ? name.toLowerCase() : undefined;
  if (lower !== undefined && !stageName.test(lower)) {
    throw new DockerfileProblem(
      `invalid name for build stage: ${JSON.stringify(name)}, name can't start with a number or contain symbols`,
      line,
      { word: name },
    );
  }
  return { ...sourceOf(words), index, name: lower, base, platform, instructions: [] };
}

/** RUN: its command, with documents for the shell or as a program; its mounts; its history. Pure. */
import { behindShell } from "../image/process-config-edit.ts";
import { DockerfileProblem } from "./dockerfile/dockerfile-error.ts";
import { contentOf, parseHeredoc } from "./dockerfile/heredoc.ts";
import { parseRunMount } from "./dockerfile/run-mount.ts";
import type { RunInstruction } from "./dockerfile/syntax.ts";
import type { Change, Evaluation } from "./evaluation.ts";
import type { InlineFile, RunEffect } from "./stage-state.ts";

/** Where the program that a document is can be found, while it runs. */
const scriptDirectory = "/dev/pipes";

/** The effect of RUN. Throws DockerfileProblem for mounts that make no sense once variables are known. */
export function evaluateRun(instruction: RunInstruction, { scope, state, expand }: Evaluation): Change {
  const { args, script } = runArgs(instruction, state.config.Shell);
  const effect: RunEffect = {
    kind: "run",
    location: instruction,
    args,
    environment: state.environment,
    proxies: scope.proxies,
    cwd: state.config.WorkingDir ?? "/",
    user: state.config.User ?? "",
    mounts: instruction.mounts.map((text) => parseRunMount(text, instruction, expand)),
    network: instruction.network,
    security: instruction.security,
    script,
  };
  const told = state.argNames.map((name) => `${name}=${state.environment.get(name) ?? ""}`);
  const prefix = told.length === 0 ? [] : [`|${told.length}`, ...told];
  return { effect, createdBy: `RUN ${[...prefix, ...args].join(" ")} # buildkit` };
}

function runArgs(
  instruction: RunInstruction,
  shell: readonly string[] | undefined,
): { args: readonly string[]; script: InlineFile | undefined } {
  const { words, isShell, heredocs } = instruction.command;
  const [first] = heredocs;
  if (first === undefined) {
    return { args: isShell ? behindShell(shell, words.join(" ")) : words, script: undefined };
  }
  const [text = ""] = words;
  if (!isShell) throw new DockerfileProblem("RUN with a JSON list cannot have a heredoc", instruction);
  if (parseHeredoc(text) === undefined) {
    // The shell reads the documents itself.
    const documents = heredocs.map(({ content, name }) => `\n${content}${name}`);
    return { args: behindShell(shell, text + documents.join("")), script: undefined };
  }
  const content = contentOf(first);
  if (!content.startsWith("#!")) return { args: behindShell(shell, content), script: undefined };
  const script = { name: `${scriptDirectory}/${first.name}`, content };
  return { args: [script.name], script };
}

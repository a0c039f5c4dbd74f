/**
 * One instruction upon a stage's state: variables put in, config and history changed, effect told. Pure.
 *
 * What docker's builder does with each keyword; texts of the history are its own too, so that `history` and tools that
 * read it find what they know. Throws DockerfileProblem.
 */
import { messageOf } from "../errors.ts";
import type { HistoryEntry, ImageProcessConfig } from "../image/image-config.ts";
import { absolutePath, behindShell, withKeys, withVariable } from "../image/process-config-edit.ts";
import { parseSignal } from "../runtime/signal-name.ts";
import { type BuildScope, expandAt } from "./build-scope.ts";
import { DockerfileProblem } from "./dockerfile/dockerfile-error.ts";
import type { Lookup } from "./dockerfile/expand-word.ts";
import type { Instruction, Location, Variable } from "./dockerfile/syntax.ts";
import { evaluateCopy } from "./evaluate-copy.ts";
import { evaluateRun } from "./evaluate-run.ts";
import type { Change, Evaluation } from "./evaluation.ts";
import { parseExposedPorts } from "./exposed-ports.ts";
import { quotedList, renderHealthcheck } from "./history-text.ts";
import type { Effect, Evaluated, StageState } from "./stage-state.ts";

/** The state after the instruction, and what is still to be done to files. */
export function evaluate(instruction: Instruction, state: StageState, scope: BuildScope): Evaluated {
  const unset = new Set<string>();
  const lookup: Lookup = (name) => state.environment.get(name);
  const expanded = (word: string, ignoreQuotes: boolean) => {
    // Documents have the backslash for escape, whatever the directive says.
    const token = ignoreQuotes ? "\\" : scope.escapeToken;
    const result = expandAt(word, lookup, token, instruction, { ignoreQuotes });
    for (const name of result.unset) unset.add(name);
    return result;
  };
  const change = changeOf(instruction, {
    scope,
    state,
    expand: (word) => expanded(word, false).text,
    expandDocument: (content) => expanded(content, true).text,
    expandWords: (word) => expanded(word, false).words,
  });
  return {
    state: applyChange(state, change),
    effect: change.effect,
    title: titleOf(instruction, change),
    unset,
  };
}

function applyChange(state: StageState, change: Change): StageState {
  const { createdBy, effect } = change;
  const entry: HistoryEntry | undefined =
    createdBy === undefined
      ? undefined
      : {
          created_by: createdBy,
          comment: "buildkit.dockerfile.v0",
          ...(effect === undefined ? { empty_layer: true } : {}),
        };
  return {
    config: change.config ?? state.config,
    author: change.author ?? state.author,
    history: entry === undefined ? state.history : [...state.history, entry],
    environment: change.environment ?? state.environment,
    argNames: change.argNames ?? state.argNames,
    hasCommand: change.hasCommand ?? state.hasCommand,
  };
}

/** With its values where the history has them; as it is written where it has not. */
function titleOf(instruction: Instruction, { createdBy, effect }: Change): string {
  if (effect?.kind === "run" || createdBy === undefined) return upperKeyword(instruction.source);
  const text = createdBy.replace(/ # buildkit$/, "");
  const from = effect?.kind === "copy" ? effect.from : undefined;
  return from === undefined ? text : text.replace("COPY", `COPY --from=${from}`);
}

function upperKeyword(source: string): string {
  const [keyword = ""] = source.split(/\s/, 1);
  return keyword.toUpperCase() + source.slice(keyword.length);
}

function changeOf(instruction: Instruction, evaluation: Evaluation): Change {
  const { state, expand } = evaluation;
  const { config } = state;
  switch (instruction.kind) {
    case "arg":
      return changeArgs(instruction, evaluation);
    case "env":
      return changeVariables(instruction.variables, evaluation);
    case "label":
      return changeLabels(instruction.labels, evaluation);
    case "run":
      return evaluateRun(instruction, evaluation);
    case "copy":
    case "add":
      return evaluateCopy(instruction, evaluation);
    case "cmd": {
      const words = commandOf(instruction.command, config);
      return { config: { ...config, Cmd: words }, hasCommand: true, createdBy: `CMD ${quotedList(words)}` };
    }
    case "entrypoint": {
      const words = commandOf(instruction.command, config);
      const { Cmd, ...rest } = config;
      const kept = state.hasCommand && Cmd !== undefined ? { Cmd } : {};
      return {
        config: { ...rest, ...kept, Entrypoint: words },
        createdBy: `ENTRYPOINT ${quotedList(words)}`,
      };
    }
    case "healthcheck": {
      const { healthcheck } = instruction;
      return {
        config: { ...config, Healthcheck: healthcheck },
        createdBy: `HEALTHCHECK ${renderHealthcheck(healthcheck)}`,
      };
    }
    case "expose":
      return changePorts(instruction.words, instruction, evaluation);
    case "volume": {
      const paths = instruction.words.map(expand);
      if (paths.includes(""))
        throw new DockerfileProblem("VOLUME specified can not be an empty string", instruction);
      return {
        config: { ...config, Volumes: withKeys(config.Volumes, paths) },
        createdBy: `VOLUME [${paths.join(" ")}]`,
      };
    }
    case "shell":
      return {
        config: { ...config, Shell: instruction.words },
        createdBy: `SHELL [${instruction.words.join(" ")}]`,
      };
    case "user": {
      const user = expand(instruction.word);
      return { config: { ...config, User: user }, createdBy: `USER ${user}` };
    }
    case "workdir":
      return changeDirectory(instruction.word, instruction, evaluation);
    case "stopsignal": {
      const signal = expand(instruction.word);
      checkSignal(signal, instruction);
      return { config: { ...config, StopSignal: signal }, createdBy: `STOPSIGNAL ${signal}` };
    }
    case "maintainer":
      return { author: instruction.word, createdBy: `MAINTAINER ${instruction.word}` };
    case "onbuild":
      return { config: { ...config, OnBuild: [...(config.OnBuild ?? []), instruction.trigger] } };
  }
}

function checkSignal(signal: string, location: Location): void {
  try {
    parseSignal(signal);
  } catch {
    throw new DockerfileProblem(`invalid signal: ${signal}`, location, { word: signal });
  }
}

/** A shell's text behind the stage's shell; a list as it is. */
function commandOf(
  command: { readonly words: readonly string[]; readonly isShell: boolean },
  config: ImageProcessConfig,
): readonly string[] {
  if (!command.isShell) return command.words;
  return behindShell(config.Shell, command.words.join(" "));
}

function changeArgs(
  { definitions }: Extract<Instruction, { kind: "arg" }>,
  { scope, state, expand }: Evaluation,
): Change {
  const environment = new Map(state.environment);
  const argNames = [...state.argNames];
  const told = definitions.map(({ name, value }) => {
    const inherited = value === undefined ? scope.global.get(name) : expand(value);
    const resolved = scope.buildArgs.get(name) ?? inherited;
    if (resolved !== undefined) environment.set(name, resolved);
    if (!argNames.includes(name)) argNames.push(name);
    return resolved === undefined ? name : `${name}=${resolved}`;
  });
  return { environment, argNames, createdBy: `ARG ${told.join(" ")}` };
}

function changeVariables(variables: readonly Variable[], { state, expand }: Evaluation): Change {
  const environment = new Map(state.environment);
  let list = state.config.Env ?? [];
  const told = variables.map((variable) => {
    const name = expand(variable.name);
    const value = expand(variable.value);
    environment.set(name, value);
    list = withVariable(list, [name, value]);
    return variable.isLegacy ? `${name} ${value}` : `${name}=${value}`;
  });
  return { config: { ...state.config, Env: list }, environment, createdBy: `ENV ${told.join(" ")}` };
}

function changeLabels(labels: readonly Variable[], { state, expand }: Evaluation): Change {
  const pairs = labels.map(({ name, value }) => [expand(name), expand(value)] as const);
  const told = pairs.map(
    ([name, value], index) => `${name}${labels[index]?.isLegacy === true ? " " : "="}${value}`,
  );
  return {
    config: { ...state.config, Labels: { ...state.config.Labels, ...Object.fromEntries(pairs) } },
    createdBy: `LABEL ${told.join(" ")}`,
  };
}

function changePorts(
  words: readonly string[],
  location: Location,
  { state, expandWords }: Evaluation,
): Change {
  const ports = words.flatMap(expandWords).flatMap((word) => {
    try {
      return parseExposedPorts(word);
    } catch (error) {
      throw new DockerfileProblem(messageOf(error), location, { word });
    }
  });
  return {
    config: { ...state.config, ExposedPorts: withKeys(state.config.ExposedPorts, ports) },
    createdBy: `EXPOSE [${ports.join(" ")}]`,
  };
}

function changeDirectory(word: string, location: Location, { state, expand }: Evaluation): Change {
  const path = absolutePath(expand(word), state.config.WorkingDir);
  const effect: Effect = { kind: "mkdir", location, path, user: state.config.User ?? "" };
  return {
    config: { ...state.config, WorkingDir: path },
    createdBy: `WORKDIR ${path}`,
    ...(path === "/" ? {} : { effect }),
  };
}

/**
 * One logical line to one instruction: which keyword takes which words. Pure; throws DockerfileProblem in docker's phrases.
 *
 * FROM is not here, since it begins a stage: parse-dockerfile.ts. Flags and sources of COPY and ADD: parse-copy.ts.
 */
import { DockerfileProblem } from "./dockerfile-error.ts";
import { parseFlags } from "./instruction-flags.ts";
import { blanksOf, plainly, sourceOf, takeApart, type Words } from "./instruction-words.ts";
import type { LogicalLine } from "./logical-line.ts";
import { parseAdd, parseCopy } from "./parse-copy.ts";
import { parseHealthcheck } from "./parse-healthcheck.ts";
import { checkRunMount } from "./run-mount.ts";
import { suggestion } from "./suggestion.ts";
import type {
  ArgDefinition,
  CommandLine,
  EscapeToken,
  Instruction,
  OnbuildInstruction,
  RunInstruction,
} from "./syntax.ts";
import { parseJsonList, splitVariables, splitWords } from "./words.ts";

type Parser = (words: Words) => Instruction;

const parsers: Readonly<Record<string, Parser>> = {
  ADD: parseAdd,
  ARG: (words) => ({ ...plainly(words), kind: "arg", definitions: definitionsOf(words) }),
  CMD: (words) => ({ ...plainly(words), kind: "cmd", command: commandOf(words) }),
  COPY: parseCopy,
  ENTRYPOINT: (words) => ({ ...plainly(words), kind: "entrypoint", command: commandOf(words) }),
  ENV: (words) => ({ ...plainly(words), kind: "env", variables: variablesOf(words) }),
  EXPOSE: (words) => ({
    ...plainly(words),
    kind: "expose",
    words: atLeastOne(words, blanksOf(words.rest)).toSorted(),
  }),
  HEALTHCHECK: parseHealthcheck,
  LABEL: (words) => ({ ...plainly(words), kind: "label", labels: variablesOf(words) }),
  MAINTAINER: (words) => ({ ...plainly(words), kind: "maintainer", word: exactlyOne(words) }),
  ONBUILD: parseOnbuild,
  RUN: parseRun,
  SHELL: (words) => ({ ...plainly(words), kind: "shell", words: shellOf(words) }),
  STOPSIGNAL: (words) => ({ ...plainly(words), kind: "stopsignal", word: exactlyOne(words) }),
  USER: (words) => ({ ...plainly(words), kind: "user", word: exactlyOne(words) }),
  VOLUME: (words) => ({ ...plainly(words), kind: "volume", words: volumesOf(words) }),
  WORKDIR: (words) => ({ ...plainly(words), kind: "workdir", word: exactlyOne(words) }),
};

const keywords = [...Object.keys(parsers), "FROM"];

/** Any instruction but FROM. */
export function parseInstruction(line: LogicalLine, escapeToken: EscapeToken): Instruction {
  const words = takeApart(line, escapeToken);
  const parser = Object.hasOwn(parsers, words.keyword) ? parsers[words.keyword] : undefined;
  if (parser === undefined) throw unknownInstruction(words);
  return parser(words);
}

function unknownInstruction({ line, keyword }: Words): DockerfileProblem {
  const [written = ""] = line.text.split(/\s/, 1);
  const meant = suggestion(keyword, keywords);
  return new DockerfileProblem(`unknown instruction: ${written}${meant}`, line, {
    word: written,
    hint: meant === "" ? `instructions are ${keywords.toSorted().join(", ")}` : undefined,
  });
}

function atLeastOne(words: Words, list: readonly string[]): readonly string[] {
  if (list.length > 0) return list;
  throw new DockerfileProblem(`${words.keyword} requires at least one argument`, words.line);
}

function exactlyOne(words: Words): string {
  if (words.rest !== "") return words.rest;
  throw new DockerfileProblem(`${words.keyword} requires exactly one argument`, words.line);
}

function variablesOf({ keyword, rest, escapeToken, line }: Words) {
  return splitVariables(keyword, rest, escapeToken, line);
}

function definitionsOf(words: Words): readonly ArgDefinition[] {
  return atLeastOne(words, splitWords(words.rest, words.escapeToken)).map((word) => {
    const equals = word.indexOf("=");
    if (equals === 0) throw new DockerfileProblem("ARG names can not be blank", words.line, { word });
    return equals < 0
      ? { name: word, value: undefined }
      : { name: word.slice(0, equals), value: word.slice(equals + 1) };
  });
}

function commandOf({ rest, line }: Words): CommandLine {
  const list = parseJsonList(rest, line);
  const words = list ?? (rest === "" ? [] : [rest]);
  return { words, isShell: list === undefined, heredocs: line.heredocs };
}

function shellOf(words: Words): readonly string[] {
  const list = parseJsonList(words.rest, words.line);
  if (list !== undefined) return atLeastOne(words, list);
  atLeastOne(words, blanksOf(words.rest));
  throw new DockerfileProblem("SHELL requires the arguments to be in JSON form", words.line, {
    word: words.rest,
    hint: `write SHELL ${JSON.stringify(blanksOf(words.rest))}`,
  });
}

function volumesOf(words: Words): readonly string[] {
  const list = parseJsonList(words.rest, words.line) ?? blanksOf(words.rest);
  const paths = atLeastOne(words, list).map((path) => path.trim());
  if (!paths.includes("")) return paths;
  throw new DockerfileProblem("VOLUME specified can not be an empty string", words.line);
}

const networks = ["default", "none", "host"] as const;
const securities = ["sandbox", "insecure"] as const;

function parseRun(words: Words): RunInstruction {
  const { line } = words;
  const flags = parseFlags(words.flags, { mount: "list", network: "string", security: "string" }, line);
  const network = networks.find((mode) => mode === (flags.network ?? "default"));
  if (network === undefined) {
    throw new DockerfileProblem(`invalid network mode ${JSON.stringify(flags.network)}`, line, {
      word: "--network",
      hint: `it is one of ${networks.join(", ")}`,
    });
  }
  const security = securities.find((mode) => mode === (flags.security ?? "sandbox"));
  if (security === undefined) {
    throw new DockerfileProblem(`security ${JSON.stringify(flags.security)} is not valid`, line, {
      word: "--security",
      hint: `it is one of ${securities.join(", ")}`,
    });
  }
  for (const mount of flags.mount) checkRunMount(mount, line);
  const command = commandOf(words);
  if (command.words.length === 0 && command.heredocs.length === 0) {
    throw new DockerfileProblem("RUN requires at least one argument", line);
  }
  return { ...sourceOf(words), kind: "run", command, mounts: flags.mount, network, security };
}

function parseOnbuild(words: Words): OnbuildInstruction {
  const { line, rest, escapeToken } = words;
  atLeastOne(words, blanksOf(rest));
  const trigger = takeApart({ ...line, text: rest }, escapeToken);
  if (trigger.keyword === "ONBUILD") {
    throw new DockerfileProblem("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed", line, { word: rest });
  }
  if (trigger.keyword === "FROM" || trigger.keyword === "MAINTAINER") {
    throw new DockerfileProblem(`${trigger.keyword} isn't allowed as an ONBUILD trigger`, line, {
      word: rest,
    });
  }
  parseInstruction({ ...line, text: rest }, escapeToken);
  const documents = line.heredocs.map(({ content, name }) => `\n${content}${name}`);
  return { ...plainly(words), kind: "onbuild", trigger: rest + documents.join("") };
}

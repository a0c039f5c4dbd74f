/**
 * What a Dockerfile says, as data: stages of instructions, before any variable is expanded.
 *
 * Words are as they were written but for the quotes of flags; expand-word.ts takes quotes away and puts values in.
 * https://docs.docker.com/reference/dockerfile/
 */
import type { ImageHealthcheck } from "../../image/image-config.ts";

/** Where an instruction stands; lines from 1. */
export interface Location {
  readonly line: number;
  /** Of its last line, those of its heredocs included. */
  readonly endLine: number;
}

/** A document that follows the line which names it: `<<EOF`. */
export interface Heredoc {
  readonly name: string;
  /** Of `3<<EOF`; 0 where none is given. */
  readonly descriptor: number;
  /** No part of its name was quoted: variables in a COPY's document are expanded. */
  readonly expand: boolean;
  /** `<<-`: tabs at the beginning of lines are to go. */
  readonly chomp: boolean;
  /** With the newline of its last line. */
  readonly content: string;
}

export interface Variable {
  readonly name: string;
  readonly value: string;
  /** `ENV name value` in place of `name=value`. */
  readonly isLegacy: boolean;
}

export interface ArgDefinition {
  readonly name: string;
  /** undefined: no default. */
  readonly value: string | undefined;
}

/** A command of RUN, CMD, ENTRYPOINT: a JSON list as it is, or one text for the shell. */
export interface CommandLine {
  readonly words: readonly string[];
  readonly isShell: boolean;
  readonly heredocs: readonly Heredoc[];
}

/** What COPY and ADD have in common. */
export interface CopyWords {
  readonly sources: readonly string[];
  /** Sources that are written in the Dockerfile itself. */
  readonly documents: readonly Heredoc[];
  readonly destination: string;
  readonly chown: string | undefined;
  readonly chmod: string | undefined;
  readonly link: boolean;
  readonly exclude: readonly string[];
}

interface Instruct extends Location {
  /** The logical line, continuation lines joined, without its heredocs. */
  readonly source: string;
}

export interface ArgInstruction extends Instruct {
  readonly kind: "arg";
  readonly definitions: readonly ArgDefinition[];
}
export interface EnvInstruction extends Instruct {
  readonly kind: "env";
  readonly variables: readonly Variable[];
}
export interface LabelInstruction extends Instruct {
  readonly kind: "label";
  readonly labels: readonly Variable[];
}
export interface CopyInstruction extends Instruct, CopyWords {
  readonly kind: "copy";
  /** A stage's name or number, a named context, or an image. */
  readonly from: string | undefined;
  readonly parents: boolean;
}
export interface AddInstruction extends Instruct, CopyWords {
  readonly kind: "add";
  readonly checksum: string | undefined;
  readonly keepGitDirectory: boolean | undefined;
  readonly unpack: boolean | undefined;
}
export interface RunInstruction extends Instruct {
  readonly kind: "run";
  readonly command: CommandLine;
  /** Values of `--mount`, for parseRunMount once variables are known. */
  readonly mounts: readonly string[];
  readonly network: "default" | "none" | "host";
  readonly security: "sandbox" | "insecure";
}
export interface CommandInstruction extends Instruct {
  readonly kind: "cmd" | "entrypoint";
  readonly command: CommandLine;
}
export interface HealthcheckInstruction extends Instruct {
  readonly kind: "healthcheck";
  readonly healthcheck: ImageHealthcheck;
}
export interface ListInstruction extends Instruct {
  readonly kind: "expose" | "volume" | "shell";
  readonly words: readonly string[];
}
export interface WordInstruction extends Instruct {
  readonly kind: "user" | "workdir" | "stopsignal" | "maintainer";
  readonly word: string;
}
export interface OnbuildInstruction extends Instruct {
  readonly kind: "onbuild";
  /** The trigger as a Dockerfile of its own, heredocs included. */
  readonly trigger: string;
}

export type Instruction =
  | ArgInstruction
  | EnvInstruction
  | LabelInstruction
  | CopyInstruction
  | AddInstruction
  | RunInstruction
  | CommandInstruction
  | HealthcheckInstruction
  | ListInstruction
  | WordInstruction
  | OnbuildInstruction;

export interface Stage extends Instruct {
  readonly index: number;
  /** In lower case; undefined: it has only its number. */
  readonly name: string | undefined;
  /** An image, `scratch`, or the name of a stage before. */
  readonly base: string;
  readonly platform: string | undefined;
  readonly instructions: readonly Instruction[];
}

/** Something that works and should be written in another way; the names are docker's build checks. */
export interface Warning extends Location {
  readonly rule: string;
  readonly message: string;
}

export type EscapeToken = "\\" | "`";

export interface Dockerfile {
  /** The file as it was read, for messages. */
  readonly text: string;
  readonly escapeToken: EscapeToken;
  /** Of `# syntax=`: read and not needed, since nothing is fetched to understand a Dockerfile. */
  readonly syntax: string | undefined;
  /** Of `# check=`. */
  readonly check: string | undefined;
  /** ARGs before the first FROM. */
  readonly globalArgs: readonly ArgInstruction[];
  readonly stages: readonly Stage[];
  readonly warnings: readonly Warning[];
}

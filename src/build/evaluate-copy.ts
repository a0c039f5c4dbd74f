/** COPY and ADD: their words with values in, and their history. What they copy is found elsewhere. Pure. */
import { absolutePath } from "../image/process-config-edit.ts";
import { DockerfileProblem } from "./dockerfile/dockerfile-error.ts";
import type { AddInstruction, CopyInstruction } from "./dockerfile/syntax.ts";
import type { Change, Evaluation } from "./evaluation.ts";
import type { CopyEffect } from "./stage-state.ts";

/** The effect of COPY or ADD. Throws DockerfileProblem in docker's phrases. */
export function evaluateCopy(
  instruction: CopyInstruction | AddInstruction,
  { state, expand, expandDocument }: Evaluation,
): Change {
  const destination = expand(instruction.destination);
  const effect: CopyEffect = {
    kind: "copy",
    location: instruction,
    from: instruction.kind === "copy" ? instruction.from : undefined,
    sources: instruction.sources.map(expand),
    documents: instruction.documents.map(({ name, content, expand: isExpanded }) => ({
      name,
      content: isExpanded ? expandDocument(content) : content,
    })),
    destination: destinationPath(destination, state.config.WorkingDir),
    chown: optional(instruction.chown, expand),
    chmod: optional(instruction.chmod, expand),
    link: instruction.link,
    parents: instruction.kind === "copy" && instruction.parents,
    exclude: instruction.exclude,
    add:
      instruction.kind === "copy"
        ? undefined
        : {
            checksum: optional(instruction.checksum, expand),
            keepGitDirectory: instruction.keepGitDirectory,
            unpack: instruction.unpack,
          },
  };
  checkWords(effect, instruction);
  return { effect, createdBy: `${historyOf(effect, destination)} # buildkit` };
}

function optional(word: string | undefined, expand: (word: string) => string): string | undefined {
  const value = word === undefined ? "" : expand(word);
  return value === "" ? undefined : value;
}

/** A slash at the end, and `.`, say that it is a directory. */
function destinationPath(destination: string, from: string | undefined): string {
  const path = absolutePath(destination, from);
  const isDirectory = destination === "" || /(?:^|\/)\.{0,2}$/.test(destination);
  return isDirectory && path !== "/" ? `${path}/` : path;
}

const remote = /^(?:https?:\/\/|git@|git:\/\/|ssh:\/\/)/;

function checkWords({ sources, chmod, add }: CopyEffect, location: CopyInstruction | AddInstruction): void {
  const numeric = /^\d/.test(chmod ?? "0");
  if (numeric && !/^0*[0-7]{1,4}$/.test(chmod ?? "0")) {
    throw new DockerfileProblem(
      `invalid chmod parameter: '${chmod}'. it should be octal string and between 0 and 07777`,
      location,
      { word: "--chmod" },
    );
  }
  const url = sources.find((source) => remote.test(source));
  if (add === undefined && url !== undefined) {
    throw new DockerfileProblem("source can't be a URL for COPY", location, {
      word: url,
      hint: "ADD fetches from URLs",
    });
  }
  if (add?.checksum === undefined) return;
  if (sources.length !== 1) {
    throw new DockerfileProblem("checksum can't be specified for multiple sources", location, {
      word: "--checksum",
    });
  }
  if (url === undefined) {
    throw new DockerfileProblem("checksum requires HTTP(S) or Git sources", location, { word: "--checksum" });
  }
}

function historyOf(effect: CopyEffect, destination: string): string {
  return [
    effect.add === undefined ? "COPY" : "ADD",
    ...(effect.parents ? ["--parents"] : []),
    ...(effect.chown === undefined ? [] : [`--chown=${effect.chown}`]),
    ...(effect.chmod === undefined ? [] : [`--chmod=${effect.chmod}`]),
    ...effect.sources,
    ...effect.documents.map(({ name }) => `<<${name}`),
    destination,
  ].join(" ");
}

/** COPY and ADD: flags, sources, documents, destination. Pure. */
import { DockerfileProblem } from "./dockerfile-error.ts";
import { contentOf, parseHeredoc } from "./heredoc.ts";
import { parseFlags } from "./instruction-flags.ts";
import { blanksOf, sourceOf, type Words } from "./instruction-words.ts";
import type { AddInstruction, CopyInstruction, Heredoc } from "./syntax.ts";
import { parseJsonList } from "./words.ts";

const commonFlags = { chown: "string", chmod: "string", link: "boolean", exclude: "list" } as const;

/** Throws DockerfileProblem in docker's phrases. */
export function parseCopy(words: Words): CopyInstruction {
  const places = placesOf(words);
  const flags = parseFlags(words.flags, { ...commonFlags, from: "string", parents: "boolean" }, words.line);
  return {
    ...sourceOf(words),
    ...places,
    ...commonOf(flags),
    kind: "copy",
    from: flags.from === "" ? undefined : flags.from,
    parents: flags.parents === true,
  };
}

/** Throws DockerfileProblem in docker's phrases. */
export function parseAdd(words: Words): AddInstruction {
  const places = placesOf(words);
  const flags = parseFlags(
    words.flags,
    { ...commonFlags, checksum: "string", "keep-git-dir": "boolean", unpack: "boolean" },
    words.line,
  );
  return {
    ...sourceOf(words),
    ...places,
    ...commonOf(flags),
    kind: "add",
    checksum: flags.checksum,
    keepGitDirectory: flags["keep-git-dir"],
    unpack: flags.unpack,
  };
}

interface CommonFlags {
  readonly chown: string | undefined;
  readonly chmod: string | undefined;
  readonly link: boolean | undefined;
  readonly exclude: readonly string[];
}

function commonOf({ chown, chmod, link, exclude }: CommonFlags) {
  return { chown, chmod, link: link === true, exclude };
}

interface Places {
  readonly sources: readonly string[];
  readonly documents: readonly Heredoc[];
  readonly destination: string;
}

function placesOf({ keyword, rest, line }: Words): Places {
  const list = parseJsonList(rest, line) ?? blanksOf(rest);
  const destination = list.at(-1);
  if (list.length < 2 || destination === undefined) {
    throw new DockerfileProblem(
      `${keyword} requires at least two arguments, but only one was provided. Destination could not be determined`,
      line,
      { hint: `write ${keyword} SOURCE DESTINATION` },
    );
  }
  if (parseHeredoc(destination) !== undefined) {
    throw new DockerfileProblem(`${keyword} cannot accept a heredoc as a destination`, line, {
      word: destination,
    });
  }
  const sources: string[] = [];
  const documents: Heredoc[] = [];
  for (const word of list.slice(0, -1)) {
    const announced = parseHeredoc(word);
    const heredoc = line.heredocs.find(({ name }) => name === announced?.name);
    if (heredoc === undefined) sources.push(word);
    else documents.push({ ...heredoc, content: contentOf(heredoc) });
  }
  return { sources, documents, destination };
}

/**
 * What the word for a build context means: a directory, standard input, a git repository, or a file that a server has. Pure.
 * https://docs.docker.com/build/concepts/context/
 */

export type ContextName =
  | { readonly kind: "directory"; readonly path: string }
  | { readonly kind: "stdin" }
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "git"; readonly remote: GitRemote };

/** A repository, what of it is wanted, and which folder of that. */
export interface GitRemote {
  /** As git takes it: no fragment, no query. */
  readonly url: string;
  /** Branch, tag, `refs/…` or commit; undefined: what the repository's HEAD is. */
  readonly ref: string | undefined;
  /** Relative, without `..`; undefined: its root. */
  readonly subdirectory: string | undefined;
  /** The commit that `ref` must be, or begin with. */
  readonly commit: string | undefined;
  /** `.git` stays in what is checked out; undefined: as the caller has it. */
  readonly keepGitDirectory: boolean | undefined;
  readonly submodules: boolean;
}

/** Throws Error(reason) for a git URL that makes no sense. */
export function parseContextName(word: string): ContextName {
  if (word === "-") return { kind: "stdin" };
  const remote = parseGitRemote(word);
  if (remote !== undefined) return { kind: "git", remote };
  return /^https?:\/\//i.test(word) ? { kind: "url", url: word } : { kind: "directory", path: word };
}

const scpForm = /^[\w.-]+@[\w.-]+:(?!\/\/)/;

/**
 * `https://host/x.git#ref:folder`, `git@host:x`, `git://…`, `ssh://…`, `github.com/x/y`; undefined: no git repository.
 * Throws Error(reason).
 */
export function parseGitRemote(word: string): GitRemote | undefined {
  const [whole = "", fragment = ""] = splitOnce(word, "#");
  const [address = "", query = ""] = splitOnce(whole, "?");
  const isWeb = /^https?:\/\/[^/]+\/.*\.git\/?$/i.test(address);
  const isGit = /^(?:git|ssh):\/\//i.test(address) || scpForm.test(address);
  const isGithub = /^github\.com\/[^/]+\/[^/]+/i.test(address);
  if (!isWeb && !isGit && !isGithub) return undefined;
  const url = isGithub ? `https://${address}` : address;
  return query === "" ? byFragment(url, fragment) : byQuery(url, query, fragment);
}

function byFragment(url: string, fragment: string): GitRemote {
  const [ref = "", folder = ""] = splitOnce(fragment, ":");
  return {
    url,
    ref: refOf(ref),
    subdirectory: folderOf(folder),
    commit: undefined,
    keepGitDirectory: undefined,
    submodules: true,
  };
}

const queryKeys = [
  "ref",
  "branch",
  "tag",
  "subdir",
  "checksum",
  "commit",
  "keep-git-dir",
  "submodules",
] as const;

function byQuery(url: string, query: string, fragment: string): GitRemote {
  if (fragment !== "") throw new Error("a git URL has either a fragment or a query");
  const values = new Map<string, string>();
  for (const [key, value] of new URLSearchParams(query)) {
    if (!queryKeys.some((known) => known === key)) throw new Error(`unexpected query ${JSON.stringify(key)}`);
    if (values.has(key)) throw new Error(`query ${JSON.stringify(key)} is given twice`);
    values.set(key, value);
  }
  const refs = [
    values.get("ref"),
    prefixed("refs/heads/", values.get("branch")),
    prefixed("refs/tags/", values.get("tag")),
  ].filter((ref) => ref !== undefined);
  if (refs.length > 1) throw new Error("ref, branch and tag exclude each other");
  return {
    url,
    ref: refOf(refs[0] ?? ""),
    subdirectory: folderOf(values.get("subdir") ?? ""),
    commit: values.get("checksum") ?? values.get("commit"),
    keepGitDirectory: booleanOf(values.get("keep-git-dir")),
    submodules: booleanOf(values.get("submodules")) ?? true,
  };
}

/** What git would take for an option, or for several words, is no name of anything. */
function refOf(text: string): string | undefined {
  if (text === "") return undefined;
  if (text.startsWith("-") || /[\s\p{Cc}~^:?*[\\]|\.\.|@\{/u.test(text)) {
    throw new Error(`invalid git reference ${JSON.stringify(text)}`);
  }
  return text;
}

function folderOf(text: string): string | undefined {
  const names = text.split("/").filter((name) => name !== "" && name !== ".");
  if (names.includes("..")) throw new Error(`the folder ${JSON.stringify(text)} leads out of the repository`);
  return names.length === 0 ? undefined : names.join("/");
}

function booleanOf(text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  if (/^(?:|1|t|true)$/i.test(text)) return true;
  if (/^(?:0|f|false)$/i.test(text)) return false;
  throw new Error(`invalid boolean ${JSON.stringify(text)}`);
}

function prefixed(prefix: string, name: string | undefined): string | undefined {
  return name === undefined ? undefined : prefix + name;
}

function splitOnce(text: string, mark: string): readonly string[] {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

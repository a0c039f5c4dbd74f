/**
 * A git repository's files, by the host's git: fetched no deeper than is needed, without hooks, prompts or what the
 * user's own configuration would add.
 */
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { BockerError } from "../../errors.ts";
import { type CommandResult, findTool, tryCommand } from "../../host/run-command.ts";
import type { GitRemote } from "./context-name.ts";

/** A clone may take as long as the network does. */
const fetchTimeoutMs = 30 * 60 * 1000;

export interface Checkout {
  /** Below the directory that was given: the repository, or the folder of it that was asked for. */
  readonly path: string;
  /** When the commit was made, seconds since the epoch. */
  readonly seconds: number;
  readonly commit: string;
}

/**
 * Checks `remote` out into `directory`, which is empty. `sshSocket` is where an agent listens. Throws kind `host` with
 * what git said, and a hint where there is no git.
 */
export function checkOutGit(
  remote: GitRemote,
  directory: string,
  options: { readonly keepGitDirectory: boolean; readonly sshSocket?: string },
): Checkout {
  if (findTool("git") === undefined) {
    throw new BockerError(`cannot fetch ${JSON.stringify(remote.url)}: git is not installed`, {
      kind: "host",
      hint: "install the package git, or build from a directory or an archive",
    });
  }
  const git = gitIn(directory, remote, options.sshSocket);
  git(["init", "--quiet", "--template="]);
  git(["remote", "add", "origin", "--", remote.url]);
  fetchRef(git, remote);
  const commit = git(["rev-parse", "HEAD"]).stdout.trim();
  checkCommit(remote, commit);
  if (remote.submodules) git(["submodule", "update", "--quiet", "--init", "--recursive", "--depth=1"]);
  const seconds = Number(git(["log", "-1", "--format=%ct"]).stdout.trim());
  const path = folderOf(remote, directory);
  if (!(remote.keepGitDirectory ?? options.keepGitDirectory))
    tryCommand(["rm", "-rf", join(directory, ".git")]);
  return { path, seconds, commit };
}

type Git = (words: readonly string[]) => CommandResult;

function gitIn(directory: string, remote: GitRemote, sshSocket: string | undefined): Git {
  const setting = [
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "protocol.ext.allow=never",
    "-c",
    "advice.detachedHead=false",
  ];
  mkdirSync(directory, { recursive: true });
  return (words) => {
    const result = tryCommand(["git", ...setting, ...words], {
      cwd: directory,
      timeoutMs: fetchTimeoutMs,
      env: {
        GIT_TERMINAL_PROMPT: "0",
        GIT_CONFIG_NOSYSTEM: "1",
        ...(sshSocket === undefined ? {} : { SSH_AUTH_SOCK: sshSocket }),
      },
    });
    if (result.exitCode === 0) return result;
    const said = result.stderr.trim().split("\n").slice(-3).join("; ");
    throw new BockerError(
      `failed to fetch remote ${remote.url}: ${said || `git exited with ${result.exitCode}`}`,
      {
        kind: "unreachable",
      },
    );
  };
}

/** Servers that give no single commit are asked for all of the branches and tags. */
function fetchRef(git: Git, { ref, commit }: GitRemote): void {
  const wanted = ref ?? commit ?? "HEAD";
  try {
    git(["fetch", "--quiet", "--depth=1", "--no-tags", "origin", "--", wanted]);
    git(["checkout", "--quiet", "--detach", "FETCH_HEAD"]);
  } catch (error) {
    if (!/^[0-9a-f]{7,64}$/.test(wanted)) throw error;
    git(["fetch", "--quiet", "--tags", "origin", "--", "+refs/heads/*:refs/remotes/origin/*"]);
    git(["checkout", "--quiet", "--detach", wanted]);
  }
}

function checkCommit(remote: GitRemote, commit: string): void {
  if (remote.commit === undefined || commit.startsWith(remote.commit)) return;
  throw new BockerError(`expected checksum to match ${remote.commit}, got ${commit}`, { kind: "corrupt" });
}

/** A link of the repository's is no way out: every name of the folder must be a directory itself. */
function folderOf({ subdirectory, url }: GitRemote, directory: string): string {
  let path = directory;
  for (const name of subdirectory?.split("/") ?? []) {
    const entry = readdirSync(path, { withFileTypes: true }).find((each) => each.name === name);
    if (entry?.isDirectory() !== true) {
      throw new BockerError(`no directory ${JSON.stringify(subdirectory)} in ${url}`, { kind: "not-found" });
    }
    path = join(path, name);
  }
  return path;
}

/**
 * A repository with one commit on `main`, served by git's own daemon on a free port.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";

export interface GitServer {
  /** `git://127.0.0.1:PORT/repo.git`. */
  readonly url: string;
  /** The work tree; commit more with `git`. */
  readonly directory: string;
  git(...words: readonly string[]): string;
  stop(): Promise<void>;
}

/** `files` by name. Resolves once the daemon listens. */
export async function startGitServer(
  base: string,
  files: Readonly<Record<string, string>>,
): Promise<GitServer> {
  const directory = join(base, "repo.git");
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  const git = (...words: readonly string[]) => {
    const identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
    const done = Bun.spawnSync(["git", ...identity, ...words], {
      cwd: directory,
      env: { ...process.env, GIT_COMMITTER_DATE: "1700000000 +0000", GIT_AUTHOR_DATE: "1700000000 +0000" },
    });
    if (done.exitCode !== 0) throw new Error(`git ${words.join(" ")}: ${done.stderr.toString()}`);
    return done.stdout.toString().trim();
  };
  git("init", "-q", "-b", "main");
  git("add", "-A");
  git("commit", "-q", "-m", "first");
  const port = await freePort();
  const program = join(git("--exec-path"), "git-daemon");
  const daemon = Bun.spawn(
    [
      program,
      "--export-all",
      `--base-path=${base}`,
      "--listen=127.0.0.1",
      `--port=${port}`,
      "--reuseaddr",
      "--verbose",
    ],
    { stdin: "ignore", stdout: "ignore", stderr: "pipe" },
  );
  await untilReady(daemon.stderr);
  return {
    url: `git://127.0.0.1:${port}/repo.git`,
    directory,
    git,
    stop: async () => {
      daemon.kill("SIGTERM");
      await daemon.exited;
    },
  };
}

/** It says so on stderr once it listens. */
async function untilReady(stderr: ReadableStream<Uint8Array>): Promise<void> {
  const reader = stderr.getReader();
  let said = "";
  while (!said.includes("Ready to rumble")) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`git-daemon ended: ${said}`);
    said += new TextDecoder().decode(value);
  }
  reader.releaseLock();
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

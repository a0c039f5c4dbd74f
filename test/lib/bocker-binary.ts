/**
 * The compiled executable under test, built first when it is missing or older than the sources.
 *
 * BOCKER_BINARY names another one, for trying a release.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "./source-tree.ts";

let checked: string | undefined;

/** The absolute path of an executable that is made from the sources as they are now. */
export function bockerBinary(): string {
  checked ??= process.env.BOCKER_BINARY ?? buildIfStale();
  return checked;
}

function buildIfStale(): string {
  const path = join(repositoryRoot, "dist/bocker");
  const build = Bun.spawnSync([process.execPath, ".ci/build.ts"], { cwd: repositoryRoot, stderr: "pipe" });
  if (build.exitCode !== 0 || !existsSync(path))
    throw new Error(`the build failed: ${build.stderr.toString()}`);
  return path;
}

/**
 * A workspace for builds: folders of files as contexts, and what tars hold.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openWorkspace, type Workspace } from "./workspace.ts";

export interface BuildBench extends AsyncDisposable {
  readonly workspace: Workspace;
  /** For files of the test; removed at the end. */
  readonly directory: string;
  /** A new folder with these files. */
  folder(files: Readonly<Record<string, string>>): string;
  /** What a container of the image prints, without a network. */
  runOf(image: string, ...words: readonly string[]): Promise<string>;
}

/** Disposing removes all of it. */
export function openBuildBench(): BuildBench {
  const workspace = openWorkspace();
  const { directory } = workspace;
  let made = 0;
  return {
    workspace,
    directory,
    folder(files) {
      made += 1;
      const path = join(directory, `context-${made}`);
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(join(path, name, ".."), { recursive: true });
        writeFileSync(join(path, name), text);
      }
      return path;
    },
    runOf: (image, ...words) => workspace.ok("run", "--rm", "--network", "none", image, ...words),
    [Symbol.asyncDispose]: () => workspace[Symbol.asyncDispose](),
  };
}

/** Members of a plain tar. */
export function namesIn(tar: Uint8Array): string[] {
  return Bun.spawnSync(["tar", "-t"], { stdin: tar }).stdout.toString().trim().split("\n");
}

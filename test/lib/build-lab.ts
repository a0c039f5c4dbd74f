/**
 * A private bocker for tests of builds, with contexts made on the spot and what there is to look at afterwards.
 */
import { expect } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Outcome, openWorkspace, type Workspace } from "./workspace.ts";

export class BuildLab implements AsyncDisposable {
  readonly bocker: Workspace = openWorkspace();

  /** A context of its own; `Dockerfile` is one of the files. */
  contextOf(dockerfile: string, files: Readonly<Record<string, string>> = {}): string {
    const directory = mkdtempSync(join(this.bocker.directory, "context-"));
    for (const [name, text] of Object.entries({ Dockerfile: dockerfile, ...files })) {
      mkdirSync(join(directory, name, ".."), { recursive: true });
      writeFileSync(join(directory, name), text);
    }
    return directory;
  }

  /** Builds with plain progress; standard error has all of it. */
  build(context: string, ...words: readonly string[]): Promise<Outcome> {
    return this.bocker.run("build", "--progress", "plain", ...words, context);
  }

  /** Builds what must succeed; gives the progress. */
  async built(context: string, ...words: readonly string[]): Promise<string> {
    const { exitCode, stderr } = await this.build(context, ...words);
    expect(stderr).not.toContain("ERROR");
    expect(exitCode).toBe(0);
    return stderr;
  }

  async idOf(image: string): Promise<string> {
    return (await this.bocker.inspect(image)).Id;
  }

  /** Names in the layers above the base, bottom first, a list a layer. */
  async layerNames(image: string): Promise<string[][]> {
    const { RootFS } = await this.bocker.inspect(image);
    return (RootFS.Layers as string[]).slice(1).map((diffID) => {
      const folder = join(this.bocker.root, "layer", diffID.slice("sha256:".length));
      return (readdirSync(folder, { recursive: true }) as string[]).sort();
    });
  }

  /** Nothing but finished steps: no folder of a build, no cgroup, no mount, no link. */
  async expectNothingLeft(): Promise<void> {
    expect(await this.bocker.ok("ps", "-aq")).toBe("");
    expect(readdirSync(join(this.bocker.root, "container"))).toEqual([]);
    expect(await this.bocker.leftovers()).toEqual([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bocker[Symbol.asyncDispose]();
  }
}

/** Titles of the steps that were taken from the cache. */
export function cachedSteps(progress: string): string[] {
  const titles = new Map(
    [...progress.matchAll(/^#(\d+) \[[^\]]*\] (.*)$/gm)].map(([, id, title]) => [id, title]),
  );
  const cached = [...progress.matchAll(/^#(\d+) CACHED$/gm)].map(([, id]) => titles.get(id) ?? "");
  return cached.filter((title) => !title.startsWith("FROM "));
}

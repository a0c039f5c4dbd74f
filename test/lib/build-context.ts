/**
 * The build context that the Dockerfiles of test/corpus are written for, and what reads them.
 */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const files: Readonly<Record<string, string>> = {
  "dir/one.txt": "one\n",
  "dir/x.md": "markdown\n",
  "dir/with space.txt": "space\n",
  "dir/sub/two.txt": "two\n",
  "secret.env": "PASSWORD=x\n",
  "notes/keep.log": "kept\n",
  "notes/drop.log": "dropped\n",
  ".dockerignore": "# what does not belong to it\nsecret.env\nnotes/*\n!notes/keep.log\n",
  "app/go.mod": "module example.com/app\n",
  "app/cmd/main.go": "package main\n\nfunc main() {}\n",
  "app/package.json": '{ "name": "app" }\n',
  "app/package-lock.json": '{ "name": "app", "lockfileVersion": 3 }\n',
  "app/index.html": "<!doctype html>\n",
  "app/server.js": "console.log(1);\n",
  "app/requirements.txt": "flask\nrequests\n",
};

const links: Readonly<Record<string, string>> = {
  "links/to-one": "../dir/one.txt",
  "links/dangling": "nowhere",
  "links/out": "../../../../../../../../etc/hostname",
};

/** Writes the context below `directory`, which is made. */
export function writeBuildContext(directory: string): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text, { mode: 0o644 });
  }
  mkdirSync(join(directory, "links"));
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(directory, name));
  mkdirSync(join(directory, "inside"));
  writeFileSync(join(directory, "inside/file"), "from an archive\n");
  for (const [flags, name] of [
    ["cf", "archive.tar"],
    ["czf", "archive.tar.gz"],
  ] as const) {
    const made = Bun.spawnSync(
      ["tar", `-${flags}`, name, "--owner=123", "--group=123", "--numeric-owner", "inside"],
      {
        cwd: directory,
      },
    );
    if (made.exitCode !== 0) throw new Error(made.stderr.toString());
  }
}

/** A Dockerfile of the corpus, and what its `#:` lines at the end say. */
export interface CorpusCase {
  readonly name: string;
  readonly text: string;
  readonly options: readonly string[];
  /** Of the image's config; null: not there, or empty. */
  readonly config: Readonly<Record<string, unknown>> | undefined;
  /** Names of files that the result has. */
  readonly tree: readonly string[];
  /** What the error says; undefined: it builds. */
  readonly fails: string | undefined;
  /** The name that the image gets. */
  readonly tag: string;
}

/** `places` are words of the file that are replaced: CONTEXT, SERVER … */
export function loadCorpusCase(path: string, places: Readonly<Record<string, string>>): CorpusCase {
  const raw = readFileSync(path, "utf8");
  const text = Object.entries(places).reduce((whole, [word, value]) => whole.replaceAll(word, value), raw);
  const notes = new Map(
    [...text.matchAll(/^#: (\w+) (.*?)\r?$/gm)].map(([, key = "", value = ""]) => [key, value] as const),
  );
  const name = path.slice(path.lastIndexOf("/") + 1).replace(/\.dockerfile$/, "");
  const config = notes.get("config");
  return {
    name,
    text,
    options: words(notes.get("build")),
    config: config === undefined ? undefined : JSON.parse(config),
    tree: words(notes.get("tree")),
    fails: notes.get("fails"),
    tag: notes.get("name") ?? `corpus/${name}`,
  };
}

function words(text: string | undefined): readonly string[] {
  return text === undefined ? [] : text.split(" ");
}

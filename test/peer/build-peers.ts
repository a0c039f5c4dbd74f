#!/usr/bin/env bun
/**
 * The Dockerfiles of test/corpus with bocker, podman and docker: the config and the files of what they build, compared.
 *
 *   bun test/peer/build-peers.ts                  everything that is installed
 *   bun test/peer/build-peers.ts --only copy      cases whose name contains "copy"
 *
 * A case that a peer cannot build says nothing of that peer: both are older than parts of the language. Ends with 1 where
 * a result differs and expectedDifferences does not say why. Not a part of the tests: it needs the other engines, and minutes.
 */
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { TarEntry } from "../../src/storage/tar-entry.ts";
import { TarReader } from "../../src/storage/tar-reader.ts";
import { makeRootfs } from "../bench/bundle.ts";
import { openDocker, openPodman } from "../bench/peer.ts";
import {
  discardDirectory,
  isInPrivateNamespaces,
  runInPrivateNamespaces,
} from "../bench/private-namespaces.ts";
import { bockerBinary } from "../lib/bocker-binary.ts";
import { type CorpusCase, loadCorpusCase, writeBuildContext } from "../lib/build-context.ts";
import { openWorkspace } from "../lib/workspace.ts";

interface Builder {
  readonly name: string;
  readonly argv: readonly string[];
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Why a peer's result is another one: part of the case's name, of the line that differs, and the reason. */
const expectedDifferences: readonly (readonly [peer: string, what: RegExp, why: string])[] = [
  [
    "podman",
    /^file .*: bocker directory .*, here –$/,
    "buildah makes no directory for WORKDIR before something needs it",
  ],
  [
    "docker",
    /^file one.* here directory 755 0:0/,
    "the classic builder gives directories of WORKDIR to root",
  ],
  ["docker", /^file all\/\.dockerignore: /, "its client adds a line of its own"],
  ["docker", /^file etc: bocker –/, "its containers have an /etc, whatever the image has"],
  ["podman", /^config Healthcheck: /, "its inspect shows health checks elsewhere"],
  ["podman", /^config (?:Shell|Cmd): .*"-xc"/, "buildah puts the shell of SHELL into RUN alone"],
  ["podman", /"io\.buildah\.version"/, "buildah writes its version into the labels"],
];

const corpus = join(import.meta.dir, "../corpus");

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { only: { type: "string" } } });
  const directory = mkdtempSync("/tmp/bocker-build-peers-");
  await using last = new AsyncDisposableStack();
  last.defer(() => discardDirectory(directory));
  await using bocker = openWorkspace();
  const rootfs = join(directory, "rootfs");
  mkdirSync(rootfs);
  makeRootfs(rootfs);
  await using podman = await openPodman(directory, rootfs);
  await using docker = await openDocker(directory, rootfs);
  const own: Builder = { name: "bocker", argv: [bockerBinary()], flags: [], env: bocker.env };
  const peers: readonly Builder[] = [
    { name: "podman", argv: podman.argv, flags: ["--format=docker", ...podman.runFlags], env: process.env },
    { name: "docker", argv: docker.argv, flags: [], env: { ...process.env, DOCKER_BUILDKIT: "0" } },
  ];
  shareBase(own, peers, directory);
  const context = join(directory, "context");
  mkdirSync(context);
  writeBuildContext(context);
  const cases = readdirSync(corpus)
    .filter((name) => name.endsWith(".dockerfile") && name.includes(values.only ?? ""))
    .map((name) => loadCorpusCase(join(corpus, name), { CONTEXT: context }))
    .filter(({ fails, text }) => fails === undefined && !/SERVER|GIT|local\/|corpus-onbuild/.test(text));
  let differing = 0;
  for (const one of cases) differing += await compareCase(one, own, peers, context);
  console.log(`${cases.length} cases, ${differing} differ`);
  return differing === 0 ? 0 : 1;
}

/** The same busybox for all: files without a history, since an old docker reads no zstd. */
function shareBase(own: Builder, peers: readonly Builder[], directory: string): void {
  const file = join(directory, "busybox.tar");
  must(own, ["create", "--name", "base", "busybox"]);
  must(own, ["export", "-o", file, "base"]);
  must(own, ["rm", "base"]);
  const config = ["CMD sh", "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"];
  const changes = config.flatMap((change) => ["-c", change]);
  for (const engine of [own, ...peers]) {
    must(engine, ["import", ...changes, file, "docker.io/library/busybox:latest"]);
  }
}

async function compareCase(
  one: CorpusCase,
  own: Builder,
  peers: readonly Builder[],
  context: string,
): Promise<number> {
  const file = join(context, "..", `${one.name}.dockerfile`);
  writeFileSync(file, one.text);
  const mine = await resultOf(own, one, file, context);
  if (mine === undefined) {
    console.log(`${one.name}: bocker cannot build it`);
    return 1;
  }
  let differing = 0;
  for (const peer of peers) {
    const theirs = await resultOf(peer, one, file, context);
    if (theirs === undefined) console.log(`${one.name}: ${peer.name} cannot build it`);
    else {
      const lines = differences(mine, theirs).filter(
        (line) => !expectedDifferences.some(([name, what]) => name === peer.name && what.test(line)),
      );
      if (lines.length > 0) differing = 1;
      console.log(
        `${one.name}: ${peer.name} ${lines.length === 0 ? "alike" : `differs\n  ${lines.join("\n  ")}`}`,
      );
    }
  }
  return differing;
}

/** Lines by what they are about. */
type Result = ReadonlyMap<string, string>;

const configKeys = [
  "Cmd",
  "Entrypoint",
  "Env",
  "ExposedPorts",
  "Healthcheck",
  "Labels",
  "OnBuild",
  "Shell",
  "StopSignal",
  "User",
  "Volumes",
  "WorkingDir",
];

async function resultOf(
  builder: Builder,
  one: CorpusCase,
  file: string,
  context: string,
): Promise<Result | undefined> {
  const tag = `peer-${one.name}`;
  const { argv, flags } = builder;
  const options = one.options.flatMap((word) => (word === "" ? [] : [word]));
  const built = call(builder, [...argv, "build", ...flags, ...options, "-t", tag, "-f", file, context]);
  if (built.exitCode !== 0) {
    if (process.env.BUILD_PEERS_DEBUG) console.error(built.stderr.toString());
    return undefined;
  }
  const [image] = JSON.parse(must(builder, ["image", "inspect", tag]).toString());
  const result = new Map<string, string>();
  for (const key of configKeys) result.set(`config ${key}`, JSON.stringify(simplified(image.Config[key])));
  const name = `peer-${process.pid}-${one.name}`;
  must(builder, ["create", "--name", name, tag, "/none"]);
  try {
    const tar = `${file}.tar`;
    must(builder, ["export", "-o", tar, name]);
    for (const [path, facts] of filesOf(readFileSync(tar))) result.set(`file ${path}`, facts);
  } finally {
    must(builder, ["rm", "-f", name]);
  }
  return result;
}

/** Sorted, and nothing for what is empty. */
function simplified(value: unknown): unknown {
  if (value === undefined || value === "" || value === null) return null;
  if (Array.isArray(value)) return value.length === 0 ? null : value;
  if (typeof value !== "object") return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? null : Object.fromEntries(entries);
}

/** What engines put into containers themselves. */
const engineFiles =
  /^(?:dev|proc|sys|run)(?:\/|$)|^etc\/(?:hosts|hostname|resolv\.conf|mtab)$|^\.dockerenv$|^$/;

function filesOf(tar: Uint8Array): Result {
  const files = new Map<string, string>();
  let entry: TarEntry | undefined;
  let hash = createHash("sha256");
  const reader = new TarReader({
    entry: (next) => {
      entry = next;
      hash = createHash("sha256");
    },
    data: (chunk) => hash.update(chunk),
    endEntry: () => {
      if (entry === undefined) return;
      const path = entry.name.replace(/^\.?\//, "").replace(/\/$/, "");
      const { kind, mode, uid, gid, linkName } = entry;
      const content = hash.digest("hex").slice(0, 12);
      if (!engineFiles.test(path))
        files.set(path, `${kind} ${mode.toString(8)} ${uid}:${gid} ${linkName} ${content}`);
    },
  });
  reader.write(Buffer.from(tar));
  reader.end();
  return files;
}

function differences(mine: Result, theirs: Result): readonly string[] {
  const keys = [...new Set([...mine.keys(), ...theirs.keys()])].sort();
  return keys.flatMap((key) => {
    const [a = "–", b = "–"] = [mine.get(key), theirs.get(key)];
    return a === b ? [] : [`${key}: bocker ${a}, here ${b}`];
  });
}

function call({ env }: Builder, argv: readonly string[]) {
  return Bun.spawnSync([...argv], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, ...env, CORPUS_SECRET: "s3cret" },
    timeout: 120_000,
  });
}

function must(builder: Builder, words: readonly string[]): Buffer {
  const { exitCode, stdout, stderr } = call(builder, [...builder.argv, ...words]);
  if (exitCode === 0) return stdout;
  throw new Error(`${builder.name} ${words.join(" ")}: ${stderr.toString()}`);
}

process.exitCode = isInPrivateNamespaces() ? await main() : runInPrivateNamespaces();

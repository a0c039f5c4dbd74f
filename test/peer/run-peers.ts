#!/usr/bin/env bun
/**
 * The same small scripts with bocker, docker and podman: standard output, messages and exit codes side by side.
 *
 *   npm run peers                   everything that is installed
 *   npm run peers -- --only exec    the cases whose name contains "exec"
 *   npm run peers -- --verbose      also what every engine said
 *
 * docker's answer is the right one; podman's is compared where the case does not say that it goes its own way. Ends with
 * 1 when bocker differs. Not a part of the tests: it needs the other engines, and a minute.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeRootfs } from "../bench/bundle.ts";
import { openDocker, openPodman, type Peer } from "../bench/peer.ts";
import { isInPrivateNamespaces, runInPrivateNamespaces } from "../bench/private-namespaces.ts";
import { bockerBinary } from "../lib/bocker-binary.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";
import { lifeCases } from "./life-case.ts";
import { objectCases } from "./object-case.ts";
import type { PeerCase } from "./peer-case.ts";
import { resourceCases } from "./resource-case.ts";
import { runCases } from "./run-case.ts";

const cases: readonly PeerCase[] = [...runCases, ...lifeCases, ...objectCases, ...resourceCases];

interface Engine {
  readonly name: string;
  readonly argv: readonly string[];
  /** `run`, `create` need these here. */
  readonly runFlags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** What one script printed, with ids and the engines' names made alike. */
async function answerOf(engine: Engine, { script }: PeerCase, directory: string): Promise<string> {
  const folder = mkdtempSync(join(directory, "case-"));
  const child = Bun.spawn(["sh", "-c", `${prelude(engine)}\n${script}`], {
    cwd: folder,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
    env: { ...process.env, ...engine.env },
    timeout: 60_000,
    killSignal: "SIGKILL",
  });
  const text = await child.stdout.text();
  await child.exited;
  await clear(engine);
  rmSync(folder, { recursive: true, force: true });
  return alike(child.signalCode === null ? text : `${text}(hangs)\n`);
}

/** `e` is the engine, `run` and `create` with the flags it needs here; `I` the image. */
function prelude({ argv, runFlags }: Engine): string {
  const engine = argv.map(quoted).join(" ");
  const flags = runFlags.map(quoted).join(" ");
  return [
    "I=bocker-bench:latest",
    `e() { ${engine} "$@"; }`,
    `run() { e run ${flags} "$@"; }`,
    `create() { e create ${flags} "$@"; }`,
  ].join("\n");
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** Ids are random, and each engine introduces its errors in its own way. */
function alike(text: string): string {
  return text
    .replace(/\b[0-9a-f]{64}\b/g, "<ID>")
    .replace(/\b[0-9a-f]{12}\b/g, "<id>")
    .replace(/^(?:(?:docker|bocker|podman|Error|Error response from daemon): )+/gm, "error: ")
    .replace(/^error: (?:[a-z ]+ )?(?:daemon: )?/gm, "error: ")
    .replace(/\b(?:docker|bocker|podman)\b/g, "ENGINE");
}

async function clear({ argv, env }: Engine): Promise<void> {
  const engine = argv.map(quoted).join(" ");
  const script = [
    `${engine} unpause $(${engine} ps -q --filter status=paused)`,
    `${engine} kill $(${engine} ps -q)`,
    `${engine} rm -f -v $(${engine} ps -aq)`,
    `${engine} volume rm $(${engine} volume ls -q)`,
    `${engine} rmi -f peer-made:1 peer-made:2`,
  ].join("; ");
  const options = { stdin: "ignore", stdout: "ignore", stderr: "ignore" } as const;
  await Bun.spawn(["sh", "-c", script], { ...options, env: { ...process.env, ...env } }).exited;
}

async function openPeers(directory: string, rootfs: string): Promise<readonly Peer[]> {
  const opened: Peer[] = [];
  for (const [program, open] of [
    ["dockerd", openDocker],
    ["podman", openPodman],
  ] as const) {
    if (Bun.which(program) === null) console.error(`${program} is not installed: left out`);
    else opened.push(await open(directory, rootfs));
  }
  return opened;
}

async function importImage(bocker: Workspace, rootfs: string): Promise<void> {
  const archive = join(bocker.directory, "rootfs.tar");
  Bun.spawnSync(["tar", "-C", rootfs, "-cf", archive, "."]);
  await bocker.ok("import", archive, "bocker-bench:latest");
}

function makePeerRootfs(rootfs: string): void {
  mkdirSync(rootfs);
  makeRootfs(rootfs);
  const applets = Bun.spawnSync(["/bin/busybox", "--list"]).stdout.toString().trim().split("\n");
  for (const applet of applets) {
    if (!["busybox", "sh", "true", "sleep", "cat", "ls"].includes(applet))
      symlinkSync("busybox", join(rootfs, "bin", applet));
  }
  mkdirSync(join(rootfs, "var/data"), { recursive: true });
  writeFileSync(join(rootfs, "var/data/seed"), "from the image\n");
}

/** Prints a case that differs; true when bocker answers as docker does, or as podman where docker does not count. */
function judge(peerCase: PeerCase, answers: ReadonlyMap<string, string>, verbose: boolean): boolean {
  const own = answers.get("bocker");
  const counts = {
    docker: peerCase.docker === undefined,
    podman: peerCase.podman !== "differs" && (peerCase.docker !== undefined || !answers.has("docker")),
  };
  const differs = (engine: "docker" | "podman") => answers.has(engine) && answers.get(engine) !== own;
  const isRight = !(counts.docker && differs("docker")) && !(counts.podman && differs("podman"));
  const remark =
    peerCase.docker !== undefined && differs("docker") ? ` (not docker: ${peerCase.docker})` : "";
  console.log(`${isRight ? "same   " : "DIFFERS"} ${peerCase.name}${remark}`);
  if (verbose || !isRight)
    for (const [engine, answer] of answers) console.log(indented(`${engine}:\n${answer}`));
  return isRight;
}

/** What a peer has left mounted, in this mount namespace. */
function unmountBelow(directory: string): void {
  const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n");
  const paths = mounts
    .map((line) => line.split(" ")[1] ?? "")
    .filter((path) => path.startsWith(`${directory}/`));
  for (const path of paths.toReversed()) Bun.spawnSync(["umount", "-l", path], { stderr: "ignore" });
}

function indented(text: string): string {
  return text.trimEnd().replace(/^/gm, "    ");
}

function option(name: string): string | undefined {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
}

async function main(): Promise<void> {
  const only = option("--only") ?? "";
  const chosen = cases.filter(({ name }) => name.includes(only));
  await using bocker = openWorkspace({ configured: false });
  const directory = mkdtempSync("/tmp/bocker-peers-");
  const rootfs = join(directory, "rootfs");
  makePeerRootfs(rootfs);
  const peers = await openPeers(directory, rootfs);
  try {
    await importImage(bocker, rootfs);
    const own: Engine = {
      name: "bocker",
      argv: [bockerBinary()],
      runFlags: [],
      env: { ...bocker.env, HOME: "/root" },
    };
    const engines = [own, ...peers.map((peer): Engine => ({ ...peer, env: {} }))];
    let wrong = 0;
    for (const peerCase of chosen) {
      const answers = new Map<string, string>();
      for (const engine of engines) answers.set(engine.name, await answerOf(engine, peerCase, directory));
      if (!judge(peerCase, answers, process.argv.includes("--verbose"))) wrong++;
    }
    console.log(
      `${chosen.length} cases, ${engines.map(({ name }) => name).join(", ")}; bocker differs in ${wrong}`,
    );
    process.exitCode = wrong > 0 ? 1 : 0;
  } finally {
    for (const peer of peers) await peer[Symbol.asyncDispose]();
    unmountBelow(directory);
    rmSync(directory, { recursive: true, force: true });
  }
}

if (isInPrivateNamespaces()) await main();
else process.exitCode = runInPrivateNamespaces();

#!/usr/bin/env bun
/**
 * bocker beside crun, runc, podman and docker: whole commands, in turn, as ratios.
 *
 *   bun run bench                  everything that is installed
 *   bun run bench --rounds 40      more rounds (15)
 *   bun run bench --only exec      one of: version, none, bridge, exec, images, ps, burst, crowd, pull, logs, memory, net, names, oci, build, walls
 *   bun run bench --record         also replaces the results in README.md beside this file
 *
 * Prints Markdown. Take ratios from it, and those only from a quiet machine.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { pathsUnder } from "../../src/host/paths.ts";
import { listImages, setTag } from "../../src/state/image.ts";
import { openState } from "../../src/state/state.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";
import { benchBuild } from "./build.ts";
import { makeBundle, makeRootfs } from "./bundle.ts";
import { benchLogs } from "./logs.ts";
import { type Contestant, measure, renderTimings } from "./measure.ts";
import { type MemoryUse, measureIdleMemory, renderMemory } from "./memory.ts";
import { benchNames } from "./names.ts";
import { benchNetwork } from "./network.ts";
import { benchOci } from "./oci.ts";
import { openDocker, openPodman, type Peer } from "./peer.ts";
import { isInPrivateNamespaces, runInPrivateNamespaces } from "./private-namespaces.ts";
import { benchPull } from "./pull.ts";
import { benchBurst, benchCrowd, benchPs } from "./scale.ts";
import { benchWalls } from "./walls.ts";

interface Bench {
  readonly directory: string;
  readonly bocker: Workspace;
  readonly binary: string;
  readonly peers: readonly Peer[];
  readonly rounds: number;
}

const cases: Readonly<Record<string, (bench: Bench) => Promise<string>>> = {
  version: benchVersion,
  none: benchNoNetwork,
  bridge: benchBridge,
  exec: benchExec,
  images: benchImages,
  ps: benchPs,
  burst: benchBurst,
  crowd: benchCrowd,
  pull: ({ directory, binary, bocker, peers }) => benchPull({ directory, binary, env: bocker.env, peers }),
  logs: benchLogs,
  net: ({ binary, bocker, peers, rounds }) => benchNetwork({ binary, env: bocker.env, peers, rounds }),
  memory: benchMemory,
  names: benchNames,
  oci: benchOci,
  build: benchBuild,
  walls: benchWalls,
};

/** `--version` beside an executable that does nothing. */
async function benchVersion({ directory, binary, rounds }: Bench): Promise<string> {
  const empty = join(directory, "empty");
  await Bun.write(`${empty}.ts`, "export {};\n");
  const compile = { outfile: empty };
  const built = await Bun.build({
    entrypoints: [`${empty}.ts`],
    compile,
    minify: true,
    bytecode: true,
    throw: false,
  });
  if (!built.success) throw new Error(built.logs.map(String).join("\n"));
  const contestants = [
    { name: "bocker --version", argv: [binary, "--version"] },
    { name: "an empty compiled program", argv: [empty] },
  ];
  return renderTimings("bocker --version", measure(contestants, rounds * 2));
}

/** A thousand names: what a store of one's own builds comes to. Read and printed, nothing else. */
async function benchImages({ bocker, binary, rounds }: Bench): Promise<string> {
  await bocker.ok("run", "--rm", "--network", "none", "busybox", "true");
  {
    using state = openState(pathsUnder(bocker.root, bocker.runRoot));
    const [image] = listImages(state);
    state.transaction(() => {
      for (let index = 0; index < 1000; index++)
        setTag(state, { reference: `docker.io/library/app${index}:v${index}`, imageId: image?.id ?? "" });
    });
  }
  const contestants = [
    { name: "bocker images, 1,000 tags", argv: [binary, "images"], env: bocker.env },
    { name: "bocker --version", argv: [binary, "--version"] },
  ];
  return renderTimings("images with 1,000 tags", measure(contestants, rounds * 2));
}

/** A container without a network, beside the runtimes that only run a bundle. */
async function benchNoNetwork({ directory, bocker, binary, peers, rounds }: Bench): Promise<string> {
  makeBundle(directory, ["/bin/true"]);
  const runtimes = ["crun", "runc"].filter((name) => Bun.which(name) !== null);
  const contestants: Contestant[] = [
    {
      name: "bocker run --rm --network none",
      argv: [binary, "run", "--rm", "--network", "none", "busybox", "true"],
      env: bocker.env,
    },
    ...runtimes.map((name) => ({
      name: `${name} run (a bare bundle)`,
      argv: [name, `--root=${join(directory, name)}`, "run", "bocker-bench"],
      cwd: directory,
    })),
    ...peers.map(({ name, argv, runFlags, image }) => ({
      name: `${name} run --rm --network none`,
      argv: [...argv, "run", "--rm", "--network=none", ...runFlags, image, "/bin/true"],
    })),
  ];
  return renderTimings("run --rm --network none IMAGE true", measure(contestants, rounds));
}

/** A container on the default bridge. */
async function benchBridge({ bocker, binary, peers, rounds }: Bench): Promise<string> {
  const contestants: Contestant[] = [
    { name: "bocker run --rm", argv: [binary, "run", "--rm", "busybox", "true"], env: bocker.env },
    ...peers.map(({ name, argv, runFlags, image }) => ({
      name: `${name} run --rm`,
      argv: [...argv, "run", "--rm", ...runFlags, image, "/bin/true"],
    })),
  ];
  return renderTimings("run --rm IMAGE true, on the bridge", measure(contestants, rounds));
}

/** A command in a container that runs. */
async function benchExec({ bocker, binary, peers, rounds }: Bench): Promise<string> {
  await bocker.ok("run", "-d", "--name", "bench", "busybox", "sleep", "600");
  for (const { argv, runFlags, image } of peers) {
    await start([...argv, "run", "-d", "--name=bench", ...runFlags, image, "/bin/sleep", "600"]);
  }
  const contestants: Contestant[] = [
    { name: "bocker exec", argv: [binary, "exec", "bench", "true"], env: bocker.env },
    ...peers.map(({ name, argv }) => ({
      name: `${name} exec`,
      argv: [...argv, "exec", "bench", "/bin/true"],
    })),
  ];
  const table = renderTimings("exec C true", measure(contestants, rounds));
  await bocker.ok("rm", "-f", "bench");
  for (const { argv } of peers) await start([...argv, "rm", "-f", "bench"]);
  return table;
}

/** Private memory that one more idle container costs outside itself. */
async function benchMemory({ bocker, binary, peers }: Bench): Promise<string> {
  const uses: MemoryUse[] = [];
  const own = [binary, "run", "-d", "--network", "none"];
  uses.push(await measureIdleMemory("bocker", [...own, "busybox", "sleep", "600"], bocker.env));
  for (const { name, argv, runFlags, image } of peers) {
    const run = [...argv, "run", "-d", "--network=none", ...runFlags, image, "/bin/sleep", "600"];
    uses.push(await measureIdleMemory(name, run));
  }
  return renderMemory(uses);
}

async function start(argv: readonly string[]): Promise<void> {
  const { exitCode, stderr } = Bun.spawnSync([...argv], { stdout: "ignore", stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`${argv.join(" ")}: ${stderr.toString().trim()}`);
}

/** The peers that are installed and work on this machine; a line on stderr for each that does not. */
async function openPeers(directory: string, rootfs: string): Promise<Peer[]> {
  const peers: Peer[] = [];
  const openers = { podman: openPodman, dockerd: openDocker };
  for (const [program, open] of Object.entries(openers)) {
    if (Bun.which(program) === null) {
      console.error(`${program} is not installed: left out`);
      continue;
    }
    try {
      peers.push(await open(directory, rootfs));
    } catch (error) {
      console.error(`${program} left out: ${error instanceof Error ? error.message : error}`);
    }
  }
  return peers;
}

function describeMachine(): string {
  const kernel = readFileSync("/proc/sys/kernel/osrelease", "utf8").trim();
  const load = readFileSync("/proc/loadavg", "utf8").split(" ")[0];
  return `${cpus().length} × ${cpus()[0]?.model.trim()}, kernel ${kernel}, load ${load} at the start, Bun ${Bun.version}`;
}

/** Replaces what README.md has between its two marks. */
async function record(report: string): Promise<void> {
  const page = Bun.file(join(import.meta.dir, "README.md"));
  const [begin, end] = ["<!-- results -->", "<!-- end of results -->"];
  const text = await page.text();
  const before = text.slice(0, text.indexOf(begin) + begin.length);
  await page.write(`${before}\n\n${report.trim()}\n\n${text.slice(text.indexOf(end))}`);
}

function option(name: string): string | undefined {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
}

async function main(): Promise<void> {
  const only = option("--only");
  const chosen = Object.entries(cases).filter(([name]) => only === undefined || only === name);
  if (chosen.length === 0) throw new Error(`no case "${only}" (${Object.keys(cases).join(", ")})`);
  // The private namespaces stand in for a private configuration: reading one would be timed.
  await using bocker = openWorkspace({ configured: false });
  const directory = mkdtempSync("/tmp/bocker-bench-");
  const rootfs = join(directory, "rootfs");
  mkdirSync(rootfs);
  makeRootfs(rootfs);
  const peers = ["version", "crowd", "oci", "walls"].includes(only ?? "")
    ? []
    : await openPeers(directory, rootfs);
  try {
    const report = [`${describeMachine()}\n`];
    console.log(report[0]);
    const { bockerBinary } = await import("../lib/bocker-binary.ts");
    const bench = {
      directory,
      bocker,
      binary: bockerBinary(),
      peers,
      rounds: Number(option("--rounds") ?? 15),
    };
    for (const [, run] of chosen) {
      const table = await run(bench);
      console.log(table);
      report.push(table);
    }
    if (process.argv.includes("--record")) await record(report.join("\n"));
  } finally {
    for (const peer of peers) await peer[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  }
}

if (!isInPrivateNamespaces()) process.exitCode = runInPrivateNamespaces();
else await main();

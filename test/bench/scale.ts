/**
 * Many containers: listing hundreds and thousands, starting thirty in a row and at once, and five hundred that run.
 *
 * Rows of stopped containers are written through the product's own functions; everything that runs was started by the
 * executable.
 */
import { readdirSync, readFileSync } from "node:fs";
import { pathsUnder } from "../../src/host/paths.ts";
import { randomId } from "../../src/host/random-id.ts";
import { insertContainer, listContainers } from "../../src/state/container.ts";
import { openState } from "../../src/state/state.ts";
import type { Workspace } from "../lib/workspace.ts";
import { type Contestant, measure, median, renderTimings } from "./measure.ts";
import { privateBytes } from "./memory.ts";
import type { Peer } from "./peer.ts";

export interface ScaleBench {
  readonly bocker: Workspace;
  readonly binary: string;
  readonly peers: readonly Peer[];
  readonly rounds: number;
}

const fewRows = 200;
const manyRows = 5000;
const burst = 30;
const crowd = 500;

/** `ps -a` with 200 containers, beside the peers, and with 5,000. */
export async function benchPs({ bocker, binary, peers, rounds }: ScaleBench): Promise<string> {
  await bocker.ok("create", "--name", "model", "busybox", "sleep", "600");
  addRows(bocker, fewRows - 1);
  for (const { argv, runFlags, image } of peers) {
    const create = words(...argv, "create", ...runFlags, image, "/bin/true");
    runAll(`for i in $(seq ${fewRows}); do ${create} >/dev/null || exit 1; done`);
  }
  const own = { name: "bocker ps -a", argv: [binary, "ps", "-a"], env: bocker.env };
  const others = peers.map(({ name, argv }) => ({ name: `${name} ps -a`, argv: [...argv, "ps", "-a"] }));
  const few = renderTimings(`ps -a with ${fewRows} containers`, measure([own, ...others], rounds));
  addRows(bocker, manyRows - fewRows);
  const many = renderTimings(`ps -a with ${manyRows} containers`, measure([own], rounds));
  await removeAll(bocker);
  for (const { argv } of peers) runAll(`${words(...argv)} rm -f $(${words(...argv)} ps -aq) >/dev/null`);
  return `${few}\n${many}`;
}

/** Copies of the newest container under other names; a copy that only `rm` looks at needs no folder. */
function addRows(bocker: Workspace, count: number): void {
  using state = openState(pathsUnder(bocker.root, bocker.runRoot));
  const [model] = listContainers(state);
  if (model === undefined) throw new Error("there is no container to copy");
  state.transaction(() => {
    for (let index = 0; index < count; index++) {
      const id = randomId();
      insertContainer(state, { ...model, id, name: `row-${id.slice(0, 16)}` });
    }
  });
}

/** Thirty times `run -d`, in a row and all at once. */
export async function benchBurst({ bocker, binary, peers }: ScaleBench): Promise<string> {
  const engines = [
    { name: "bocker", argv: [binary], runFlags: [], image: "busybox", env: bocker.env },
    ...peers.map((peer) => ({ ...peer, env: {} })),
  ];
  const contestants = (loop: (run: string) => string): readonly Contestant[] =>
    engines.map(({ name, argv, runFlags, image, env }) => {
      const run = words(...argv, "run", "-d", ...runFlags, image, "/bin/sleep", "600");
      const own = words(...argv);
      return {
        name,
        argv: ["sh", "-c", loop(run)],
        env,
        // podman's rm -f gives a process that ignores SIGTERM ten seconds.
        after: [
          "sh",
          "-c",
          `${own} kill $(${own} ps -q) >/dev/null; ${own} rm -f $(${own} ps -aq) >/dev/null`,
        ],
      };
    });
  const inRow = contestants((run) => `for i in $(seq ${burst}); do ${run} >/dev/null || exit 1; done`);
  const atOnce = contestants((run) => `for i in $(seq ${burst}); do ${run} >/dev/null & done; wait`);
  return [
    renderTimings(`${burst} × run -d on the bridge, one after another`, measure(inRow, 3)),
    renderTimings(`${burst} × run -d on the bridge, all at once`, measure(atOnce, 3)),
  ].join("\n");
}

/** Five hundred that run at the same time; then one command that removes them, after which nothing is left. */
export async function benchCrowd({ bocker, binary }: ScaleBench): Promise<string> {
  const times: number[] = [];
  for (let index = 0; index < crowd; index++) {
    const started = performance.now();
    await bocker.ok("run", "-d", "--network", "none", "busybox", "sleep", "6000");
    times.push(performance.now() - started);
  }
  await Bun.sleep(3000);
  const memory = monitorMemory(bocker.root);
  if (memory.length !== crowd) throw new Error(`${memory.length} monitors for ${crowd} containers`);
  const listed =
    measure([{ name: "ps", argv: [binary, "ps"], env: bocker.env }], 5)[0]?.medianMs ?? Number.NaN;
  const removing = performance.now();
  await removeAll(bocker);
  const removalMs = performance.now() - removing;
  const left = await bocker.leftovers();
  if (left.length > 0) throw new Error(`left on the host: ${left.join("; ")}`);
  const first = median(times.slice(0, 50));
  const last = median(times.slice(-50));
  return [
    `### ${crowd} containers that run at the same time`,
    "",
    "| | |",
    "|---|---|",
    `| start of the first 50, median ms | ${first.toFixed(1)} |`,
    `| start of the last 50, median ms | ${last.toFixed(1)} (${(last / first).toFixed(2)} ×) |`,
    `| private memory of a monitor, largest, MiB | ${(Math.max(...memory) / 2 ** 20).toFixed(1)} |`,
    `| \`ps\`, ms | ${listed.toFixed(1)} |`,
    `| \`rm -f\` of all, s (nothing left after it) | ${(removalMs / 1000).toFixed(1)} |`,
    "",
  ].join("\n");
}

/** Private bytes of each monitor of this state root. */
function monitorMemory(root: string): readonly number[] {
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid) && isMonitorOf(pid, root))
    .map(privateBytes);
}

function isMonitorOf(pid: string, root: string): boolean {
  try {
    const [, role] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return (
      role === "monitor" && readFileSync(`/proc/${pid}/environ`, "utf8").includes(`BOCKER_ROOT=${root}\0`)
    );
  } catch {
    return false;
  }
}

async function removeAll(bocker: Workspace): Promise<void> {
  const ids = (await bocker.ok("ps", "-aq")).split("\n");
  const { exitCode, stderr } = await bocker.runWith({ timeoutMs: 120_000 }, "rm", "-f", ...ids);
  if (exitCode !== 0) throw new Error(`rm -f: ${stderr}`);
}

/** Words for sh, each quoted. */
function words(...list: readonly string[]): string {
  return list.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
}

function runAll(script: string): void {
  const { exitCode, stderr } = Bun.spawnSync(["sh", "-c", script], { stdout: "ignore", stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`${script}: ${stderr.toString().trim()}`);
}

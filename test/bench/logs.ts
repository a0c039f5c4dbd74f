/**
 * Logs: two hundred megabytes of lines written by a container and read back, and the last lines of a gigabyte.
 *
 * No engine rotates here, so that all is kept. A detached run is waited for: what counts is when everything is in the log.
 */
import type { Workspace } from "../lib/workspace.ts";
import { type Contestant, measure, renderTimings } from "./measure.ts";
import type { Peer } from "./peer.ts";

export interface LogBench {
  readonly bocker: Workspace;
  readonly binary: string;
  readonly peers: readonly Peer[];
}

interface Engine {
  readonly title: string;
  /** Of its containers here. */
  readonly name: string;
  readonly argv: readonly string[];
  readonly flags: readonly string[];
  readonly image: string;
  readonly env: Readonly<Record<string, string>>;
}

const rounds = 3;
const line = "0123456789".repeat(10).slice(1);
const pumpBytes = 200_000_000;
const largeBytes = 1_000_000_000;

/** Three tables. The peers write the gigabyte as slowly as they do, untimed. */
export async function benchLogs({ bocker, binary, peers }: LogBench): Promise<string> {
  const engines = enginesOf(binary, bocker, peers);
  const pumped = measure(engines.map(pump), rounds);
  for (const engine of engines) runOnce(engine, fill(engine, pumpBytes));
  const read = measure(
    engines.map((engine) => reading(engine, [])),
    rounds,
  );
  for (const engine of engines) {
    runOnce(engine, words(...engine.argv, "rm", engine.name));
    runOnce(engine, fill(engine, largeBytes));
  }
  const tails = measure(
    engines.map((engine) => reading(engine, ["--tail", "10"])),
    rounds * 3,
  );
  for (const engine of engines) runOnce(engine, words(...engine.argv, "rm", engine.name));
  return [
    renderTimings(`a container that writes ${pumpBytes / 1e6} MB of lines`, pumped),
    renderTimings(`logs of ${pumpBytes / 1e6} MB`, read),
    renderTimings(`logs --tail 10 of ${largeBytes / 1e9} GB`, tails),
  ].join("\n");
}

function enginesOf(binary: string, { env }: Workspace, peers: readonly Peer[]): readonly Engine[] {
  const own = { argv: [binary], image: "busybox", env };
  const whole = ["--log-opt", "max-size=-1"];
  return [
    { ...own, title: "bocker", name: "json", flags: whole },
    { ...own, title: "bocker, k8s-file", name: "cri", flags: ["--log-driver", "k8s-file", ...whole] },
    ...peers.map(({ name: title, argv, runFlags, image }) => {
      const driver = title === "podman" ? ["--log-driver=k8s-file"] : [];
      return { title, name: "log", argv, image, env: {}, flags: [...runFlags, ...driver] };
    }),
  ];
}

function pump(engine: Engine): Contestant {
  const { title, env, argv, name } = engine;
  const remove = [...argv, "rm", name];
  return { name: title, env, argv: ["sh", "-c", fill(engine, pumpBytes)], after: remove };
}

/** A shell command: a container that writes so many bytes, until it has. */
function fill({ argv, flags, name, image }: Engine, bytes: number): string {
  const script = `yes ${line} | head -c ${bytes}`;
  const run = words(
    ...argv,
    "run",
    "-d",
    "--network=none",
    "--name",
    name,
    ...flags,
    image,
    "sh",
    "-c",
    script,
  );
  return `${run} >/dev/null && ${words(...argv, "wait", name)} >/dev/null`;
}

function reading({ title, env, argv, name }: Engine, options: readonly string[]): Contestant {
  return { name: title, env, argv: [...argv, "logs", ...options, name] };
}

function runOnce({ title, env }: Engine, script: string): void {
  const { exitCode, stderr } = Bun.spawnSync(["sh", "-c", script], {
    env: { ...process.env, ...env },
    stdout: "ignore",
  });
  if (exitCode !== 0) throw new Error(`${title}: ${stderr.toString().trim()}`);
}

/** For sh. */
function words(...argv: readonly string[]): string {
  return argv.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
}

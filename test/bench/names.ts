/**
 * How many names a second one container gets answered, and how soon: bocker's monitor beside dockerd and aardvark-dns.
 */
import { readFileSync } from "node:fs";
import type { Workspace } from "../lib/workspace.ts";
import type { NameLoad } from "./name-load.ts";
import type { Peer } from "./peer.ts";

const seconds = 3;
/** One at a time says how long an answer takes; many say how many there can be. */
const crowds = [1, 16] as const;
const network = "bench-names";

interface Engine {
  readonly name: string;
  readonly argv: readonly string[];
  readonly runFlags: readonly string[];
  readonly image: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A table; an engine whose network cannot be made here is named in it. */
export async function benchNames(bench: {
  readonly binary: string;
  readonly bocker: Workspace;
  readonly peers: readonly Peer[];
}): Promise<string> {
  const own = { name: "bocker", argv: [bench.binary], runFlags: [], image: "busybox", env: bench.bocker.env };
  const rows: string[] = [];
  for (const engine of [own, ...bench.peers]) {
    try {
      rows.push(...measureEngine(engine));
    } catch (error) {
      rows.push(`| ${engine.name}: ${error instanceof Error ? error.message : error} | | | | | |`);
    } finally {
      call(engine, ["rm", "-f", "names-a", "names-b"], false);
      call(engine, ["network", "rm", network], false);
    }
  }
  return [
    `### Names answered to one container, ${seconds} s each`,
    "",
    "| | at once | answers a second | median ms | p99 ms | lost or wrong |",
    "|---|---|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

function measureEngine(engine: Engine): string[] {
  call(engine, ["network", "create", network]);
  for (const name of ["names-a", "names-b"]) {
    const flags = ["run", "-d", "--name", name, "--network", network, ...engine.runFlags];
    call(engine, [...flags, engine.image, "/bin/sleep", "600"]);
  }
  const pid = call(engine, ["inspect", "--format", "{{.State.Pid}}", "names-a"]).trim();
  const file = call(engine, ["inspect", "--format", "{{.ResolvConfPath}}", "names-a"]).trim();
  const server = /^nameserver (\S+)/m.exec(readFileSync(file, "utf8"))?.[1] ?? "";
  return crowds.map((atOnce) => {
    const { perSecond, medianMs, p99Ms, lost, wrong } = loadFrom(pid, server, atOnce);
    const times = [perSecond.toFixed(0), medianMs.toFixed(2), p99Ms.toFixed(2)].join(" | ");
    return `| ${engine.name} | ${atOnce} | ${times} | ${lost + wrong} |`;
  });
}

function loadFrom(pid: string, server: string, atOnce: number): NameLoad {
  const load = [process.execPath, `${import.meta.dir}/name-load.ts`, server, "names-b"];
  const argv = ["nsenter", "-t", pid, "-n", ...load, String(seconds), String(atOnce)];
  return JSON.parse(run(argv, {})) as NameLoad;
}

function call({ argv, env }: Engine, words: readonly string[], isNeeded = true): string {
  return run([...argv, ...words], env ?? {}, isNeeded);
}

function run(argv: readonly string[], env: Readonly<Record<string, string>>, isNeeded = true): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...argv], { env: { ...process.env, ...env } });
  if (exitCode === 0 || !isNeeded) return stdout.toString();
  throw new Error(stderr.toString().trim().split("\n").at(-1));
}

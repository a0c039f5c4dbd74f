/**
 * bocker's OCI runtime beside crun and runc, on one bare bundle: run; create, start and delete; exec; peak memory.
 *
 * A shell calls the three commands of the second case, for all alike; `delete --force` since `true` may not have ended yet.
 */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeBundle } from "./bundle.ts";
import { type Contestant, measure, renderTimings } from "./measure.ts";

interface OciBench {
  readonly directory: string;
  readonly binary: string;
  readonly rounds: number;
}

interface Runtime {
  readonly name: string;
  /** Program and the state directory's option. */
  readonly argv: readonly string[];
}

/** Three tables of times and one of memory. */
export async function benchOci({ directory, binary, rounds }: OciBench): Promise<string> {
  const link = join(directory, "bocker-oci");
  symlinkSync(binary, link);
  mkdirSync(join(directory, "oci"));
  makeBundle(directory, ["/bin/true"]);
  const programs = [["bocker oci", link], ...["crun", "runc"].map((name) => [name, name])];
  const runtimes = programs.flatMap(([name = "", program = ""]): Runtime[] => {
    if (Bun.which(program) === null) return [];
    return [{ name, argv: [program, `--root=${join(directory, "oci", name.replace(" ", "-"))}`] }];
  });
  const tables = [
    renderTimings("bocker oci run, a bare bundle", measure(runs(runtimes, directory), rounds * 2)),
    renderTimings("bocker oci create, start, delete", measure(lifecycles(runtimes, directory), rounds)),
    benchExec(runtimes, directory, rounds),
    await renderPeaks(runtimes, directory),
  ];
  return tables.join("\n");
}

function runs(runtimes: readonly Runtime[], cwd: string): readonly Contestant[] {
  return runtimes.map(({ name, argv }) => ({ name: `${name} run`, argv: [...argv, "run", "bench"], cwd }));
}

function lifecycles(runtimes: readonly Runtime[], cwd: string): readonly Contestant[] {
  const script = '"$@" create bench && "$@" start bench && "$@" delete --force bench';
  return runtimes.map(({ name, argv }) => ({
    name: `${name} create, start, delete`,
    argv: ["sh", "-c", script, "sh", ...argv],
    cwd,
  }));
}

function benchExec(runtimes: readonly Runtime[], cwd: string, rounds: number): string {
  const config = join(cwd, "idle/config.json");
  makeBundle(join(cwd, "idle"), ["/bin/sleep", "600"]);
  const spec = JSON.parse(readFileSync(config, "utf8"));
  writeFileSync(config, JSON.stringify({ ...spec, root: { path: join(cwd, "rootfs") } }));
  const streams = { stdin: "ignore", stdout: "ignore", stderr: "ignore" } as const;
  for (const { argv } of runtimes)
    Bun.spawnSync([...argv, "run", "-d", "-b", join(cwd, "idle"), "idle"], streams);
  try {
    const contestants = runtimes.map(({ name, argv }) => ({
      name: `${name} exec`,
      argv: [...argv, "exec", "idle", "true"],
      cwd,
    }));
    return renderTimings("bocker oci exec", measure(contestants, rounds));
  } finally {
    for (const { argv } of runtimes) Bun.spawnSync([...argv, "delete", "--force", "idle"], streams);
  }
}

/** The most that a `run` in the foreground ever had in memory, pages of the executable that all share included (proc_pid_status(5), VmHWM). */
async function renderPeaks(runtimes: readonly Runtime[], cwd: string): Promise<string> {
  const rows: string[] = [];
  for (const { name, argv } of runtimes) {
    const streams = { stdin: "ignore", stdout: "ignore", stderr: "ignore" } as const;
    const child = Bun.spawn([...argv, "run", "-b", join(cwd, "idle"), "peak"], streams);
    await Bun.sleep(1000);
    const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
    const kibibytes = Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]);
    rows.push(`| ${name} run | ${(kibibytes / 1024).toFixed(1)} |`);
    Bun.spawnSync([...argv, "kill", "peak", "KILL"], streams);
    await child.exited;
  }
  return ["### Peak memory of an OCI run", "", "| | MiB |", "|---|---|", ...rows, ""].join("\n");
}

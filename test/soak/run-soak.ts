#!/usr/bin/env bun
/**
 * A long test to be run by hand: several workers use a handful of containers at the same time, at random, while processes are
 * killed at random. After each round everything still has to be true, removable and clean.
 *
 *   bun test/soak/run-soak.ts                    two minutes
 *   bun test/soak/run-soak.ts --minutes 60 --seed 7
 */
import { readdirSync, readFileSync } from "node:fs";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

const workers = 4;
const stepsARound = 12;
const names = ["ant", "bee", "cat", "dog", "elk"];

type Random = (below: number) => number;

/** Marsaglia's xorshift32: the same seed, the same choices. */
function randomFrom(seed: number): Random {
  let state = seed || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function commandOf(random: Random): readonly string[] {
  const name = names[random(names.length)] ?? "ant";
  const network = ["none", "bridge", "bridge"][random(3)] ?? "none";
  const commands: readonly (readonly string[])[] = [
    ["run", "-d", "--name", name, "--network", network, "-v", "shared:/v", "busybox", "sleep", "300"],
    ["run", "-d", "--name", name, "--network", network, "-p", "127.0.0.1::80", "busybox", "sleep", "300"],
    ["run", "--rm", "--network", network, "busybox", "sh", "-c", "head -c 100000 /dev/zero | wc -c"],
    ["create", "--name", name, "--restart", "on-failure:2", "busybox", "sh", "-c", "sleep 0.2; exit 1"],
    ["start", name],
    ["exec", name, "true"],
    ["stop", "-t", "0", name],
    ["kill", name],
    ["restart", "-t", "0", name],
    ["pause", name],
    ["unpause", name],
    ["rm", "-f", name],
    ["ps", "-a"],
    ["inspect", name],
  ];
  return commands[random(commands.length)] ?? ["ps"];
}

/** One worker's share: commands one after the other, every third of them killed while it runs. */
async function work(bocker: Workspace, random: Random): Promise<void> {
  for (let step = 0; step < stepsARound; step++) {
    const words = commandOf(random);
    const child = bocker.spawn(words, { timeoutMs: 60_000 });
    void child.stdin.end();
    if (random(3) === 0) {
      await Bun.sleep(random(60));
      if (random(2) === 0) child.kill("SIGKILL");
      else killOne(bocker, random);
    }
    const stderr = child.stderr.text();
    void child.stdout.text();
    await child.exited;
    const text = await stderr;
    // A refusal is an answer; what only a bug can say is not.
    if (/\bat .*\.ts:\d|internal|undefined is not|is not a function|SQLITE/.test(text))
      throw new Error(`${words.join(" ")}: ${text}`);
  }
}

/** A process of the workspace's own, chosen at random: a monitor, a container's, a command. */
function killOne(bocker: Workspace, random: Random): void {
  const mine = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && isOurs(bocker, pid));
  const pid = Number(mine[random(mine.length || 1)]);
  if (!Number.isInteger(pid) || pid === process.pid) return;
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}

function isOurs(bocker: Workspace, pid: string): boolean {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
    const cgroup = readFileSync(`/proc/${pid}/cgroup`, "utf8");
    return (
      environment.includes(`BOCKER_ROOT=${bocker.root}\0`) || cgroup.includes(`/${bocker.cgroupParent}/`)
    );
  } catch {
    return false;
  }
}

/** Throws when `ps` is wrong, the store is damaged, a container cannot be removed, or something is left on the host. */
async function audit(bocker: Workspace): Promise<void> {
  const ids = (await bocker.ok("ps", "-aq", "--no-trunc")).split("\n").filter((id) => id !== "");
  for (const id of ids) {
    const state = await stateOf(bocker, id);
    const isThere = state !== undefined && state.Pid > 0 && isOurs(bocker, String(state.Pid));
    const again = await stateOf(bocker, id);
    // One that waits for its restart has no pid.
    if (again?.Running && again.Pid > 0 && again.Pid === state?.Pid && !isThere)
      throw new Error(`${id} does not run: ${again.Pid}`);
  }
  if (ids.length > 0) await removeAll(bocker, ids);
  await bocker.ok("system", "check");
  const left = await bocker.leftovers();
  if (left.length > 0) throw new Error(`left on the host:\n  ${left.join("\n  ")}`);
}

/** Undefined: it was removed meanwhile, as a --rm container is by its monitor. */
async function stateOf(
  bocker: Workspace,
  id: string,
): Promise<{ readonly Running: boolean; readonly Pid: number } | undefined> {
  const { exitCode, stdout } = await bocker.run("inspect", "-f", "{{json .State}}", id);
  return exitCode === 0 ? JSON.parse(stdout) : undefined;
}

/** What goes by itself meanwhile is as well. */
async function removeAll(bocker: Workspace, ids: readonly string[]): Promise<void> {
  const { stderr } = await bocker.runWith({ timeoutMs: 60_000 }, "rm", "-f", ...ids);
  const problems = stderr.split("\n").filter((line) => line !== "" && !line.includes("No such container"));
  if (problems.length > 0) throw new Error(problems.join("\n"));
}

function option(name: string, fallback: number): number {
  const at = process.argv.indexOf(name);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
}

const seed = option("--seed", Date.now() % 100_000);
const random = randomFrom(seed);
const endMs = performance.now() + option("--minutes", 2) * 60_000;
console.log(`seed ${seed}`);
await using bocker = openWorkspace();
for (let round = 1; performance.now() < endMs; round++) {
  await Promise.all(Array.from({ length: workers }, () => work(bocker, randomFrom(random(2 ** 31)))));
  await audit(bocker);
  console.log(`round ${round}: true and clean`);
}

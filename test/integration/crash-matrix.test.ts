/**
 * SIGKILL to CLI, monitor or init at the steps of create, run, start, exec, stop and rm: afterwards `ps` and `inspect` tell the
 * truth, what was left can be started and removed, and nothing stays on the host.
 *
 * A few steps of each, spread evenly; BOCKER_CRASH_STEPS=1000 takes every one.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { bockerBinary } from "../lib/bocker-binary.ts";
import { makeStepKiller, type Role, type StepKiller } from "../lib/kill-at.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

const stepsEach = Number(process.env.BOCKER_CRASH_STEPS ?? 6);

interface Case {
  readonly name: string;
  /** Commands that go before, untouched. */
  readonly prepare: readonly (readonly string[])[];
  readonly words: readonly string[];
  readonly roles: readonly Role[];
  /** The container's monitor runs already. */
  readonly attached?: true;
}

const detached = ["run", "-d", "--name", "victim", "-v", "kept:/data", "-p", "127.0.0.1::80", "busybox"];
const running = [[...detached, "sleep", "1000"]];
const made = ["create", "--name", "victim", "busybox", "sleep", "1000"];

const cases: readonly Case[] = [
  { name: "create", prepare: [], words: made, roles: ["cli"] },
  { name: "run -d", prepare: [], words: running[0] ?? [], roles: ["cli", "monitor", "init"] },
  { name: "run --rm", prepare: [], words: ["run", "--rm", "busybox", "true"], roles: ["cli", "monitor"] },
  { name: "start", prepare: [made], words: ["start", "victim"], roles: ["cli", "monitor", "init"] },
  { name: "exec", prepare: running, words: ["exec", "victim", "true"], roles: ["cli", "init"] },
  {
    name: "stop",
    prepare: running,
    words: ["stop", "-t", "0", "victim"],
    roles: ["cli", "monitor"],
    attached: true,
  },
  {
    name: "rm -f",
    prepare: running,
    words: ["rm", "-f", "victim"],
    roles: ["cli", "monitor"],
    attached: true,
  },
  { name: "rm", prepare: [made], words: ["rm", "victim"], roles: ["cli"] },
];

let bocker: Workspace;
let killer: StepKiller;
beforeAll(() => {
  bocker = openWorkspace();
  killer = makeStepKiller(bocker, bockerBinary());
});
afterAll(() => bocker[Symbol.asyncDispose]());

describe.each(cases)("$name", ({ prepare, words, roles, attached }) => {
  test.each([...roles])(
    "killing %s",
    async (role) => {
      await clear();
      const counts = await prepared(prepare, attached, (monitor) => killer.count(words, monitor));
      expect(counts[role]).toBeGreaterThan(0);
      for (const step of spread(counts[role], stepsEach)) {
        await clear();
        const outcome = await prepared(prepare, attached, (monitor) =>
          killer.run(role, step, words, monitor),
        );
        await expectTruth(`${words[0]}, ${role} killed at step ${step}: ${outcome.stderr}`);
        await expectUsable();
      }
      await clear();
    },
    300_000,
  );
});

async function prepared<Result>(
  prepare: readonly (readonly string[])[],
  attached: true | undefined,
  act: (monitorPid?: number) => Promise<Result>,
): Promise<Result> {
  for (const words of prepare) await bocker.ok(...words);
  return act(attached ? monitorPid() : undefined);
}

/** `count` numbers from 1 to `last`, or all of them. */
function spread(last: number, count: number): readonly number[] {
  if (last <= count) return Array.from({ length: last }, (_, index) => index + 1);
  return Array.from({ length: count }, (_, index) => 1 + Math.round((index * (last - 1)) / (count - 1)));
}

/** Every container is removed and the host is as before. */
async function clear(): Promise<void> {
  const ids = (await bocker.ok("ps", "-aq")).split("\n").filter((id) => id !== "");
  if (ids.length > 0) await bocker.ok("rm", "-f", ...ids);
  expect(await bocker.leftovers()).toEqual([]);
}

/** A container runs by `inspect` and `ps` if and only if a process is in its cgroup. */
async function expectTruth(what: string): Promise<void> {
  // A process that was just killed takes a moment to go.
  let said = await sayings();
  for (let tries = 0; tries < 400 && said.some(({ says, is }) => says !== is); tries++) {
    await Bun.sleep(25);
    said = await sayings();
  }
  expect({ what, said: said.filter(({ says, is }) => says !== is) }).toEqual({ what, said: [] });
}

async function sayings(): Promise<
  readonly { readonly id: string; readonly says: string; readonly is: string }[]
> {
  const ids = (await bocker.ok("ps", "-aq", "--no-trunc")).split("\n").filter((id) => id !== "");
  if (ids.length === 0) return [];
  const listed = new Set((await bocker.ok("ps", "-q", "--no-trunc")).split("\n"));
  const { stdout } = await bocker.run("inspect", ...ids);
  // biome-ignore lint/suspicious/noExplicitAny: docker's JSON.
  return (JSON.parse(stdout) as any[]).map(({ Id, State }) => ({
    id: Id,
    says: State.Running
      ? `runs as ${State.Pid}, listed: ${listed.has(Id)}`
      : `does not run, listed: ${listed.has(Id)}`,
    is: membersOf(Id).includes(State.Pid)
      ? `runs as ${State.Pid}, listed: true`
      : membersOf(Id).length > 0
        ? `has processes: ${membersOf(Id)}`
        : "does not run, listed: false",
  }));
}

/** Living processes in the container's cgroup. */
function membersOf(id: string): readonly number[] {
  return readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      const isMember = readFileSync(`/proc/${pid}/cgroup`, "utf8").includes(id);
      const isZombie = readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
      return isMember && !isZombie ? [Number(pid)] : [];
    } catch {
      return [];
    }
  });
}

/** What does not run can be started; the name is free, or that container's. */
async function expectUsable(): Promise<void> {
  const { exitCode } = await bocker.run("inspect", "victim");
  if (exitCode !== 0) {
    await bocker.ok(...made);
    return;
  }
  if (!(await bocker.inspect("victim")).State.Running) await bocker.ok("start", "victim");
  expect(await bocker.ok("exec", "victim", "echo", "usable")).toBe("usable");
}

function monitorPid(): number {
  const found = readdirSync("/proc").filter((pid) => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      const isOurs = readFileSync(`/proc/${pid}/environ`, "utf8").includes(`BOCKER_ROOT=${bocker.root}\0`);
      return words[1] === "monitor" && isOurs;
    } catch {
      return false;
    }
  });
  expect(found).toHaveLength(1);
  return Number(found[0]);
}

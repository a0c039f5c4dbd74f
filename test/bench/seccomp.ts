#!/usr/bin/env bun
/**
 * What the seccomp filter costs a call: getpid(2), and personality(2), whose argument is looked at, in a loop inside
 * containers of bocker, docker and podman, and without a filter. `bun test/bench/seccomp.ts`
 */
import { copyFileSync, mkdirSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { bockerBinary } from "../lib/bocker-binary.ts";
import { openWorkspace } from "../lib/workspace.ts";
import { makeRootfs } from "./bundle.ts";
import { openDocker, openPodman } from "./peer.ts";
import { discardDirectory, isInPrivateNamespaces, runInPrivateNamespaces } from "./private-namespaces.ts";

const rounds = 5;

function callsIn(argv: readonly string[], env: Readonly<Record<string, string>>): readonly [number, number] {
  const { stdout, stderr, exitCode } = Bun.spawnSync([...argv, "/bin/syscall-loop"], {
    env: { ...process.env, ...env },
  });
  if (exitCode !== 0) throw new Error(stderr.toString());
  const [getpid = 0, personality = 0] = stdout.toString().trim().split("\t").map(Number);
  return [getpid, personality];
}

async function main(): Promise<void> {
  await using bocker = openWorkspace({ configured: false });
  const directory = mkdtempSync("/tmp/bocker-bench-");
  const rootfs = join(directory, "rootfs");
  mkdirSync(rootfs);
  makeRootfs(rootfs);
  const program = join(directory, "syscall-loop");
  Bun.spawnSync(["cc", "-O2", "-static", "-o", program, join(import.meta.dir, "syscall-loop.c")]);
  copyFileSync(program, join(rootfs, "bin/syscall-loop"));
  const peers = [await openDocker(directory, rootfs), await openPodman(directory, rootfs)];
  try {
    const run = ["run", "--rm", "--network", "none"];
    const own = [bockerBinary(), ...run];
    const contestants = [
      {
        name: "bocker, no filter",
        argv: [...own, "--security-opt", "seccomp=unconfined", "--rootfs", rootfs],
        env: bocker.env,
      },
      { name: "bocker", argv: [...own, "--rootfs", rootfs], env: bocker.env },
      ...peers.map(({ name, argv, runFlags, image }) => ({
        name,
        argv: [...argv, ...run, ...runFlags, image],
        env: {},
      })),
    ];
    const best = contestants.map(() => [Infinity, Infinity] as [number, number]);
    for (let round = 0; round < rounds; round++) {
      for (const [index, { argv, env }] of contestants.entries()) {
        const times = callsIn(argv, env);
        best[index] = [Math.min(best[index]?.[0] ?? 0, times[0]), Math.min(best[index]?.[1] ?? 0, times[1])];
      }
    }
    console.log("fastest of 5, ns a call     getpid   personality");
    for (const [index, { name }] of contestants.entries())
      console.log(`${name.padEnd(24)} ${best[index]?.map((ns) => ns.toFixed(1).padStart(9)).join("    ")}`);
  } finally {
    for (const peer of peers) await peer[Symbol.asyncDispose]();
    discardDirectory(directory);
  }
}

if (isInPrivateNamespaces()) await main();
else process.exitCode = runInPrivateNamespaces();

#!/usr/bin/env bun
/**
 * What a process sees of its own walls in bocker, docker and podman: writes docs/comparison.md.
 *
 *   bun test/peer/compare-walls.ts            prints the page
 *   bun test/peer/compare-walls.ts --write    writes it
 *
 * Every difference needs an explanation (wall-difference.ts): one without ends the script with 1. Not a part of the tests:
 * it needs the other engines.
 */
import { mkdirSync, mkdtempSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { makeRootfs } from "../bench/bundle.ts";
import { openDocker, openPodman } from "../bench/peer.ts";
import {
  discardDirectory,
  isInPrivateNamespaces,
  runInPrivateNamespaces,
} from "../bench/private-namespaces.ts";
import { bockerBinary } from "../lib/bocker-binary.ts";
import { type ProbeFacts, parseProbe, probeScript } from "../lib/probe.ts";
import { openWorkspace } from "../lib/workspace.ts";
import { explanationOf, explanations } from "./wall-difference.ts";

export type EngineName = "bocker" | "docker" | "podman";

/** Facts of one engine: what, to its value. */
type Facts = ReadonlyMap<string, string>;

const page = join(import.meta.dir, "../../docs/comparison.md");
const statusFields = [
  "CapInh",
  "CapPrm",
  "CapEff",
  "CapBnd",
  "CapAmb",
  "NoNewPrivs",
  "Seccomp",
  "Uid",
  "Gid",
  "Groups",
];
const hidden = /^\/(proc|sys)\//;

/** Mounts by their target; of what hides or protects a path only that it does. */
function mountFacts({ mounts }: ProbeFacts): readonly (readonly [string, string])[] {
  return mounts.map(({ target, type, root, options, superOptions }): readonly [string, string] => {
    const how = options.filter((option) => option !== "relatime" && option !== "rw").join(",");
    if (hidden.test(target) && !target.startsWith("/sys/fs/cgroup")) {
      const isMask = root === "/null" || (type === "tmpfs" && root === "/");
      return [`path ${target}`, isMask ? "masked" : `${options.includes("ro") ? "read-only" : "writable"}`];
    }
    const size = superOptions.find((option) => option.startsWith("size=")) ?? "";
    return [`mount ${target}`, [type, how, size].filter((word) => word !== "").join(" ")];
  });
}

function deviceFacts({ devices }: ProbeFacts): readonly (readonly [string, string])[] {
  return devices.flatMap((line): (readonly [string, string])[] => {
    const [, mode = "", rest = ""] = /^(\S+)\s+\d+\s+\S+\s+\S+\s+(.*)$/.exec(line) ?? [];
    const [, node = "", name = ""] = /^(?:(\d+, +\d+)|\d+)\s+\S+\s+\d+\s+\S+\s+(.*)$/.exec(rest) ?? [];
    const [label = "", target] = name.split(" -> ");
    return label === ""
      ? []
      : [[`/dev/${label}`, target === undefined ? `${mode} ${node}`.trim() : `→ ${target}`]];
  });
}

function factsOf(probe: ProbeFacts): Facts {
  const status = statusFields.map(
    (name) => [name, (probe.status[name] ?? "").replace(/\s+/g, " ").trim()] as const,
  );
  const namespaces = Object.keys(probe.namespaces).map((kind) => [`namespace ${kind}`, "there"] as const);
  return new Map([...status, ...namespaces, ...mountFacts(probe), ...deviceFacts(probe)]);
}

function render(all: ReadonlyMap<EngineName, Facts>): { text: string; unexplained: readonly string[] } {
  const names = [...all.keys()];
  const keys = [...new Set([...all.values()].flatMap((facts) => [...facts.keys()]))];
  const unexplained: string[] = [];
  const used = new Set<string>();
  const rows = keys.map((key) => {
    const values = names.map((name) => all.get(name)?.get(key) ?? "–");
    if (values.every((value) => value === values[0]))
      return `| \`${key}\` | ${values.map(cell).join(" | ")} | |`;
    const explanation = explanationOf(key);
    if (explanation === undefined) unexplained.push(`${key}: ${values.join(" / ")}`);
    else used.add(explanation);
    const mark =
      explanation === undefined
        ? "?"
        : String(explanations.findIndex(({ text }) => text === explanation) + 1);
    return `| \`${key}\` | ${values.map(cell).join(" | ")} | ${mark} |`;
  });
  const notes = explanations.flatMap(({ text }, index) => (used.has(text) ? [`${index + 1}. ${text}`] : []));
  const text = `${header}\n| | ${names.join(" | ")} | note |\n|---|${names.map(() => "---").join("|")}|---|\n${rows.join("\n")}\n\n## Notes\n\n${notes.join("\n")}\n`;
  return { text, unexplained };
}

const header = `# The walls, side by side

What a process started by \`run --network none IMAGE sh\` sees of itself: /proc/self/status, its mounts, masked and read-only paths,
its devices. Written by \`bun test/peer/compare-walls.ts --write\`, which fails when a difference has no note below. Mounts: type,
options other than rw and relatime, size. Compared: VERSIONS.
`;

function versionOf(program: string): string {
  const line = Bun.spawnSync([program, "--version"]).stdout.toString().split("\n")[0] ?? "";
  return `${program} ${/\d[\w.+~-]*/.exec(line)?.[0] ?? "of an unknown version"}`;
}

function cell(value: string): string {
  if (value === "") return "none";
  return value === "–" ? value : `\`${value.replaceAll("|", "\\|")}\``;
}

async function probeWith(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Facts> {
  const child = Bun.spawn([...argv], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
    env: { ...process.env, ...env },
    timeout: 60_000,
    killSignal: "SIGKILL",
  });
  const output = await child.stdout.text();
  if ((await child.exited) !== 0) throw new Error(`${argv.join(" ")} failed`);
  return factsOf(parseProbe(output.trimEnd()));
}

async function main(): Promise<void> {
  await using bocker = openWorkspace({ configured: false });
  const directory = mkdtempSync("/tmp/bocker-peers-");
  const rootfs = join(directory, "rootfs");
  mkdirSync(rootfs);
  makeRootfs(rootfs);
  for (const name of ["readlink", "env", "hostname", "ps"]) symlinkSync("busybox", join(rootfs, "bin", name));
  const peers = [await openDocker(directory, rootfs), await openPodman(directory, rootfs)];
  try {
    const archive = join(directory, "rootfs.tar");
    Bun.spawnSync(["tar", "-C", rootfs, "-cf", archive, "."]);
    await bocker.ok("import", archive, "bocker-bench:latest");
    const run = ["run", "--rm", "--network", "none"];
    const command = ["bocker-bench:latest", "/bin/sh", "-c", probeScript];
    const all = new Map<EngineName, Facts>([
      ["bocker", await probeWith([bockerBinary(), ...run, ...command], bocker.env)],
    ]);
    for (const { name, argv, runFlags } of peers)
      all.set(name as EngineName, await probeWith([...argv, ...run, ...runFlags, ...command]));
    const { text: withoutVersions, unexplained } = render(all);
    const text = withoutVersions.replace(
      "VERSIONS",
      ["dockerd", "podman", "crun", "runc"].map(versionOf).join(", "),
    );
    if (process.argv.includes("--write")) await Bun.write(page, text);
    else console.log(text);
    for (const line of unexplained) console.error(`no explanation: ${line}`);
    process.exitCode = unexplained.length > 0 ? 1 : 0;
  } finally {
    for (const peer of peers) await peer[Symbol.asyncDispose]();
    discardDirectory(directory);
  }
}

if (isInPrivateNamespaces()) await main();
else process.exitCode = runInPrivateNamespaces();

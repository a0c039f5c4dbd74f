/** `doctor`: what it says of this host, and of one that lacks a program. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readlinkSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(() => {
  bocker = openWorkspace();
});
afterAll(() => bocker[Symbol.asyncDispose]());

interface Finding {
  readonly Name: string;
  readonly Status: string;
  readonly Found: string;
  readonly Hint: string;
}

async function findings(path?: string): Promise<{ exitCode: number; of(name: string): Finding | undefined }> {
  const env = path === undefined ? {} : { env: { PATH: path } };
  const { exitCode, stdout } = await bocker.runWith(env, "doctor", "--format", "json");
  const list: readonly Finding[] = JSON.parse(stdout);
  return { exitCode, of: (name) => list.find(({ Name }) => Name === name) };
}

test("this host is fit: one line a check, and nothing changed", async () => {
  const namespace = readlinkSync("/proc/self/ns/net");
  const { exitCode, stdout } = await bocker.run("doctor");
  expect(stdout).toMatch(/^ok {4}privileges +root with CAP_SYS_ADMIN$/m);
  expect(stdout).toMatch(/^ok {4}links +bridge, veth$/m);
  expect(stdout).toMatch(/^ok {4}firewall +nft \(nft: works\)$/m);
  for (const line of stdout.trimEnd().split("\n")) expect(line).toMatch(/^(ok|warn|fail) |^ +hint: /);
  expect(exitCode).toBe(0);
  expect(readlinkSync("/proc/self/ns/net")).toBe(namespace);
  expect(await bocker.leftovers()).toEqual([]);
});

test("busybox's ip is not enough, and that is said with what to do", async () => {
  const folder = join(bocker.directory, "programs");
  mkdirSync(folder);
  symlinkSync(Bun.which("busybox") ?? "", join(folder, "ip"));
  const { exitCode, of } = await findings(folder);
  expect(of("ip")).toMatchObject({ Status: "fail", Hint: "install the package iproute2" });
  expect(of("ip")?.Found).toContain("-batch");
  expect(of("links")?.Status).toBe("warn");
  expect(exitCode).toBe(1);
});

test("a forced firewall is shown, and one that cannot be used fails", async () => {
  await using forced = openWorkspace({ engineConfig: 'firewall = "userland"' });
  const { stdout, exitCode } = await forced.run("doctor", "-f", "json");
  const list: readonly Finding[] = JSON.parse(stdout);
  expect(list.find(({ Name }) => Name === "firewall")).toMatchObject({
    Status: "ok",
    Found: "userland (userland: configured)",
  });
  expect(exitCode).toBe(0);
});

test("a template shows what it names; words are refused", async () => {
  expect(await bocker.ok("doctor", "--format", "{{range .}}{{.Name}}={{.Status}} {{end}}")).toContain(
    "firewall=ok ",
  );
  expect((await bocker.run("doctor", "now")).exitCode).toBe(1);
});

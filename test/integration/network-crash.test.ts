/** kill -9 at any moment of what changes networks: the next command finds a state that it can go on from. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
let prefix: string;
beforeAll(() => {
  prefix = `10.${20 + (process.pid % 40)}.${200 + (process.pid % 50)}`;
  bocker = openWorkspace();
});
afterAll(() => bocker[Symbol.asyncDispose]());

/** Starts a command and kills it after so many milliseconds; whether it had ended by itself, and well. */
async function killAfter(delayMs: number, ...words: string[]): Promise<boolean> {
  const child = bocker.spawn(words);
  const timer = setTimeout(() => child.kill("SIGKILL"), delayMs);
  const exitCode = await child.exited;
  clearTimeout(timer);
  return exitCode === 0;
}

const delays = Array.from({ length: 12 }, (_, index) => 6 + index * 5);
const linkNames = () => Bun.spawnSync(["ip", "-o", "link"]).stdout.toString();

test("of network create and rm", async () => {
  for (const delay of delays) {
    const made = await killAfter(delay, "network", "create", "-s", `${prefix}.0/25`, "net");
    const { exitCode, stdout } = await bocker.run("network", "inspect", "-f", "{{.Id}}", "net");
    if (made) expect(exitCode).toBe(0);
    if (exitCode !== 0) continue;
    await killAfter(delay, "network", "rm", "net");
    const again = await bocker.run("network", "rm", "net");
    expect(again.stderr === "" || again.stderr.includes("network net not found")).toBe(true);
    expect(linkNames()).not.toContain(`br-${stdout.slice(0, 12)}`);
  }
  await bocker.ok("network", "create", "-s", `${prefix}.0/25`, "net");
  await bocker.ok("run", "--rm", "--network", "net", "busybox", "ping", "-c1", "-W2", `${prefix}.1`);
  await bocker.ok("network", "rm", "net");
});

test("of network connect and disconnect", async () => {
  await bocker.ok("network", "create", "-s", `${prefix}.128/25`, "net");
  await bocker.ok("run", "-d", "--name", "member", "busybox", "sleep", "100");
  const show = () => bocker.ok("exec", "member", "ip", "-4", "-o", "addr");
  for (const delay of delays) {
    await killAfter(delay, "network", "connect", "net", "member");
    const { exitCode, stderr } = await bocker.run("network", "connect", "net", "member");
    expect(exitCode === 0 || stderr.includes("already exists in network net")).toBe(true);
    expect(await show()).toContain(`inet ${prefix}.130/25`);
    await killAfter(delay, "network", "disconnect", "net", "member");
    await bocker.run("network", "disconnect", "net", "member");
    expect(await show()).not.toContain("eth1");
  }
  await bocker.ok("rm", "-f", "member");
  await bocker.ok("network", "rm", "net");
  expect(await bocker.leftovers()).toEqual([]);
});

test("of a container's monitor: its address is another's at once", async () => {
  await bocker.ok("network", "create", "-s", `${prefix}.0/30`, "tiny");
  await bocker.ok("run", "-d", "--name", "only", "--network", "tiny", "busybox", "sleep", "100");
  const full = await bocker.run("run", "--rm", "--network", "tiny", "busybox", "true");
  expect(full.stderr).toContain("no available IPv4 addresses on this network's address pools: tiny");
  const { Pid } = (await bocker.inspect("only")).State;
  const status = await Bun.file(`/proc/${Pid}/status`).text();
  process.kill(Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1]), "SIGKILL");
  const address = await bocker.ok("run", "--rm", "--network", "tiny", "busybox", "ip", "-4", "-o", "addr");
  expect(address).toContain(`inet ${prefix}.2/30`);
  await bocker.ok("rm", "-f", "only");
  await bocker.ok("network", "rm", "tiny");
});

/**
 * docker's links: names that one container alone has for others. Lines in /etc/hosts on the default network, where the other
 * one has to run; the resolver's answers on networks with names, where it may come later.
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(() => {
  bocker = openWorkspace();
});
afterAll(() => bocker[Symbol.asyncDispose]());
afterEach(async () => {
  const ids = (await bocker.ok("ps", "-aq")).split("\n").filter((id) => id !== "");
  if (ids.length > 0) await bocker.ok("rm", "-f", ...ids);
});

const sleeper = (name: string, ...words: string[]) =>
  bocker.ok("run", "-d", "--name", name, ...words, "busybox", "sleep", "100");
const addressOf = async (name: string) => (await bocker.inspect(name)).NetworkSettings.IPAddress as string;
const hostsOf = (name: string) => bocker.ok("exec", name, "cat", "/etc/hosts");

test("on the default network a line of the hosts file, with the other's address of now", async () => {
  const other = (await sleeper("other")).slice(0, 12);
  await sleeper("web", "--link", "other:db", "--link", "other");
  const first = await addressOf("other");
  const hosts = await hostsOf("web");
  expect(hosts).toContain(`\n${first}\tdb ${other} other\n${first}\tother ${other}\n`);
  expect((await bocker.inspect("web")).HostConfig.Links).toEqual(["/other:/web/db", "/other:/web/other"]);
  await bocker.ok("exec", "web", "ping", "-c", "1", "db");

  // Somebody else gets its address meanwhile.
  await bocker.ok("stop", "-t", "0", "other");
  await sleeper("squatter");
  expect(await addressOf("squatter")).toBe(first);
  await bocker.ok("start", "other");
  const second = await addressOf("other");
  expect(second).not.toBe(first);
  const after = await hostsOf("web");
  expect(after).toContain(`\n${second}\tdb ${other} other\n`);
  expect(after).not.toContain(`${first}\t`);
});

test("on the default network the other one must run, when the container is started again too", async () => {
  await bocker.ok("create", "--name", "idle", "busybox", "sleep", "100");
  const refused = await bocker.run("run", "--name", "web", "--link", "idle:db", "busybox", "true");
  expect(refused.exitCode).toBe(125);
  expect(refused.stderr).toContain("Cannot link to a non running container: /idle AS /web/db");
  await bocker.ok("start", "idle");
  await bocker.ok("start", "web");
});

test("on a network with names an alias that nobody else has, of one that may come later", async () => {
  await bocker.ok("network", "create", "front");
  await sleeper("web", "--network", "front", "--link", "other:db");
  await sleeper("third", "--network", "front");
  const lookUp = (name: string) => bocker.run("exec", name, "nslookup", "-type=a", "db");
  expect((await lookUp("web")).exitCode).not.toBe(0);
  await sleeper("other", "--network", "front");
  const { front } = (await bocker.inspect("other")).NetworkSettings.Networks;
  expect((await lookUp("web")).stdout).toContain(front.IPAddress);
  expect((await lookUp("third")).stdout).not.toContain(front.IPAddress);
  const web = await bocker.inspect("web");
  expect(web.NetworkSettings.Networks.front.Links).toEqual(["other:db"]);
  expect(web.HostConfig.Links).toBeNull();
  expect(await hostsOf("web")).not.toContain("db");

  await bocker.ok("network", "disconnect", "front", "third");
  await bocker.ok("network", "connect", "--link", "other:db", "front", "third");
  expect((await lookUp("third")).stdout).toContain(front.IPAddress);
  await bocker.ok("rm", "-f", "web", "third", "other");
  await bocker.ok("network", "rm", "front");
});

/** `portmap`: mappings by hand, served by a process in the foreground; beside the ports that containers publish. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(() => {
  bocker = openWorkspace();
});
afterAll(() => bocker[Symbol.asyncDispose]());

type Service = ReturnType<Workspace["spawn"]>;
let service: Service | undefined;
afterEach(async () => {
  service?.kill("SIGKILL");
  await service?.exited;
  service = undefined;
});

/** Starts serving, and gives what it has said so far, once it has said something that matches. */
async function startService(): Promise<(wanted: RegExp) => Promise<string>> {
  service = bocker.spawn(["portmap", "start"]);
  const reader = service.stdout.getReader();
  const decoder = new TextDecoder();
  let said = "";
  return async (wanted) => {
    while (!wanted.test(said)) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`portmap start ended, having said: ${said}`);
      said += decoder.decode(value);
    }
    return said;
  };
}

const page = (name: string) => ["sh", "-c", `echo ${name} > /index.html; exec httpd -f -p 80 -h /`];

async function get(port: number): Promise<string> {
  for (let tries = 0; ; tries++) {
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/index.html`, {
        signal: AbortSignal.timeout(2000),
        headers: { connection: "close" },
      });
      return (await answer.text()).trim();
    } catch (error) {
      if (tries === 200) throw error;
      await Bun.sleep(50);
    }
  }
}

function freePort(): number {
  const listener = Bun.listen({ hostname: "0.0.0.0", port: 0, socket: { data: () => undefined } });
  listener.stop(true);
  return listener.port;
}

test("targets of one port take turns, and come and go while it is served", async () => {
  for (const name of ["red", "blue"]) await bocker.ok("run", "-d", "--name", name, "busybox", ...page(name));
  const address = (await bocker.inspect("blue")).NetworkSettings.Networks.bridge.IPAddress;
  const port = freePort();
  const early = await bocker.run("portmap", "forward", "-p", `${port}:red:80`);
  expect(early.stderr).toContain("served once bocker portmap start runs");
  expect(early.exitCode).toBe(0);
  const said = await startService();
  await said(new RegExp(`0\\.0\\.0\\.0:${port}/tcp -> red:80`));
  expect(await get(port)).toBe("red");
  const added = await bocker.run("portmap", "forward", `${port}:${address}:80`);
  expect(added).toMatchObject({ exitCode: 0, stderr: "" });
  const heard = new Set<string>();
  for (let tries = 0; tries < 400 && heard.size < 2; tries++) heard.add(await get(port));
  expect([...heard].sort()).toEqual(["blue", "red"]);
  expect([await get(port), await get(port)].sort()).toEqual(["blue", "red"]);
  await bocker.ok("portmap", "forward", "-d", `${port}:red`);
  for (let tries = 0; tries < 400 && (await get(port)) === "red"; tries++) await Bun.sleep(20);
  expect([await get(port), await get(port)]).toEqual(["blue", "blue"]);
  await bocker.ok("portmap", "forward", "-d", String(port));
  await said(new RegExp(`0\\.0\\.0\\.0:${port}/tcp closed`));
  await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
  await bocker.ok("rm", "-f", "red", "blue");
});

test("published ports are their monitors', listed beside those made by hand; a second service is refused", async () => {
  const [published, manual] = [freePort(), freePort()];
  await bocker.ok("run", "-d", "--name", "web", "-p", `${published}:80`, "busybox", ...page("web"));
  const said = await startService();
  await said(new RegExp(`0\\.0\\.0\\.0:${published}/tcp served by its container's monitor`));
  expect(await get(published)).toBe("web");
  await bocker.ok("portmap", "forward", "-p", `127.0.0.1:${manual}:web:80`);
  await said(new RegExp(`127\\.0\\.0\\.1:${manual}/tcp -> web:80`));
  expect(await get(manual)).toBe("web");
  const rows = (await bocker.ok("portmap", "list", "--format", "{{.Host}} {{.Target}} {{.Container}}")).split(
    "\n",
  );
  expect(rows[0]).toMatch(new RegExp(`^0\\.0\\.0\\.0:${published} ${bocker.subnetPrefix}\\.\\d+:80 web$`));
  expect(rows.at(-1)).toBe(`127.0.0.1:${manual} web:80`);
  expect((await bocker.ok("portmap", "list")).split("\n")[0]).toMatch(/^HOST +TARGET +PROTOCOL +CONTAINER$/);
  const second = await bocker.run("portmap", "start");
  expect(second.stderr).toContain("portmap is already running as process");
  expect(second.exitCode).toBe(1);
  await bocker.ok("portmap", "forward", "-d", `127.0.0.1:${manual}`);
  await bocker.ok("rm", "-f", "web");
});

test("stop ends it, and says when there is nothing to stop; a crash is no obstacle", async () => {
  const said = await startService();
  const port = freePort();
  await bocker.ok("portmap", "forward", "-p", `${port}:127.0.0.1:1`);
  await said(/->/);
  service?.kill("SIGKILL");
  await service?.exited;
  expect((await bocker.run("portmap", "stop")).stderr).toContain("portmap is not running");
  await (await startService())(/->/);
  await bocker.ok("portmap", "stop");
  expect(await service?.exited).toBe(0);
  expect((await bocker.run("portmap", "stop")).exitCode).toBe(1);
  await bocker.ok("portmap", "forward", "-d", String(port));
  expect(await bocker.ok("portmap", "list", "--format", "{{.Host}}")).toBe("");
});

test.each([
  [["portmap", "forward"], "name a mapping to add with -p"],
  [["portmap", "forward", "-p", "80"], "no target"],
  [["portmap", "forward", "-d", "81"], "no mapping of port 81/tcp was made by hand"],
])("%j is refused", async (words, message) => {
  const { exitCode, stderr } = await bocker.run(...words);
  expect(stderr).toContain(message);
  expect(exitCode).toBe(1);
});

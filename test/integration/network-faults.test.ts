/**
 * What goes wrong around the firewall and `ip`: programs that fail or are killed with whoever called them, at each of the
 * moments where that makes a difference. Afterwards there is a clear error or all is healed, and nothing is left.
 *
 * A stand-in for nft obeys a word in a file, once or for as long as the file is there.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tryCommand } from "../../src/host/run-command.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
let folder: string;
let env: { readonly PATH: string };
beforeAll(async () => {
  bocker = openWorkspace();
  folder = join(bocker.directory, "programs");
  mkdirSync(folder);
  const nft = Bun.which("nft") ?? "";
  const script = [
    "#!/bin/sh",
    `echo call >>${folder}/calls`,
    `[ -f ${folder}/always ] && { echo "Error: no way" >&2; exit 1; }`,
    `word=; [ -f ${folder}/once ] && { word=$(cat ${folder}/once); rm ${folder}/once; }`,
    "case $word in",
    'fail) echo "Error: not now" >&2; exit 1 ;;',
    "before) kill -9 $PPID; exit 1 ;;",
    `after) ${nft} "$@"; kill -9 $PPID; exit 1 ;;`,
    "esac",
    `exec ${nft} "$@"`,
    "",
  ];
  writeFileSync(join(folder, "nft"), script.join("\n"));
  chmodSync(join(folder, "nft"), 0o755);
  env = { PATH: `${folder}:${process.env.PATH}` };
  // The bridge stands, so that what follows is about ports alone.
  await bocker.ok("run", "--rm", "busybox", "true");
});
afterAll(() => bocker[Symbol.asyncDispose]());

let port = 24_000 + ((process.pid * 11) % 7000);
beforeEach(() => {
  port++;
});
afterEach(async () => {
  for (const word of ["once", "always"]) rmSync(join(folder, word), { force: true });
  const ids = (await bocker.run("ps", "-aq")).stdout.split("\n").filter((id) => id !== "");
  if (ids.length > 0) await bocker.ok("rm", "-f", ...ids);
  expect(published()).toEqual([]);
  expect(await bocker.leftovers()).toEqual([]);
});

const once = (word: "fail" | "before" | "after") => writeFileSync(join(folder, "once"), word);
const always = () => writeFileSync(join(folder, "always"), "");
const run = (...words: readonly string[]) => bocker.runWith({ env }, ...words);
const start = (name: string, ...options: readonly string[]) =>
  run("run", "-d", "--name", name, ...options, "busybox", "sleep", "600");

/** Host ports in bocker's map. */
function published(): string[] {
  const { stdout } = tryCommand(["nft", "list", "map", "inet", bocker.bridge, "published"]);
  return [...stdout.matchAll(/tcp \. (\d+) :/g)].map(([, number = ""]) => number).sort();
}

describe("nft", () => {
  test("that fails once is asked again for everything", async () => {
    once("fail");
    expect((await start("web", "-p", `${port}:80`)).exitCode).toBe(0);
    expect(existsSync(join(folder, "once"))).toBe(false);
    expect(published()).toEqual([String(port)]);
  });

  test("is not called for a run that publishes nothing, and once for a start and for an end that do", async () => {
    const calls = (): number => readFileSync(join(folder, "calls"), "utf8").split("\n").length - 1;
    const cost = async (...options: readonly string[]): Promise<number> => {
      writeFileSync(join(folder, "calls"), "");
      expect((await run("run", "--rm", ...options, "busybox", "true")).exitCode).toBe(0);
      return calls();
    };
    expect(await cost()).toBe(0);
    expect(await cost("-p", `${port}:80`, "-p", `${port + 1000}-${port + 1009}:90-99`)).toBe(2);
    expect(await cost("-p", `127.0.0.1:${port}:80`)).toBe(0);
  });

  test("that keeps failing: its words, 125, and nothing of the container", async () => {
    always();
    const { exitCode, stderr } = await start("web", "-p", `${port}:80`);
    expect(stderr).toContain("Error: no way");
    expect(exitCode).toBe(125);
    rmSync(join(folder, "always"));
    expect(published()).toEqual([]);
    expect((await bocker.inspect("web")).NetworkSettings.Networks.bridge?.IPAddress ?? "").toBe("");
    expect((await start("next", "-p", `${port}:80`)).exitCode).toBe(0);
  });

  test("that fails at a container's end: the rule goes with the next container, published or not", async () => {
    await start("web", "-p", `${port}:80`);
    always();
    await run("kill", "web");
    await run("wait", "web");
    expect(published()).toEqual([String(port)]);
    rmSync(join(folder, "always"));
    expect((await start("plain")).exitCode).toBe(0);
    expect(published()).toEqual([]);
  });
});

describe.each(["before", "after"] as const)("a process that is killed %s its transaction", (moment) => {
  test("starting: the port can be had again", async () => {
    once(moment);
    expect((await start("dead", "-p", `${port}:80`)).exitCode).not.toBe(0);
    expect((await start("web", "-p", `${port}:80`)).exitCode).toBe(0);
    expect(published()).toEqual([String(port)]);
    expect((await run("port", "web")).stdout).toContain(`0.0.0.0:${port}`);
  });

  test("starting: a port that the next one does not ask for is not left open", async () => {
    once(moment);
    await start("dead", "-p", `${port}:80`, "-p", `${port + 1000}:81`);
    expect((await start("web", "-p", `${port}:80`)).exitCode).toBe(0);
    expect(published()).toEqual([String(port)]);
  });

  test("ending: the next command settles it", async () => {
    await start("web", "-p", `${port}:80`);
    const { Pid } = (await bocker.inspect("web")).State;
    once(moment);
    process.kill(Pid, "SIGKILL");
    const status = async () => (await run("ps", "-a", "--format", "{{.Status}}")).stdout;
    // The monitor takes a moment to be killed.
    for (let tries = 0; tries < 1000 && !(await status()).startsWith("Exited"); tries++) await Bun.sleep(20);
    expect(await status()).toStartWith("Exited");
    expect(existsSync(join(folder, "once"))).toBe(false);
    expect(published()).toEqual([]);
  });

  test("changing: the container goes on, and the same change works", async () => {
    await start("web", "-p", `${port}:80`);
    once(moment);
    const change = ["update", "-p", `${port + 1000}:80`, "--publish-rm", "80", "web"];
    expect((await run(...change)).signal).toBe("SIGKILL");
    expect((await bocker.inspect("web")).State.Running).toBe(true);
    expect(await run(...change)).toMatchObject({ exitCode: 0, stderr: "" });
    expect(published()).toEqual([String(port + 1000)]);
    expect((await run("port", "web")).stdout).not.toContain(`:${port}\n`);
  });

  test("changing: a look at the ports takes back what was half done", async () => {
    await start("web", "-p", `${port}:80`);
    once(moment);
    const change = ["update", "-p", `${port + 1000}:80`, "--publish-rm", "80", "web"];
    expect((await run(...change)).signal).toBe("SIGKILL");
    const { stdout } = await run("port", "web");
    expect(stdout).toContain(`:${port}\n`);
    expect(stdout).not.toContain(`:${port + 1000}\n`);
    expect(published()).toEqual([String(port)]);
  });
});

test("busybox's ip: enough for a bridge that stands, else what is missing, and nothing left", async () => {
  const programs = join(bocker.directory, "busybox");
  mkdirSync(programs);
  symlinkSync(Bun.which("busybox") ?? "", join(programs, "ip"));
  const withIt = (...words: readonly string[]) => bocker.runWith({ env: { PATH: programs } }, ...words);
  expect(await withIt("run", "--rm", "busybox", "true")).toMatchObject({ exitCode: 0, stderr: "" });
  const { exitCode, stderr } = await withIt("network", "create", "lacking");
  expect(stderr).toContain("install the package iproute2");
  expect(exitCode).toBe(1);
});

test("firewalld is told of bridges that come and go while it runs", async () => {
  const programs = join(bocker.directory, "firewalld");
  mkdirSync(programs);
  const list = join(programs, "trusted");
  writeFileSync(list, "");
  const script = [
    "#!/bin/sh",
    `[ -f ${list} ] || exit 252`,
    "for word; do case $word in",
    `--list-interfaces) tr '\\n' ' ' <${list} ;;`,
    `--change-interface=*) echo "\${word#*=}" >>${list} ;;`,
    `--remove-interface=*) sed -i "/^\${word#*=}$/d" ${list} ;;`,
    "esac; done",
    "",
  ];
  writeFileSync(join(programs, "firewall-cmd"), script.join("\n"));
  chmodSync(join(programs, "firewall-cmd"), 0o755);
  const beside = { env: { PATH: `${programs}:${process.env.PATH}` } };
  const trusted = () =>
    readFileSync(list, "utf8")
      .split("\n")
      .filter((line) => line !== "");
  const id = (await bocker.runWith(beside, "network", "create", "aside")).stdout.trim();
  await bocker.runWith(beside, "run", "--rm", "--network", "aside", "busybox", "true");
  expect(trusted()).toContain(`br-${id.slice(0, 12)}`);
  expect((await bocker.runWith(beside, "network", "rm", "aside")).exitCode).toBe(0);
  expect(trusted()).not.toContain(`br-${id.slice(0, 12)}`);
  rmSync(list);
  expect((await bocker.runWith(beside, "network", "reload")).exitCode).toBe(0);
});

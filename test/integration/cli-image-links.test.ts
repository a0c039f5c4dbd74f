/**
 * Images whose links stand where the engine mounts: followed inside the image, made there when they lead nowhere, and
 * never followed to the host.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeTar, type RawMember } from "../lib/tar-maker.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
/** A directory of the host, with one file that must stay as it is. */
let sentinel: string;
beforeAll(() => {
  bocker = openWorkspace();
  sentinel = join(bocker.directory, "sentinel");
  mkdirSync(sentinel);
  writeFileSync(join(sentinel, "secret"), "untouched");
});
afterAll(() => bocker[Symbol.asyncDispose]());

const link = (name: string, linkName: string): RawMember => ({ type: "2", name, linkName });

/** An image of busybox and the given members; the argument for run. */
function imageOf(name: string, ...members: readonly RawMember[]): string {
  const path = join(bocker.directory, `${name}.tar`);
  const directories = ["bin", "etc"].map((each): RawMember => ({ type: "5", name: `${each}/`, mode: 0o755 }));
  const shell: RawMember = { name: "bin/busybox", mode: 0o755, data: readFileSync("/bin/busybox") };
  writeFileSync(path, makeTar(...directories, shell, ...members));
  return path;
}

/** Runs a script of the image's shell. */
async function run(image: string, script: string, ...flags: string[]): Promise<string> {
  return bocker.ok("run", "--rm", "--network", "none", ...flags, image, "/bin/busybox", "sh", "-c", script);
}

function expectUntouched(): void {
  expect(readdirSync(sentinel)).toEqual(["secret"]);
  expect(readFileSync(join(sentinel, "secret"), "utf8")).toBe("untouched");
}

test("/etc/resolv.conf as a link to a file that systemd would make", async () => {
  const image = imageOf("systemd", link("etc/resolv.conf", "../run/systemd/resolve/stub-resolv.conf"));
  const script =
    "busybox grep -c nameserver /etc/resolv.conf; busybox head -c 9 /run/systemd/resolve/stub-resolv.conf";
  expect(await run(image, script, "--dns", "192.0.2.1")).toStartWith("1\n");
});

test("/dev, hosts and hostname as links to paths of the host", async () => {
  const image = imageOf(
    "links",
    link("dev", `..${sentinel}/dev`),
    link("etc/hosts", `${sentinel}/secret`),
    link("etc/hostname", `${sentinel}/new/hostname`),
  );
  expect(await run(image, "busybox cat /etc/hostname; test -c /dev/null && echo null", "-h", "me")).toBe(
    "me\nnull",
  );
  expectUntouched();
});

test("targets of volumes, tmpfs and the working directory behind links to nowhere", async () => {
  const image = imageOf("targets", link("data", `${sentinel}/data`), link("work", "/srv/./../srv/work"));
  const show = `busybox mount | busybox grep -c '${sentinel}/data'`;
  expect(await run(image, show, "-v", "linked:/data")).toBe("1");
  expect(await run(image, show, "--tmpfs", "/data")).toBe("1");
  expect(await run(image, show, "-v", `${bocker.configFile}:/data/file`)).toBe("1");
  expect(await run(image, "busybox pwd", "-w", "/work/deep")).toBe("/srv/work/deep");
  expectUntouched();
});

test("proc and sysfs are refused on a link", async () => {
  for (const name of ["proc", "sys"]) {
    const image = imageOf(`forged-${name}`, link(name, sentinel));
    const outcome = await bocker.run("run", "--rm", "--network", "none", image, "/bin/busybox", "true");
    expect(outcome.stderr).toContain("the image has a symbolic link where this file system belongs");
    expect(outcome.exitCode).toBe(125);
  }
  expectUntouched();
});

test("links that lead in a circle are an error, not a hang", async () => {
  const image = imageOf("circle", link("a", "b"), link("b", "a"));
  const outcome = await bocker.run(
    "run",
    "--rm",
    "--network",
    "none",
    "-v",
    "/tmp:/a",
    image,
    "/bin/busybox",
  );
  expect(outcome.stderr).toContain("too many levels of symbolic links");
  expect(outcome.exitCode).toBe(125);
});

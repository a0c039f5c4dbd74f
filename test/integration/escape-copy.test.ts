/**
 * `cp` with a container that works against it while it runs: CVE-2018-15664 (links swapped in the middle of a copy) and
 * CVE-2019-14271 (libraries of the container's loaded by the copying process). Links that stand still: cli-cp.test.ts.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hostilePrograms } from "../lib/hostile-program.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
let outside: string;

beforeAll(async () => {
  bocker = openWorkspace();
  outside = join(bocker.directory, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "secret"), "the host's\n");
  const programs = hostilePrograms(bocker, "exchange");
  // The link leads to the same path inside, where there is a bait, so that both states can be copied.
  const script = [
    `mkdir -p /t/dir ${outside}`,
    "echo bait > /t/dir/secret",
    `echo bait > ${outside}/secret`,
    `ln -s ${outside} /t/link`,
    "exec /hostile/exchange /t/dir /t/link",
  ].join("; ");
  await bocker.ok(
    "run",
    "-d",
    "--name",
    "racer",
    "--network",
    "none",
    ...programs,
    "busybox",
    "sh",
    "-c",
    script,
  );
});
afterAll(() => bocker[Symbol.asyncDispose]());

test("what comes out is the container's, never the host's", async () => {
  for (let times = 0; times < 12; times++) {
    const target = join(bocker.directory, `got${times}`);
    await bocker.run("cp", "racer:/t/dir/secret", target);
    if (existsSync(target)) expect(readFileSync(target, "utf8")).toBe("bait\n");
    await bocker.run("cp", "-L", "racer:/t/link", join(bocker.directory, `tree${times}`));
    const inTree = join(bocker.directory, `tree${times}/secret`);
    if (existsSync(inTree)) expect(readFileSync(inTree, "utf8")).toBe("bait\n");
  }
}, 60_000);

test("what goes in stays in", async () => {
  const planted = join(bocker.directory, "planted");
  mkdirSync(planted);
  writeFileSync(join(planted, "secret"), "overwritten\n");
  for (let times = 0; times < 12; times++) {
    await bocker.run("cp", planted, "racer:/t/dir/");
    await bocker.run("cp", join(planted, "secret"), "racer:/t/dir/secret");
  }
  expect(readdirSync(outside)).toEqual(["secret"]);
  expect(readFileSync(join(outside, "secret"), "utf8")).toBe("the host's\n");
}, 60_000);

test("no library of the container's is loaded by who copies", async () => {
  const library = join(bocker.directory, "libnss_files.so.2");
  const source = join(bocker.directory, "library.c");
  const mark = join(outside, "loaded");
  writeFileSync(
    source,
    `#include <fcntl.h>\n__attribute__((constructor)) static void loaded(void) { open("${mark}", O_CREAT | O_WRONLY, 0600); open("/loaded", O_CREAT | O_WRONLY, 0600); }\n`,
  );
  const { exitCode } = Bun.spawnSync(["cc", "-shared", "-fPIC", "-o", library, source]);
  expect(exitCode).toBe(0);
  const folders = [
    "/lib",
    "/lib64",
    "/usr/lib",
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib/aarch64-linux-gnu",
  ];
  await bocker.ok("exec", "racer", "mkdir", "-p", ...folders, "/etc/ld.so.conf.d");
  for (const folder of folders) {
    for (const name of ["libnss_files.so.2", "libc.so.6", "libnss_dns.so.2"])
      await bocker.ok("cp", library, `racer:${folder}/${name}`);
  }
  await bocker.ok(
    "exec",
    "racer",
    "sh",
    "-c",
    `echo /lib/libnss_files.so.2 > /etc/ld.so.preload; echo 'passwd: files' > /etc/nsswitch.conf`,
  );
  await bocker.ok("cp", "-a", library, "racer:/tmp/one");
  await bocker.ok("cp", "racer:/tmp/one", join(bocker.directory, "one"));
  await bocker.ok("exec", "-u", "root", "racer", "true");
  expect(existsSync(mark)).toBe(false);
  expect((await bocker.run("exec", "racer", "ls", "/loaded")).exitCode).toBe(1);
}, 60_000);

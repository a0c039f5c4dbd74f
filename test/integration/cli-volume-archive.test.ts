/** `volume export` and `volume import`: the files of a volume as a tar, and back. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(async () => {
  bocker = openWorkspace();
  await inVolume(
    "data",
    "mkdir -p /v/a; echo leaf >/v/a/leaf; ln -s /etc /v/out; chown -R 7:8 /v/a; chmod 640 /v/a/leaf",
  );
});
afterAll(() => bocker[Symbol.asyncDispose]());

const inVolume = (volume: string, script: string) =>
  bocker.ok("run", "--rm", "--network", "none", "-v", `${volume}:/v`, "busybox", "sh", "-c", script);

const look = "stat -c '%n %a %u %g' /v/a /v/a/leaf; cat /v/a/leaf; readlink /v/out";
const looks = "/v/a 755 7 8\n/v/a/leaf 640 7 8\nleaf\n/etc";

test("out through a file and back: names, contents, owners, modes, links", async () => {
  const file = join(bocker.directory, "data.tar");
  expect(await bocker.ok("volume", "export", "-o", file, "data")).toBe("");
  await bocker.ok("volume", "create", "copy");
  await bocker.ok("volume", "import", "copy", file);
  expect(await inVolume("copy", look)).toBe(looks);
});

test("through a pipe, compressed or not", async () => {
  const tar = (await bocker.run("volume", "export", "data")).stdoutBytes;
  for (const stdin of [tar, Bun.gzipSync(Buffer.from(tar))]) {
    await bocker.ok("volume", "create", "piped");
    expect((await bocker.runWith({ stdin }, "volume", "import", "piped", "-")).exitCode).toBe(0);
    expect(await inVolume("piped", look)).toBe(looks);
    await bocker.ok("volume", "rm", "piped");
  }
});

test("what is imported goes over what is there, and the rest stays", async () => {
  const file = join(bocker.directory, "over.tar");
  await bocker.ok("volume", "export", "-o", file, "data");
  await bocker.ok("volume", "create", "merged");
  await inVolume("merged", "mkdir /v/a; echo old >/v/a/leaf; echo stays >/v/other");
  await bocker.ok("volume", "import", "merged", file);
  expect(await inVolume("merged", "cat /v/a/leaf /v/other")).toBe("leaf\nstays");
});

test("a volume that is a directory of the host", async () => {
  const place = join(bocker.directory, "place");
  mkdirSync(place);
  const options = ["-o", "type=none", "-o", `device=${place}`, "-o", "o=bind"];
  await bocker.ok("volume", "create", ...options, "elsewhere");
  const tar = (await bocker.run("volume", "export", "data")).stdoutBytes;
  await bocker.runWith({ stdin: tar }, "volume", "import", "elsewhere", "-");
  expect(readFileSync(join(place, "a/leaf"), "utf8")).toBe("leaf\n");
});

test("a member that climbs out, or goes through the volume's own link, writes nothing outside", async () => {
  const victim = join(bocker.directory, "victim");
  writeFileSync(victim, "as it was");
  const folder = join(bocker.directory, "hostile");
  mkdirSync(folder);
  writeFileSync(join(folder, "payload"), "evil");
  const archive = join(bocker.directory, "hostile.tar");
  const name = `out/..${bocker.directory}/victim`;
  Bun.spawnSync(["tar", "-P", "-cf", archive, "-C", folder, "--transform", `s,payload,${name},`, "payload"]);
  await bocker.ok("volume", "create", "target");
  await inVolume("target", "ln -s / /v/out");
  await bocker.run("volume", "import", "target", archive);
  expect(readFileSync(victim, "utf8")).toBe("as it was");
});

describe("refusals", () => {
  const cases: readonly (readonly [readonly string[], string])[] = [
    [["export", "nope"], "get nope: no such volume"],
    [["export", "-o", "/no/such/folder/x.tar", "data"], "failed to export volume: invalid output path"],
    [["import", "nope", "-"], "get nope: no such volume"],
    [["import", "data", "/no/such.tar"], 'cannot read "/no/such.tar"'],
    [["import", "data"], "requires 2 arguments"],
  ];
  for (const [words, phrase] of cases) {
    test(words.join(" "), async () => {
      const { exitCode, stdout, stderr } = await bocker.run("volume", ...words);
      expect([exitCode, stdout]).toEqual([1, ""]);
      expect(stderr).toContain(phrase);
    });
  }

  test("what is no archive", async () => {
    const file = join(bocker.directory, "broken.tar");
    writeFileSync(file, new Uint8Array(2048).fill(65));
    const { exitCode, stderr } = await bocker.run("volume", "import", "data", file);
    expect([exitCode, stderr.startsWith("Error: ")]).toEqual([1, true]);
    expect(await inVolume("data", look)).toBe(looks);
  });

  test("a tmpfs, which is nowhere on the host", async () => {
    await bocker.ok("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "fleeting");
    const { stderr } = await bocker.run("volume", "export", "fleeting");
    expect(stderr).toContain('cannot export volume "fleeting": it is a tmpfs');
  });

  test("a terminal", () => {
    const script = `script -qec "${process.env.BOCKER_BINARY ?? join(process.cwd(), "dist/bocker")} volume export data" /dev/null`;
    const { stdout } = Bun.spawnSync(["sh", "-c", script], { env: { ...bocker.env } });
    expect(stdout.toString()).toContain("cowardly refusing to save to a terminal");
    expect(existsSync("/dev/null")).toBe(true);
  });
});

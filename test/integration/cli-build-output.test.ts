/**
 * Where the result of a build goes, caches for other machines, progress, and the end by Ctrl-C.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { namesIn, openBuildBench } from "../lib/build-bench.ts";
import { startRegistry } from "../lib/registry-fixture.ts";

const bench = openBuildBench();
const { workspace, directory, folder } = bench;

afterAll(() => bench[Symbol.asyncDispose]());

describe("outputs", () => {
  const text = "FROM scratch\nCOPY dir /\n";
  const source = () => folder({ Dockerfile: text, "dir/one": "1\n", "dir/sub/two": "2\n" });

  test("a directory: the files belong to who builds; no image is kept", async () => {
    const target = join(directory, "out");
    const before = await workspace.ok("images", "-aq");
    await workspace.ok("build", "-q", "-o", target, source());
    expect(readFileSync(join(target, "sub/two"), "utf8")).toBe("2\n");
    expect(statSync(join(target, "one")).uid).toBe(process.getuid?.() ?? 0);
    expect(await workspace.ok("images", "-aq")).toBe(before);
  });

  test("a tar, in a file and on standard output", async () => {
    const file = join(directory, "out.tar");
    await workspace.ok("build", "-q", "-o", `type=tar,dest=${file}`, source());
    const { stdoutBytes } = await workspace.run("build", "-q", "-o", "-", source());
    expect(namesIn(stdoutBytes).sort()).toEqual(namesIn(readFileSync(file)).sort());
    expect(namesIn(stdoutBytes)).toEqual(["one", "sub/", "sub/two"]);
  });

  test("a directory that is there keeps its own mode", async () => {
    const target = join(directory, "kept");
    mkdirSync(target, { mode: 0o700 });
    await workspace.ok("build", "-q", "-o", target, source());
    expect(statSync(target).mode & 0o777).toBe(0o700);
  });

  test.each(["oci", "docker"])("an archive that skopeo reads: %s", async (format) => {
    const file = join(directory, `${format}.tar`);
    await workspace.ok("build", "-q", "-t", "arch:7", "-o", `type=${format},dest=${file}`, source());
    const seen = Bun.spawnSync(["skopeo", "inspect", "--config", `${format}-archive:${file}`]);
    expect(seen.stderr.toString()).toBe("");
    expect(JSON.parse(seen.stdout.toString()).rootfs.diff_ids.length).toBe(1);
    rmSync(file);
  });

  test("an OCI layout", async () => {
    const target = join(directory, "layout");
    await workspace.ok("build", "-q", "-t", "lay:1", "-o", `type=oci,tar=false,dest=${target}`, source());
    expect(existsSync(join(target, "index.json"))).toBe(true);
  });

  test("the image and files at once", async () => {
    const target = join(directory, "both");
    const id = await workspace.ok("build", "-q", "-t", "both", "-o", target, "-o", "type=image", source());
    expect(existsSync(join(target, "one"))).toBe(true);
    expect((await workspace.inspect("both")).Id).toBe(id);
  });
});

test.each(["standard input", "a server"])("Ctrl-C ends a build that waits for %s", async (what) => {
  const slow = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => {
      const pull = async (to: ReadableStreamDefaultController<Uint8Array>) => {
        to.enqueue(new Uint8Array(16));
        await Bun.sleep(100);
      };
      return new Response(new ReadableStream({ pull }));
    },
  });
  try {
    const context = what === "a server" ? `http://127.0.0.1:${slow.port}/slow` : "-";
    const child = workspace.spawn(["build", "--progress=plain", context]);
    const reader = child.stderr.getReader();
    await reader.read();
    child.kill("SIGINT");
    expect(await child.exited).toBe(1);
    let said = "";
    for (let next = await reader.read(); !next.done; next = await reader.read())
      said += new TextDecoder().decode(next.value);
    expect(said).toContain("ERROR: failed to build: failed to solve: Canceled: context canceled");
    expect(readdirSync(join(workspace.root, "tmp")).filter((name) => name.startsWith("import-"))).toEqual([]);
  } finally {
    slow.stop(true);
  }
});

describe("progress", () => {
  test("rawjson: every line is an object, every vertex ends", async () => {
    const { stderr } = await workspace.runWith(
      { stdin: "FROM busybox\nRUN echo hi\n" },
      "build",
      "--no-cache",
      "--progress=rawjson",
      "-",
    );
    const lines = stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const vertexes = lines.flatMap(({ vertexes = [] }) => vertexes);
    const names = new Set(vertexes.map(({ name }) => name));
    const ended = new Set(vertexes.filter(({ completed }) => completed).map(({ name }) => name));
    expect(ended).toEqual(names);
    expect(names).toContain("[2/2] RUN echo hi");
    const [log] = lines.flatMap(({ logs = [] }) => logs);
    expect(atob(log.data)).toBe("hi\n");
  });

  test("a terminal gets the live list", async () => {
    const path = folder({ Dockerfile: "FROM busybox\nRUN echo seen\n" });
    await using session = workspace.terminal("build", "--no-cache", path);
    expect(await session.exited).toBe(0);
    await session.waitFor("FINISHED");
    await session.waitFor(" => [2/2] RUN echo seen");
  });

  test("one that there is not", async () => {
    const { stderr, exitCode } = await workspace.run("build", "--progress=loud", ".");
    expect(stderr).toContain("invalid progress mode: loud");
    expect(exitCode).toBe(1);
  });
});

describe("caches for other machines", () => {
  const text =
    "FROM busybox AS a\nRUN echo 1 > /1\nRUN echo side > /side\nFROM busybox\nCOPY --from=a /1 /one\nRUN echo 2 > /2\n";
  const build = async (...options: readonly string[]) => {
    const { stderr, exitCode } = await workspace.runWith(
      { stdin: text },
      "build",
      "--progress=plain",
      ...options,
      "-",
    );
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    return { stderr, cached: stderr.split("\n").filter((line) => line.endsWith(" CACHED")).length };
  };
  /** As on another machine: nothing is known of what was built. */
  const forget = () => workspace.ok("builder", "prune", "-a", "-f");

  test("a directory: all steps, or those of the result", async () => {
    const [whole, least] = [join(directory, "cache-max"), join(directory, "cache-min")];
    await build("--cache-to", `type=local,dest=${whole},mode=max`, "--cache-to", `type=local,dest=${least}`);
    await forget();
    expect((await build("--cache-from", `type=local,src=${whole}`)).cached).toBe(6);
    await forget();
    const { cached, stderr } = await build("--cache-from", `type=local,src=${least}`);
    expect(stderr).toContain("2 steps taken over");
    expect(cached).toBeLessThan(6);
    // What was in the directory before is no obstacle.
    await build("--cache-to", `type=local,dest=${whole},mode=max`);
  });

  test("a registry", async () => {
    await using registry = await startRegistry();
    const name = `${registry.host}/cache:main`;
    await build("--cache-to", `type=registry,ref=${name},mode=max`);
    await forget();
    expect((await build("--cache-from", name)).cached).toBe(6);
  });

  test("one that is damaged, or none at all, is told and not used", async () => {
    const place = join(directory, "cache-bad");
    await build("--cache-to", `type=local,dest=${place},mode=max`);
    await forget();
    for (const name of readdirSync(join(place, "blobs/sha256"))) {
      const file = join(place, "blobs/sha256", name);
      const bytes = readFileSync(file);
      if (bytes[0] === 0x1f)
        writeFileSync(file, Buffer.concat([bytes.subarray(0, 20), Buffer.alloc(bytes.length - 20)]));
    }
    const damaged = await build("--cache-from", `type=local,src=${place}`);
    expect(damaged.stderr).toContain(`the cache ${place} is not used: `);
    expect(damaged.cached).toBeLessThan(6);
    await forget();
    const missing = await build("--cache-from", `type=local,src=${directory}/nowhere`);
    expect(missing.stderr).toContain("no such file");
    const image = join(directory, "an-image");
    await workspace.ok(
      "build",
      "-q",
      "-o",
      `type=oci,tar=false,dest=${image}`,
      folder({ Dockerfile: "FROM busybox\n" }),
    );
    expect((await build("--cache-from", `type=local,src=${image}`)).stderr).toContain(
      "no build cache of bocker's",
    );
  });
});

test("--push: every tag goes to its registry", async () => {
  await using registry = await startRegistry();
  const tags = ["1", "2"].map((tag) => `${registry.host}/built:${tag}`);
  const words = tags.flatMap((tag) => ["-t", tag]);
  const built = await workspace.runWith(
    { stdin: "FROM busybox\nLABEL pushed=yes\n" },
    "build",
    "-q",
    "--push",
    ...words,
    "-",
  );
  expect(built).toMatchObject({ exitCode: 0, stderr: "" });
  await workspace.ok("rmi", ...tags);
  await workspace.ok("pull", "-q", tags[1] ?? "");
  expect((await workspace.inspect(tags[1] ?? "")).Id).toBe(built.stdout.trim());
  const bare = await workspace.runWith({ stdin: "FROM busybox\n" }, "build", "--push", "-");
  expect(bare.stderr).toContain("tag is needed when pushing to registry");
});

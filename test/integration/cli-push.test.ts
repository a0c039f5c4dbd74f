/**
 * Push, search, manifest inspect and pull --all-tags from the outside: the executable, Debian's docker-registry, and
 * skopeo reading what was pushed.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startCuttingProxy } from "../lib/cutting-proxy.ts";
import { makeImage, makeIndex } from "../lib/oci-image.ts";
import { type RegistryFixture, startRegistry } from "../lib/registry-fixture.ts";
import { startUploadRegistry } from "../lib/upload-registry.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
let registry: RegistryFixture;
let host: string;
const noise = crypto.getRandomValues(new Uint8Array(65536));
const image = makeImage(
  [
    [
      {
        name: "base",
        content: Buffer.concat(Array.from({ length: 48 }, (_, at) => noise.map((byte) => byte ^ at))),
      },
    ],
    [{ name: "top", content: "top" }],
  ],
  { config: { Cmd: ["/base"], Labels: { team: "red", stage: "test" } } },
);
const old = makeImage([[{ name: "old", content: "old" }]], { docker: true });
const digest = image.manifest.descriptor.digest;
const imageId = image.config.descriptor.digest;

beforeAll(async () => {
  bocker = openWorkspace();
  registry = await startRegistry();
  ({ host } = registry);
  await registry.push("seed:1", image);
  await registry.push("seed:old", old);
  await bocker.ok("pull", "-q", `${host}/seed:1`);
  await bocker.ok("pull", "-q", `${host}/seed:old`);
}, 60_000);
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await bocker[Symbol.asyncDispose]();
});

const shortOf = (diffID: string) => diffID.slice("sha256:".length, "sha256:".length + 12);

function skopeo(...words: readonly string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(["skopeo", ...words], { stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`skopeo ${words.join(" ")}: ${stderr}`);
  return stdout.toString();
}

describe("push", () => {
  test("docker's lines; a neighbour's layers are mounted, the second time all is there", async () => {
    await bocker.ok("tag", `${host}/seed:1`, `${host}/pushed`);
    const { exitCode, stdout, stderr } = await bocker.run("push", `${host}/pushed`);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const [top = "", base = ""] = image.diffIDs.map(shortOf).reverse();
    const last = `latest: digest: ${digest} size: ${image.manifest.bytes.byteLength}`;
    const lines = stdout.trim().split("\n");
    expect(lines.slice(0, 4)).toEqual([
      "Using default tag: latest",
      `The push refers to repository [${host}/pushed]`,
      `${top}: Preparing`,
      `${base}: Preparing`,
    ]);
    expect(lines.slice(4, 6).sort()).toEqual(
      [`${base}: Mounted from ${host}/seed`, `${top}: Mounted from ${host}/seed`].sort(),
    );
    expect(lines.slice(6)).toEqual([last]);
    const again = await bocker.ok("push", `${host}/pushed:latest`);
    expect(again).toContain(`${base}: Layer already exists`);
    expect(again).toEndWith(last);
  });

  test("what was pushed keeps its digest: another store pulls it, skopeo reads and copies it", async () => {
    await using fresh = await startRegistry();
    const name = `${fresh.host}/group/app:2`;
    await bocker.ok("tag", `${host}/seed:1`, name);
    expect(await bocker.ok("push", name)).toContain(`${shortOf(image.diffIDs[0] ?? "")}: Pushed`);
    const seen = JSON.parse(skopeo("inspect", "--tls-verify=false", `docker://${name}`));
    expect(seen).toMatchObject({ Digest: digest, Labels: { team: "red" } });
    expect(seen.Layers).toEqual(image.layers.map(({ descriptor }) => descriptor.digest));
    const layout = join(bocker.directory, "copied");
    skopeo("copy", "-q", "--src-tls-verify=false", `docker://${name}`, `oci:${layout}:app`);
    expect(existsSync(join(layout, "blobs/sha256", digest.slice(7)))).toBe(true);
    await using other = openWorkspace();
    expect(await other.ok("pull", name)).toContain(`Digest: ${digest}`);
    expect((await other.inspect(name)).Id).toBe(imageId);
  });

  test("docker's media types stay docker's", async () => {
    await bocker.ok("tag", `${host}/seed:old`, `${host}/kept:1`);
    await bocker.ok("push", "-q", `${host}/kept:1`);
    const raw = skopeo("inspect", "--raw", "--tls-verify=false", `docker://${host}/kept:1`);
    expect(raw).toBe(Buffer.from(old.manifest.bytes).toString());
  });

  test("the pushed name gets its digest, and images shows it", async () => {
    await bocker.ok("tag", `${host}/seed:1`, `${host}/known:1`);
    expect(await bocker.ok("push", "-q", `${host}/known:1`)).toBe(`${host}/known:1`);
    const { RepoDigests } = await bocker.inspect(`${host}/known:1`);
    expect(RepoDigests).toContain(`${host}/known@${digest}`);
    expect(await bocker.ok("images", "--digests", `${host}/known`)).toContain(digest);
  });

  test("--all-tags pushes each", async () => {
    for (const tag of ["a", "b"])
      await bocker.ok("tag", `${host}/seed:${tag === "a" ? "1" : "old"}`, `${host}/many:${tag}`);
    const out = await bocker.ok("push", "-a", `${host}/many`);
    expect(out).toContain(`a: digest: ${digest} `);
    expect(out).toContain(`b: digest: ${old.manifest.descriptor.digest} `);
    expect(
      JSON.parse(skopeo("list-tags", "--tls-verify=false", `docker://${host}/many`)).Tags.sort(),
    ).toEqual(["a", "b"]);
  });

  test("the embedded image, imported directories", async () => {
    await bocker.ok("tag", "busybox", `${host}/embedded`);
    expect(await bocker.ok("push", `${host}/embedded`)).toContain(": Pushed");
    skopeo("inspect", "--tls-verify=false", `docker://${host}/embedded`);
  });

  test("a connection that breaks in the middle of a layer is gone on with", async () => {
    using proxy = startCuttingProxy(Number(host.split(":")[1]), 1_000_000, 2);
    const fresh = makeImage(
      [
        [
          {
            name: "fresh",
            content: Buffer.concat(Array(48).fill(noise.map((byte) => byte ^ 99))).toString("latin1"),
          },
        ],
      ],
      { compression: "none" },
    );
    const layout = writeLayout("fresh", fresh);
    await bocker.ok("create", "--name", "fresh", layout, "/x");
    await bocker.ok("tag", fresh.config.descriptor.digest, `${proxy.host}/fresh`);
    await bocker.ok("rm", "fresh");
    await bocker.ok("push", `${proxy.host}/fresh`);
    expect(proxy.cuts).toBe(2);
    expect(JSON.parse(skopeo("inspect", "--tls-verify=false", `docker://${host}/fresh`)).Digest).toBe(
      fresh.manifest.descriptor.digest,
    );
  });

  test("a push that is killed or interrupted leaves nothing here; the next one works", async () => {
    await using stalling = startUploadRegistry();
    const begun: PromiseWithResolvers<void>[] = [];
    stalling.intercept = ({ method }) => {
      if (method !== "PATCH") return undefined;
      begun.at(-1)?.resolve();
      return new Promise<Response>(() => undefined);
    };
    const name = `${stalling.host}/stalled`;
    await bocker.ok("tag", `${host}/seed:1`, name);
    const folder = join(bocker.root, "tmp");
    const before = readdirSync(folder).sort();
    for (const signal of ["SIGINT", "SIGKILL"] as const) {
      const stalled = Promise.withResolvers<void>();
      begun.push(stalled);
      const child = bocker.spawn(["push", name]);
      await Promise.race([stalled.promise, child.exited]);
      child.kill(signal);
      await child.exited;
      expect(child.signalCode).toBe(signal);
      expect(readdirSync(folder).sort()).toEqual(before);
    }
    stalling.intercept = () => undefined;
    expect(await bocker.ok("push", name)).toContain(`latest: digest: ${digest}`);
    expect(stalling.blobs.size).toBe(3);
  });

  test("on a terminal, layers have a line each that is redrawn", async () => {
    await using terminal = bocker.terminal("push", `${host}/seed:1`);
    await terminal.waitFor(`1: digest: ${digest}`);
    expect(await terminal.exited).toBe(0);
    expect(terminal.screen).toContain("\x1b[2A");
    expect(terminal.screen).toContain("Layer already exists");
  });

  const refused: readonly (readonly [string, readonly string[], string])[] = [
    [
      "a repository that is not here",
      ["nope/nope"],
      "An image does not exist locally with the tag: nope/nope",
    ],
    ["a tag that is not here", ["HOST/seed:9"], "tag does not exist: HOST/seed:9"],
    ["a digest", [`HOST/seed@${digest}`], "cannot push a digest reference"],
    ["a tag with --all-tags", ["-a", "HOST/seed:1"], "tag can't be used with --all-tags/-a"],
    [
      "a name that is none",
      ["UPPER"],
      "invalid reference format: repository name (library/UPPER) must be lowercase",
    ],
  ];
  for (const [name, words, message] of refused) {
    test(`refused: ${name}`, async () => {
      const filled = words.map((word) => word.replace("HOST", host));
      const { exitCode, stderr } = await bocker.run("push", ...filled);
      expect(exitCode).toBe(1);
      expect(stderr).toStartWith(`Error: ${message.replace("HOST", host)}\n`);
    });
  }
});

/** An image layout directory of one image. */
function writeLayout(name: string, made: ReturnType<typeof makeImage>): string {
  const layout = join(bocker.directory, name);
  mkdirSync(join(layout, "blobs/sha256"), { recursive: true });
  for (const { bytes, descriptor } of [made.manifest, made.config, ...made.layers])
    writeFileSync(join(layout, "blobs/sha256", descriptor.digest.slice(7)), bytes);
  writeFileSync(join(layout, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(layout, "index.json"), makeIndex([{ image: made }]).bytes);
  return layout;
}

describe("what a registry has", () => {
  test("search by the catalog, with a limit and formats", async () => {
    await bocker.ok("tag", `${host}/seed:1`, `${host}/findable/one:1`);
    await bocker.ok("tag", `${host}/seed:1`, `${host}/findable/two:1`);
    for (const name of ["one", "two"]) await bocker.ok("push", "-q", `${host}/findable/${name}:1`);
    const [head, ...rows] = (await bocker.ok("search", `${host}/findable`)).split("\n");
    expect(head).toMatch(/^NAME +DESCRIPTION +STARS +OFFICIAL$/);
    expect(rows.map((row) => row.split(" ")[0])).toEqual([`${host}/findable/one`, `${host}/findable/two`]);
    expect(await bocker.ok("search", "--limit", "1", "--format", "{{.Name}}", `${host}/findable`)).toBe(
      `${host}/findable/one`,
    );
    expect(await bocker.ok("search", "-f", "stars=1", "--format", "{{.Name}}", `${host}/findable`)).toBe("");
    expect((await bocker.run("search", "--limit", "101", `${host}/x`)).stderr).toContain(
      "limit 101 is outside the range of [1, 100]",
    );
    expect((await bocker.run("search", "-f", "colour=red", `${host}/x`)).stderr).toContain(
      "invalid filter 'colour'",
    );
  });

  test("manifest inspect: the document, and with -v its descriptor and platform", async () => {
    const plain = await bocker.ok("manifest", "inspect", `${host}/seed:1`);
    expect(plain).toBe(JSON.stringify(JSON.parse(Buffer.from(image.manifest.bytes).toString()), null, "\t"));
    const verbose = JSON.parse(await bocker.ok("manifest", "inspect", "-v", `${host}/seed:old`));
    expect(verbose).toMatchObject({
      Ref: `${host}/seed:old`,
      Descriptor: {
        digest: old.manifest.descriptor.digest,
        platform: { architecture: "amd64", os: "linux" },
      },
    });
    expect(Buffer.from(verbose.Raw, "base64").toString()).toBe(Buffer.from(old.manifest.bytes).toString());
    expect(verbose.SchemaV2Manifest.config.digest).toBe(old.config.descriptor.digest);
    const missing = await bocker.run("manifest", "inspect", `${host}/seed:9`);
    expect(missing).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining(`no such manifest: ${host}/seed:9`),
    });
  });

  test("manifest inspect of an index lists every platform", async () => {
    const arm = makeImage([[{ name: "x", content: "arm" }]], {
      platform: { os: "linux", architecture: "arm64" },
    });
    await registry.push("multi:x", arm);
    const index = makeIndex([
      { image: old, platform: { os: "linux", architecture: "amd64" } },
      { image: arm, platform: { os: "linux", architecture: "arm64" } },
    ]);
    await registry.push("multi:x", arm);
    await registry.push("multi:1", old, index);
    const plain = await bocker.ok("manifest", "inspect", `${host}/multi:1`);
    expect(plain).toBe(JSON.stringify(JSON.parse(Buffer.from(index.bytes).toString()), null, 3));
    const verbose = JSON.parse(await bocker.ok("manifest", "inspect", "-v", `${host}/multi:1`));
    expect(verbose.map((entry: { Ref: string }) => entry.Ref)).toEqual([
      `${host}/multi:1@${old.manifest.descriptor.digest}`,
      `${host}/multi:1@${arm.manifest.descriptor.digest}`,
    ]);
  });

  test("pull --all-tags brings each and sums up once", async () => {
    await using other = openWorkspace();
    const { exitCode, stdout } = await other.run("pull", "-a", `${host}/seed`);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("1: Pulling from seed\n");
    expect(stdout).toContain("old: Pulling from seed\n");
    expect(stdout.match(/^Status: /gm)).toHaveLength(1);
    expect(stdout).toEndWith(`Status: Downloaded newer image for ${host}/seed\n${host}/seed\n`);
    expect((await other.ok("images", "--format", "{{.Tag}}", `${host}/seed`)).split("\n").sort()).toEqual([
      "1",
      "old",
    ]);
    expect(await other.ok("pull", "-a", `${host}/seed`)).toContain(
      `Status: Image is up to date for ${host}/seed`,
    );
    expect((await other.run("pull", "-a", `${host}/nothing`)).stderr).toContain(
      `repository ${host}/nothing not found`,
    );
  });

  test("pull --retry 0 fails at once where there would be five tries", async () => {
    let tries = 0;
    await using broken = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => {
        tries += 1;
        return new Response("busy", { status: 503 });
      },
    });
    const name = `127.0.0.1:${broken.port}/x`;
    const none = await bocker.run("pull", "--retry", "0", name);
    expect(none).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("503 Service Unavailable") });
    expect(tries).toBe(1);
    tries = 0;
    await bocker.run("pull", "--retry", "2", "--retry-delay", "1ms", name);
    expect(tries).toBe(3);
    expect((await bocker.run("pull", "--retry-delay", "soon", name)).stderr).toContain(
      'invalid argument "soon" for "--retry-delay" flag',
    );
  });
});

/** Names of images and what is known by them, from the outside: tag, history, filters and counts of images. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { makeImage, makeJsonBlob, makeManifest } from "../lib/oci-image.ts";
import { type RegistryFixture, startRegistry } from "../lib/registry-fixture.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
let registry: RegistryFixture;
let host: string;
const image = makeImage([[{ name: "top", content: "top" }]], {
  config: { Cmd: ["/top"], Labels: { team: "red", stage: "test" } },
});
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
  await bocker.ok("tag", "busybox", "newer");
}, 60_000);
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await bocker[Symbol.asyncDispose]();
});

const shortOf = (digest: string) => digest.slice("sha256:".length, "sha256:".length + 12);

describe("tag and history", () => {
  test("tag names an image anew, by name, id or prefix of one", async () => {
    for (const source of [`${host}/seed:1`, imageId, shortOf(imageId)]) {
      await bocker.ok("image", "tag", source, "mine:1");
      expect((await bocker.inspect("mine:1")).Id).toBe(imageId);
      await bocker.ok("rmi", "mine:1");
    }
    await bocker.ok("tag", `${host}/seed:1`, "mine");
    await bocker.ok("tag", `${host}/seed:old`, "mine:latest");
    expect((await bocker.inspect("mine")).Id).toBe(old.config.descriptor.digest);
    expect((await bocker.run("tag", "nope", "x")).stderr).toStartWith("Error: No such image: nope:latest\n");
    expect((await bocker.run("tag", "mine", `x@${digest}`)).stderr).toContain(
      "refusing to create a tag with a digest reference",
    );
    expect((await bocker.run("tag", "mine", "Bad")).exitCode).toBe(1);
  });

  test("history: the last step first, sizes of layers, none for steps without", async () => {
    const layer = makeImage([[{ name: "file", content: "x".repeat(5000) }]], { compression: "none" });
    const config = JSON.parse(Buffer.from(layer.config.bytes).toString());
    const long = "/bin/sh -c #(nop) ADD file:0123456789abcdef in / and then some";
    config.history = [
      { created: "2024-01-02T03:04:05.678Z", created_by: long, comment: "base" },
      { created: "2024-01-03T00:00:00Z", created_by: 'CMD ["sh"]', empty_layer: true },
    ];
    const made = makeJsonBlob(layer.config.descriptor.mediaType, config);
    await registry.push("steps:1", { ...layer, config: made, manifest: makeManifest(made, layer.layers) });
    await bocker.ok("pull", "-q", `${host}/steps:1`);
    const [head, first, second] = (await bocker.ok("history", `${host}/steps:1`)).split("\n");
    expect(head).toMatch(/^IMAGE +CREATED +CREATED BY +SIZE +COMMENT$/);
    expect(first).toMatch(new RegExp(`^${shortOf(made.descriptor.digest)} +.+ ago +CMD \\["sh"\\] +0B *$`));
    expect(second).toMatch(
      /^<missing> +.+ ago +\/bin\/sh -c #\(nop\) ADD file:0123456789abcdef … +[\d.]+k?B +base$/,
    );
    const exact = await bocker.ok("history", "-H=false", "--no-trunc", `${host}/steps:1`);
    expect(exact).toContain(`${made.descriptor.digest}   2024-01-03T00:00:00Z   CMD ["sh"]`);
    expect(exact).toContain(
      "<missing>                                                                 2024-01-02T03:04:05Z ",
    );
    expect(exact).toContain(long);
    expect(exact).toMatch(/ \d{4,} +base$/m);
    expect(await bocker.ok("history", "-q", `${host}/steps:1`)).toBe(
      `${shortOf(made.descriptor.digest)}\n<missing>`,
    );
    expect(
      await bocker.ok("image", "history", "--format", "{{.Comment}}|{{.Size}}", `${host}/steps:1`),
    ).toStartWith("|0B\nbase|");
    expect((await bocker.run("history", "nope")).stderr).toContain("No such image: nope:latest");
  });
});

describe("images: filters and counts", () => {
  const names = async (...words: readonly string[]) =>
    (await bocker.ok("images", "--format", "{{.Repository}}:{{.Tag}}", ...words)).split("\n").filter(Boolean);

  test("by label, name, age and whether anything names it", async () => {
    const mine = ["-f", `reference=${host}/seed`];
    expect(await names(...mine, "-f", "label=team")).toEqual([`${host}/seed:1`]);
    expect(await names(...mine, "-f", "label=team=red", "-f", "label=stage=test")).toEqual([
      `${host}/seed:1`,
    ]);
    expect(await names(...mine, "-f", "label=team=blue")).toEqual([]);
    expect(await names("-f", `reference=${host}/s*:o*`)).toEqual([`${host}/seed:old`]);
    expect(await names(`${host}/see?`)).toHaveLength(2);
    expect(await names("-f", "before=busybox", ...mine)).toHaveLength(2);
    expect(await names("-f", "since=busybox", ...mine)).toEqual([]);
    expect(await names("-f", "until=2024-01-01", ...mine)).toEqual([]);
    expect(await names("-f", "dangling=false", ...mine)).toHaveLength(2);
    expect(await names("-f", "dangling=true", ...mine)).toEqual([]);
    const wrong = await bocker.run("images", "-f", "size=1");
    expect(wrong).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("invalid filter 'size'") });
    expect((await bocker.run("images", "-f", "dangling=maybe")).stderr).toContain(
      "invalid filter 'dangling=[maybe]'",
    );
    expect((await bocker.run("images", "-f", "before=nope")).stderr).toContain("No such image: nope:latest");
  });

  test("the JSON counts the containers of an image", async () => {
    const count = async () =>
      JSON.parse((await bocker.ok("images", "--format", "json", `${host}/seed:1`)).split("\n")[0] ?? "")
        .Containers;
    expect(await count()).toBe("0");
    for (const name of ["c1", "c2"]) await bocker.ok("create", "--name", name, `${host}/seed:1`);
    expect(await count()).toBe("2");
    await bocker.ok("rm", "c1", "c2");
    expect(await count()).toBe("0");
  });
});

/** save and load: archives that skopeo, umoci and tar read, that come back with every digest, and hostile ones. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { makeImage, makeJsonBlob, type TestImage } from "../lib/oci-image.ts";
import { startRegistry } from "../lib/registry-fixture.ts";
import { makePax, makeTar, type RawMember } from "../lib/tar-maker.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
const gzipped = makeImage(
  [[{ name: "etc" }, { name: "etc/a", content: "a\n" }], [{ name: "b", content: "b\n" }]],
  {
    config: { Cmd: ["/b"] },
  },
);
const zstd = makeImage([[{ name: "z", content: "z\n" }]], { compression: "zstd" });
const docker = makeImage([[{ name: "d", content: "d\n" }]], { docker: true });

beforeAll(async () => {
  bocker = openWorkspace();
  await using registry = await startRegistry();
  const images = { "me/gz:1": gzipped, "me/gz:2": gzipped, "me/zstd:1": zstd, "me/docker:1": docker };
  for (const [name, image] of Object.entries(images)) {
    if (name !== "me/gz:2") await registry.push(name.replace("me/", ""), image);
    const source = `${registry.host}/${name.replace("me/", "").replace(":2", ":1")}`;
    await bocker.ok("pull", "-q", source);
    await bocker.ok("tag", source, name);
  }
  for (const name of ["gz", "zstd", "docker"]) await bocker.ok("rmi", `${registry.host}/${name}:1`);
});
afterAll(() => bocker[Symbol.asyncDispose]());

const file = (name: string) => join(bocker.directory, name);
const all = ["me/gz:1", "me/gz:2", "me/zstd:1", "me/docker:1"] as const;

function tool(...argv: string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(argv, { stderr: "pipe", cwd: bocker.directory });
  if (exitCode !== 0) throw new Error(`${argv.join(" ")}: ${stderr.toString()}`);
  return stdout.toString();
}

/** Every name with its image's id and manifest, from the layout that lies in the store. */
async function inventory(): Promise<string> {
  const ids = await bocker.ok("images", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}");
  const index = JSON.parse(readFileSync(join(bocker.root, "image/index.json"), "utf8"));
  const manifests = index.manifests.map((entry: { digest: string; annotations: Record<string, string> }) => {
    return `${Object.values(entry.annotations).join()} ${entry.digest}`;
  });
  return [...ids.split("\n"), ...manifests].sort().join("\n");
}

async function removeAll(): Promise<void> {
  for (const name of (await bocker.ok("images", "-q", "--no-trunc")).split("\n")) {
    if (name !== "") await bocker.run("rmi", "-f", name);
  }
  expect(await bocker.ok("images", "-q")).toBe("");
}

describe("save, then load", () => {
  for (const [format, compressor] of [
    ["docker-archive", "cat"],
    ["docker-archive", "gzip"],
    ["docker-archive", "xz"],
    ["docker-archive", "zstd"],
    ["oci-archive", "cat"],
  ] as const) {
    test(`${format} through ${compressor}: the same ids, manifests and names`, async () => {
      const before = await inventory();
      const saved = await bocker.run("save", "--format", format, ...all);
      expect({ exitCode: saved.exitCode, stderr: saved.stderr }).toEqual({ exitCode: 0, stderr: "" });
      const archive = Bun.spawnSync([compressor], { stdin: saved.stdoutBytes }).stdout;
      await removeAll();
      const loaded = await bocker.runWith({ stdin: archive }, "load");
      expect(loaded).toMatchObject({ exitCode: 0, stderr: "" });
      expect(loaded.stdout.trim().split("\n").sort()).toEqual(
        all.map((name) => `Loaded image: ${name}`).sort(),
      );
      expect(await inventory()).toBe(before);
    });
  }

  test("the same images are the same bytes", async () => {
    const [once, again] = [await bocker.run("save", ...all), await bocker.run("save", ...all)];
    expect(Buffer.from(once.stdoutBytes).equals(Buffer.from(again.stdoutBytes))).toBe(true);
  });

  test("-o writes a file for root alone, whole or not at all", async () => {
    await bocker.ok("save", "-o", file("o.tar"), "me/gz:1");
    expect(tool("stat", "-c", "%a", file("o.tar"))).toBe("600\n");
    expect((await bocker.run("save", "-o", file("o.tar"), "me/gz:1", "missing")).exitCode).toBe(1);
    expect(tool("tar", "tf", file("o.tar"))).toContain("manifest.json\n");
    expect(readdirSync(bocker.directory).filter((name) => name.startsWith(".o.tar"))).toEqual([]);
  });

  test("a name without a tag is every tag of it; an id has no name", async () => {
    const repoTags = async (name: string) => {
      await bocker.ok("save", "-o", file("t.tar"), name);
      return JSON.parse(tool("tar", "xOf", file("t.tar"), "manifest.json"))[0].RepoTags;
    };
    expect(await repoTags("me/gz")).toEqual(["me/gz:1", "me/gz:2"]);
    expect(await repoTags("me/gz:2")).toEqual(["me/gz:2"]);
    expect(await repoTags(gzipped.config.descriptor.digest)).toBeNull();
    const { stdout } = await bocker.run("load", "-i", file("t.tar"));
    expect(stdout).toBe(`Loaded image ID: ${gzipped.config.descriptor.digest}\n`);
  });

  test("a name moves to the loaded image, and it is said", async () => {
    await bocker.ok("save", "-o", file("m.tar"), "me/gz:1");
    await bocker.ok("tag", "me/zstd:1", "me/gz:1");
    const { stdout } = await bocker.run("load", "-q", "-i", file("m.tar"));
    expect(stdout).toBe(
      `The image me/gz:1 already exists, renaming the old one with ID ${zstd.config.descriptor.digest} to empty string\n` +
        "Loaded image: me/gz:1\n",
    );
  });
});

describe("others read it", () => {
  test("skopeo: docker's archive, by name", async () => {
    await bocker.ok("save", "-o", file("s.tar"), ...all);
    for (const [name, image] of [
      ["me/gz:2", gzipped],
      ["me/docker:1", docker],
    ] as const) {
      const raw = JSON.parse(tool("skopeo", "inspect", "--raw", `docker-archive:s.tar:${name}`));
      expect(raw.config.digest).toBe(image.config.descriptor.digest);
    }
    tool("skopeo", "copy", "docker-archive:s.tar:me/gz:1", "dir:copied");
    expect(existsSync(file(`copied/${gzipped.config.descriptor.digest.slice(7)}`))).toBe(true);
  });

  test("skopeo and umoci: an OCI layout, as a tar and as a directory", async () => {
    await bocker.ok("save", "--format", "oci-archive", "-o", file("oci.tar"), "me/gz:1");
    await bocker.ok("save", "--format", "oci-dir", "-o", file("layout"), "me/gz:1");
    for (const source of ["oci-archive:oci.tar", "oci:layout"]) {
      const { Digest } = JSON.parse(tool("skopeo", "inspect", source));
      expect(Digest).toBe(gzipped.manifest.descriptor.digest);
    }
    tool("umoci", "unpack", "--image", "layout:1", "bundle");
    expect(readFileSync(file("bundle/rootfs/etc/a"), "utf8")).toBe("a\n");
    expect(await bocker.ok("load", "-i", file("layout"))).toBe("Loaded image: me/gz:1");
    const again = await bocker.run("save", "--format", "oci-dir", "-o", file("layout"), "me/gz:1");
    expect(again).toMatchObject({ exitCode: 1, stdout: "" });
    expect(again.stderr).toContain("is not an empty directory");
  });

  test("what skopeo writes is loaded", async () => {
    await bocker.ok("save", "--format", "oci-dir", "-o", file("from"), "me/gz:1");
    tool("skopeo", "copy", "oci:from:1", "docker-archive:by-skopeo.tar:me/skopeo:7");
    tool("skopeo", "copy", "oci:from:1", "oci-archive:by-skopeo-oci.tar:docker.io/me/skopeo:8");
    expect(await bocker.ok("load", "-i", file("by-skopeo.tar"))).toBe("Loaded image: me/skopeo:7");
    expect(await bocker.ok("load", "-i", file("by-skopeo-oci.tar"))).toBe("Loaded image: me/skopeo:8");
    expect(await bocker.ok("inspect", "-f", "{{.Config.Cmd}}", "me/skopeo:7")).toBe("[/b]");
  });
});

const tarOf = (members: readonly (RawMember | Buffer)[]) => makeTar(...members);

/** An archive in docker's form of one image, with members changed or added. */
function archive(image: TestImage, manifest: object, members: readonly (RawMember | Buffer)[] = []): Buffer {
  const layers = image.layers.map((layer, index) => ({ name: `${index}.tar`, data: layer.bytes }));
  return tarOf([
    { name: "config.json", data: image.config.bytes },
    ...layers,
    ...members,
    { name: "manifest.json", data: JSON.stringify([manifest]) },
  ]);
}

describe("refused, and nothing of it stays", () => {
  const good = { Config: "config.json", RepoTags: ["x/evil:1"], Layers: ["0.tar"] };
  const single = makeImage([[{ name: "f", content: "f" }]]);
  const config = (change: object) =>
    makeJsonBlob("", { ...JSON.parse(Buffer.from(single.config.bytes).toString()), ...change });
  const cases: readonly (readonly [string, () => Buffer, RegExp])[] = [
    [
      "no archive at all",
      () => tarOf([{ name: "etc/passwd", data: "root" }]),
      /does not contain a manifest.json/,
    ],
    ["nothing", () => Buffer.alloc(0), /does not contain a manifest.json/],
    ["noise", () => Buffer.alloc(2048, "noise"), /checksum/],
    ["cut short", () => archive(single, good).subarray(0, 1500), /ends|truncated|end/],
    ["a manifest that is no JSON", () => tarOf([{ name: "manifest.json", data: "{" }]), /not JSON/],
    ["a manifest that is no list", () => tarOf([{ name: "manifest.json", data: "{}" }]), /not a list/],
    ["an entry without Config", () => archive(single, { Layers: [] }), /without Config or Layers/],
    ["a Config outside", () => archive(single, { ...good, Config: "../../../etc/passwd" }), /is missing/],
    ["a layer outside", () => archive(single, { ...good, Layers: ["/etc/passwd"] }), /is missing/],
    [
      "a layer that is a link to the host",
      () => archive(single, { ...good, Layers: ["l"] }, [{ name: "l", type: "2", linkName: "/etc/passwd" }]),
      /is missing/,
    ],
    [
      "links in a circle",
      () =>
        archive(single, { ...good, Layers: ["l"] }, [
          { name: "l", type: "2", linkName: "m" },
          { name: "m", type: "2", linkName: "l" },
        ]),
      /is missing/,
    ],
    [
      "a device in place of a layer",
      () => archive(single, { ...good, Layers: ["l"] }, [{ name: "l", type: "3" }]),
      /is missing/,
    ],
    ["too few layers", () => archive(single, { ...good, Layers: [] }), /has 0 layers, its config 1/],
    [
      "another diffID",
      () =>
        tarOf([
          {
            name: "c",
            data: config({ rootfs: { type: "layers", diff_ids: [`sha256:${"0".repeat(64)}`] } }).bytes,
          },
          { name: "0.tar", data: single.layers[0]?.bytes ?? "" },
          { name: "manifest.json", data: JSON.stringify([{ ...good, Config: "c" }]) },
        ]),
      /digest mismatch/,
    ],
    [
      "a name that climbs",
      () => archive(single, { ...good, RepoTags: ["../../evil:1"] }),
      /invalid reference format/,
    ],
    [
      "a name with a digest",
      () => archive(single, { ...good, RepoTags: [`a@sha256:${"0".repeat(64)}`] }),
      /invalid tag/,
    ],
    [
      "a layer that breaks out",
      () => {
        const tar = tarOf([{ name: "../../../../tmp/bocker-broke-out", data: "x" }]);
        const digest = new Bun.CryptoHasher("sha256").update(tar).digest("hex");
        const bytes = config({ rootfs: { type: "layers", diff_ids: [`sha256:${digest}`] } }).bytes;
        return tarOf([
          { name: "c", data: bytes },
          { name: "0.tar", data: tar },
          { name: "manifest.json", data: JSON.stringify([{ ...good, Config: "c" }]) },
        ]);
      },
      /breakout/,
    ],
  ];
  for (const [name, make, message] of cases) {
    test(name, async () => {
      const stored = () => [
        ...readdirSync(join(bocker.root, "image/blobs/sha256")),
        ...readdirSync(join(bocker.root, "layer")),
        ...readdirSync(join(bocker.root, "tmp")).filter((entry) => !entry.endsWith(".lock")),
      ];
      const before = stored();
      const { exitCode, stdout, stderr } = await bocker.runWith({ stdin: make() }, "load");
      expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
      expect(stderr).toStartWith("Error: ");
      expect(stderr).toMatch(message);
      expect(stored()).toEqual(before);
      expect(existsSync("/tmp/bocker-broke-out")).toBe(false);
    });
  }

  test("hostile names of members are only names", async () => {
    const names = [
      "../../../../tmp/bocker-broke-out",
      "/tmp/bocker-broke-out",
      `${"n".repeat(90)}\n\x1b[31m`,
    ];
    const members = [
      ...names.map((name) => ({ name, data: "x" })),
      makePax([["path", `${"d/".repeat(4000)}x`]]),
      { name: "long", data: "x" },
    ];
    const { exitCode, stdout } = await bocker.runWith({ stdin: archive(single, good, members) }, "load");
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "Loaded image: x/evil:1\n" });
    expect(existsSync("/tmp/bocker-broke-out")).toBe(false);
  });
});

describe("docker's words", () => {
  const lines: readonly (readonly [readonly string[], string])[] = [
    [["save", "missing"], "No such image: missing:latest"],
    [["save"], "requires at least 1 argument"],
    [
      ["save", "-o", "/nonexistent/x", "me/gz:1"],
      'invalid output path: directory "/nonexistent" does not exist',
    ],
    [["save", "--format", "zip", "me/gz:1"], 'unknown format "zip"'],
    [["save", "--format", "oci-dir", "me/gz:1"], "a directory cannot go to standard output"],
    [["load", "-i", "/nonexistent"], "open /nonexistent: no such file or directory"],
    [["load", "-i", "/etc"], "does not contain a manifest.json"],
    [["load", "x"], "accepts no arguments"],
  ];
  for (const [words, message] of lines) {
    test(words.join(" "), async () => {
      const { exitCode, stderr } = await bocker.run(...words);
      expect(exitCode).toBe(1);
      expect(stderr).toContain(message);
    });
  }

  test("never to a terminal", async () => {
    await using terminal = bocker.terminal("save", "me/gz:1");
    expect(await terminal.exited).toBe(1);
    expect(terminal.screen).toContain("cowardly refusing to save to a terminal. Use the -o flag or redirect");
  });
});
